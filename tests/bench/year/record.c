/* The record of a call as Graph sends it: a line of JSON, some 13 kB. */
#include <stdio.h>
#include <time.h>

#include "year.h"

static const char *const kinds[] = {"user", "user", "phone",
                                    "applicationInstance"};

static void text(const char *name, const char *value)
{
    if (value && *value)
        printf("\"%s\":\"%s\",", name, value);
    else
        printf("\"%s\":null,", name);
}

static void instant(const char *name, double t)
{
    time_t whole = (time_t)t;
    struct tm tm;
    char day[32];
    gmtime_r(&whole, &tm);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    printf("\"%s\":\"%s.%03d0000Z\",", name, day,
           (int)((t - (double)whole) * 1000));
}

static void identity(const char *name, const struct end *e)
{
    printf("\"%s\":{", name);
    text("id", e->id);
    text("displayName", e->name);
    text("userPrincipalName", e->upn);
    printf("\"tenantId\":\"%s\"}", e->kind == EXTERNAL ? OTHER_TENANT : TENANT);
}

static void identity_set(const struct end *e)
{
    printf("{\"acsUser\":null,\"guest\":null,\"encrypted\":null,");
    identity(kinds[e->kind], e);
    putchar('}');
}

static void endpoint(const char *name, const struct end *e)
{
    bool person = e->kind <= EXTERNAL;
    printf("\"%s\":{\"@odata.type\":\"#microsoft.graph.callRecords.%s\",", name,
           person ? "participantEndpoint" : "serviceEndpoint");
    if (person) {
        printf("\"name\":\"PC-%05d\",\"cpuName\":\"Intel(R) Core(TM) "
               "i7-1185G7 @ 3.00GHz\",\"cpuCoresCount\":%d,"
               "\"cpuProcessorSpeedInMhz\":%d,",
               e->user, 4 << e->user % 3, 1800 + 200 * (e->user % 8));
        if (e->has_feedback)
            printf("\"feedback\":{\"rating\":\"%s\",\"text\":null,"
                   "\"tokens\":null},",
                   e->rating);
        else
            printf("\"feedback\":null,");
    }
    if (*e->id) {
        identity("associatedIdentity", e);
        putchar(',');
    }
    printf("\"userAgent\":{\"@odata.type\":\"#microsoft.graph.callRecords."
           "%s\",",
           person ? "clientUserAgent" : "serviceUserAgent");
    text("headerValue", e->header);
    text("applicationVersion", e->version);
    if (person)
        printf("\"platform\":\"%s\",\"productFamily\":\"teams\"}}",
               platforms[e->platform]);
    else
        printf("\"role\":\"%s\"}}", e->role);
}

static void failure(const struct session *s)
{
    if (s->stage)
        printf("\"failureInfo\":{\"stage\":\"%s\",\"reason\":\"%s\"},",
               s->stage, s->reason);
    else
        printf("\"failureInfo\":null,");
}

static void device(const struct end *e)
{
    text("captureDeviceName", devices[e->device]);
    text("captureDeviceDriver", "Microsoft: 10.0.22621.3672");
    text("renderDeviceName", devices[e->device]);
    text("renderDeviceDriver", "Microsoft: 10.0.22621.3672");
    printf("\"receivedNoiseLevel\":%d,\"receivedSignalLevel\":%d,"
           "\"sentNoiseLevel\":%d,\"sentSignalLevel\":%d,"
           "\"captureNotFunctioningEventRatio\":0,"
           "\"cpuInsufficentEventRatio\":0,\"deviceClippingEventRatio\":0,"
           "\"deviceGlitchEventRatio\":0,\"howlingEventCount\":null,"
           "\"initialSignalLevelRootMeanSquare\":%.1f,"
           "\"lowSpeechLevelEventRatio\":0,\"lowSpeechToNoiseEventRatio\":0,"
           "\"micGlitchRate\":%d,\"renderMuteEventRatio\":0,"
           "\"renderNotFunctioningEventRatio\":null,"
           "\"renderZeroVolumeEventRatio\":null,\"speakerGlitchRate\":%d",
           -60 - e->signal % 20, -20 - e->signal % 9, -55 - e->signal % 15,
           -19 - e->signal % 7, 60 + e->signal / 3., e->signal % 13,
           e->signal % 11);
}

static void network(const struct end *e)
{
    bool wifi = e->connection == WIFI, relay = e->user % 5 < 2;
    int n = e->user;
    text("connectionType", connections[e->connection]);
    text("networkTransportProtocol", e->tcp ? "tcp" : "udp");
    printf("\"ipAddress\":\"10.%d.%d.%d\",\"macAddress\":"
           "\"3c-22-fb-%02x-%02x-%02x\",\"reflexiveIPAddress\":"
           "\"203.0.113.%d\",",
           n >> 8 & 255, n & 255, 10 + n % 240, n >> 16 & 255, n >> 8 & 255,
           n & 255, 1 + n % 250);
    text("subnet", e->subnet);
    text("dnsSuffix", e->building >= 0 ? "corp.example.com" : NULL);
    text("relayIPAddress", relay ? "52.114.250.7" : NULL);
    text("basicServiceSetIdentifier", wifi ? "a0-b1-c2-d3-e4-10" : NULL);
    text("wifiBand", wifi ? "frequency50GHz" : "unknown");
    text("wifiRadioType", wifi ? "wifi80211ax" : "unknown");
    text("wifiVendorDriver", wifi ? "Intel(R) Wi-Fi 6 AX201 160MHz" : NULL);
    text("wifiVendorDriverVersion", wifi ? "22.250.1.2" : NULL);
    text("wifiMicrosoftDriver", NULL);
    text("wifiMicrosoftDriverVersion", NULL);
    printf("\"port\":%d,\"relayPort\":%s,\"linkSpeed\":%d,\"wifiChannel\":%d,"
           "\"wifiSignalStrength\":%d,\"wifiBatteryCharge\":null,"
           "\"traceRouteHops\":[],\"bandwidthLowEventRatio\":0,"
           "\"delayEventRatio\":0,\"receivedQualityEventRatio\":0,"
           "\"sentQualityEventRatio\":0",
           50000 + e->signal, relay ? "3478" : "null",
           wifi ? 433000000 : 1000000000, 36 + 4 * (n % 8), e->signal);
}

static void side(const char *name, const struct end *e)
{
    if (e->kind > EXTERNAL) {
        printf("\"%sDevice\":null,\"%sNetwork\":null,", name, name);
        return;
    }
    printf("\"%sDevice\":{", name);
    device(e);
    printf("},\"%sNetwork\":{", name);
    network(e);
    printf("},");
}

static void stream(const struct stream *s, bool video)
{
    printf("{\"streamId\":\"%u\",\"streamDirection\":\"%s\",", s->id,
           s->backward ? "calleeToCaller" : "callerToCallee");
    instant("startDateTime", s->t0);
    instant("endDateTime", s->t1);
    text("audioCodec", video ? "unknown" : s->audio_codec);
    text("videoCodec", video ? "h264" : "unknown");
    printf("\"wasMediaBypassed\":false,"
           "\"isAudioForwardErrorCorrectionUsed\":%s,"
           "\"packetUtilization\":%ld,\"averageBandwidthEstimate\":%ld,",
           video ? "false" : "true", s->packets, s->bandwidth);
    if (!video)
        printf("\"averageAudioNetworkJitter\":\"PT%.3fS\","
               "\"maxAudioNetworkJitter\":\"PT%.3fS\",",
               s->jitter * .0009, s->max_jitter * .0009);
    printf("\"averageJitter\":\"PT%.3fS\",\"maxJitter\":\"PT%.3fS\","
           "\"averageRoundTripTime\":\"PT%.3fS\","
           "\"maxRoundTripTime\":\"PT%.3fS\","
           "\"averageAudioDegradation\":%.3g,\"averagePacketLossRate\":%.4g,"
           "\"maxPacketLossRate\":%.4g,"
           "\"averageRatioOfConcealedSamples\":%.4g,"
           "\"maxRatioOfConcealedSamples\":null,"
           "\"averageReceivedFrameRate\":null,"
           "\"averageVideoFrameLossPercentage\":%.3g,"
           "\"averageVideoFrameRate\":%.3g,"
           "\"averageVideoPacketLossRate\":%.3g,\"lowFrameRateRatio\":%.3g,"
           "\"lowVideoProcessingCapabilityRatio\":null,"
           "\"averageFreezeDuration\":null,\"rmsFreezeDuration\":null,"
           "\"postForwardErrorCorrectionPacketLossRate\":null}",
           s->jitter / 1000, s->max_jitter / 1000, s->trip / 1000,
           s->max_trip / 1000, s->loss * 12, s->loss, s->max_loss, s->loss * .8,
           s->frame_loss, s->rate, s->loss, s->frame_loss / 100);
}

static void segment(const struct session *s)
{
    text("id", s->id);
    instant("startDateTime", s->t0);
    instant("endDateTime", s->t1);
    failure(s);
    endpoint("caller", &s->caller);
    putchar(',');
    endpoint("callee", &s->callee);
}

static void session(const struct session *s)
{
    printf("{\"modalities\":[\"audio\"],\"isTest\":%s,",
           s->test ? "true" : "false");
    segment(s); /* what a session says of itself is the same */
    printf(",\"segments\":[{");
    segment(s);
    printf(",\"media\":[");
    for (int i = 0; i < s->medias; i++) {
        const struct media *m = &s->media[i];
        printf("%s{", i ? "," : "");
        text("label", m->label);
        side("caller", &s->caller);
        side("callee", &s->callee);
        printf("\"streams\":[");
        for (int k = 0; k < m->streams; k++) {
            printf("%s", k ? "," : "");
            stream(&m->stream[k], m->video);
        }
        printf("]}");
    }
    printf("]}]}");
}

static void party(const struct end *e)
{
    printf("{\"id\":\"%s\",\"administrativeUnitInfos\":[],\"identity\":",
           e->id);
    identity_set(e);
    putchar('}');
}

void print_record(void)
{
    printf("{\"@odata.context\":\"https://graph.microsoft.com/v1.0/"
           "$metadata#communications/callRecords/$entity\",\"id\":\"%s\","
           "\"version\":%d,\"type\":\"%s\",\"modalities\":[\"audio\"],",
           call.id, call.version,
           call.kind == MEETING || call.sessions > 1 ? "groupCall"
                                                     : "peerToPeer");
    instant("lastModifiedDateTime", call.t1 + 800);
    instant("startDateTime", call.t0);
    instant("endDateTime", call.t1);
    text("joinWebUrl", call.url);
    printf("\"organizer_v2\":");
    party(&call.organizer);
    printf(",\"participants_v2\":[");
    for (int i = 0; i < call.parties; i++) {
        printf("%s", i ? "," : "");
        party(&call.party[i]);
    }
    printf("],\"sessions\":[");
    for (int i = 0; i < call.sessions; i++) {
        printf("%s", i ? "," : "");
        session(&call.session[i]);
    }
    printf("]}\n");
}
