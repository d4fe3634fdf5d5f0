/*
 * The rows of a call, for COPY into the store of records: the columns that
 * reports are made of. What puts a value puts its column's name instead when
 * these are asked for, so that the two never differ.
 */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "year.h"

const char *const connections[] = {"unknown", "wired", "wifi", "mobile",
                                   "tunnel"};
const char *const devices[] = {"Headset Microphone (Jabra Evolve2 65)",
                               "Headset Microphone (Jabra Evolve2 40)",
                               "Headset (Poly Voyager Focus 2)",
                               "Headset (Poly Blackwire 3325)",
                               "Headset (EPOS IMPACT 860T)",
                               "Microphone Array (Realtek(R) Audio)",
                               "Microphone (Logitech BRIO)",
                               "Headset (Plantronics Savi 7xx)",
                               "Headset (Logitech Zone Wired)",
                               "MacBook Pro Microphone",
                               "AirPods Pro",
                               "iPhone Microphone",
                               "Default input device",
                               "Echo Cancelling Speakerphone (Jabra "
                               "Speak 750)",
                               "Microphone (Yealink MVC800)",
                               "Headset (Jabra Link 380)"};
static const char *const kinds[] = {"user", "user", "phone", NULL};

static bool names, row_begun, named;

static void put(const char *side, const char *name, const char *format, ...)
{
    va_list values;
    if (named)
        return;
    if (row_begun)
        putchar_unlocked(names ? ',' : '\t');
    row_begun = true;
    if (names) {
        printf("%s%s", side, name);
        return;
    }
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
}

static void end_row(void)
{
    if (!named)
        putchar_unlocked('\n');
    row_begun = false;
    named = names;
}

static void put_text(const char *side, const char *name, const char *value)
{
    put(side, name, "%s", value && *value ? value : "\\N");
}

static void put_number(const char *name, long value)
{
    put("", name, "%ld", value);
}

static void put_measure(const char *name, bool is_measured, double value)
{
    if (is_measured)
        put("", name, "%.4g", value);
    else
        put_text("", name, NULL);
}

/* A call's times lie in few days: each is taken apart once. */
static void put_time(const char *name, double t)
{
    static struct tm tm;
    static time_t day = -1;
    time_t whole = (time_t)t;
    long second = whole % 86400;
    if (whole / 86400 != day) {
        day = whole / 86400;
        gmtime_r(&whole, &tm);
    }
    put("", name, "%04d-%02d-%02d %02ld:%02ld:%02ld.%03d+00", tm.tm_year + 1900,
        tm.tm_mon + 1, tm.tm_mday, second / 3600, second / 60 % 60, second % 60,
        (int)((t - (double)whole) * 1000));
}

static void put_ids(void)
{
    put_text("", "call_id", call.id);
    put_text("", "tenant_id", TENANT);
}

static void put_identity(const char *side, const struct end *e)
{
    put_text(side, "identity_kind",
             e->kind == SERVICE && *e->id ? "applicationInstance"
                                          : kinds[e->kind]);
    put_text(side, "identity_id", e->id);
    put_text(side, "identity_name", e->name);
    put_text(side, "identity_tenant_id",
             e->kind == USER       ? TENANT
             : e->kind == EXTERNAL ? OTHER_TENANT
                                   : NULL);
    put_text(side, "identity_user_principal_name", e->upn);
}

static void put_endpoint(const char *side, const struct end *e)
{
    bool is_person = e->kind <= EXTERNAL;
    put_text(side, "type",
             is_person ? "participantEndpoint" : "serviceEndpoint");
    put_text(side, "user_agent_type",
             is_person ? "clientUserAgent" : "serviceUserAgent");
    put_text(side, "user_agent_header_value", e->header);
    put_text(side, "user_agent_application_version", e->version);
    put_text(side, "user_agent_platform",
             is_person ? platforms[e->platform] : NULL);
    put_text(side, "user_agent_role", is_person ? NULL : e->role);
    put_identity(side, e);
}

static void put_network(const char *side, const struct end *e)
{
    bool is_person = e->kind <= EXTERNAL;
    put_text(side, "capture_device_name",
             is_person ? devices[e->device] : NULL);
    put_text(side, "render_device_name", is_person ? devices[e->device] : NULL);
    put_text(side, "connection_type",
             connections[is_person ? e->connection : UNKNOWN]);
    put_text(side, "network_transport_protocol",
             !is_person ? "unknown"
             : e->tcp   ? "tcp"
                        : "udp");
    put_text(side, "subnet", e->subnet);
}

static const char *modalities(const struct session *z)
{
    bool video = false, sharing = false;
    for (int i = 1; i < z->medias; i++)
        if (z->media[i].label[0] == 'm')
            video = true;
        else
            sharing = true;
    return video && sharing ? "{audio,video,screenSharing}"
           : video          ? "{audio,video}"
           : sharing        ? "{audio,screenSharing}"
                            : "{audio}";
}

static void calls(void)
{
    double read_at = call.t1 + 1000 + 1800 * (call.version - 1);
    put_ids();
    put_time("first_notified_at", call.t1 + 900);
    put_time("last_notified_at", read_at - 100);
    put_number("notifications", call.notifications);
    put_time("filed_at", call.t1 + 960);
    put_time("started_at", call.t0);
    put_time("ended_at", call.t1);
    put_number("version", call.version);
    put_text("", "record_state", "stored");
    put_time("read_at", read_at);
    put_number("attempts", 0);
    end_row();
}

static void call_records(void)
{
    put_ids();
    put_number("reading_no", 1);
    put_time("read_at", call.t1 + 1000 + 1800 * (call.version - 1));
    put("", "sha256", "\\\\x%064llx", (unsigned long long)mix(random_state));
    put_number("participants", call.parties);
    put_number("sessions", call.sessions);
    put_number("version", call.version);
    put_text("", "type",
             call.kind == MEETING || call.sessions > 1 ? "groupCall"
                                                       : "peerToPeer");
    put_text("", "modalities", modalities(&call.session[0]));
    put_time("start_date_time", call.t0);
    put_time("end_date_time", call.t1);
    put_time("last_modified_date_time", call.t1 + 800);
    put_text("", "join_web_url", call.kind == MEETING ? call.url : NULL);
    put_text("", "organizer_id", call.organizer.id);
    put_identity("organizer_", &call.organizer);
    end_row();
}

static void participants(void)
{
    for (int i = 0; i < call.parties; i++) {
        put_ids();
        put_number("participant_no", i + 1);
        put_text("", "id", call.party[i].id);
        put_identity("", &call.party[i]);
        end_row();
    }
}

/* What both logs begin with; how long the call lasted. */
static int put_phone(const char *id, double begins)
{
    int seconds = call.phone_stage ? 0 : (int)(call.t1 - call.t0);
    put_text("", "id", id);
    put_text("", "tenant_id", TENANT);
    put_time("read_at", call.t1 + 86400);
    put_text("", "user_id", call.user.id);
    put_text("", "user_principal_name", call.user.upn);
    put_text("", "user_display_name", call.user.name);
    put_time("start_date_time", begins);
    put_time("end_date_time", begins + seconds);
    put_number("duration_seconds", seconds);
    return seconds;
}

static void pstn_calls(void)
{
    int abroad = call.user.signal % 9 == 0;
    char own[20];
    if (call.kind != BY_PHONE || !call.calling_plan)
        return;
    snprintf(own, sizeof own, "+4989%07d", call.user.user % 10000000);
    int seconds = put_phone(call.id, call.t0 + 2);
    put("", "call_id", "%s@203.0.113.9", call.id);
    put_measure("charge", true, call.inbound ? 0 : ceil(seconds / 60.0) * .018);
    put_measure("connection_charge", true, 0);
    put_text("", "currency", "EUR");
    put_text("", "call_type", call.inbound ? "user_in" : "user_out");
    put_text("", "callee_number", call.inbound ? own : call.telephone.id);
    put_text("", "caller_number", call.inbound ? call.telephone.id : own);
    put_text("", "usage_country_code", "DE");
    put_text("", "destination_name", abroad ? "Austria" : "Germany");
    end_row();
}

static void direct_routing_calls(void)
{
    if (call.kind != BY_PHONE || call.calling_plan)
        return;
    put_phone(call.session[0].id, call.t0 + 4);
    put_text("", "correlation_id", call.id);
    put_time("invite_date_time", call.t0 + 1);
    put_text("", "call_type", call.inbound ? "ByotIn" : "ByotOut");
    put_text("", "successful_call", call.phone_stage ? "f" : "t");
    put("", "caller_number", "%.9s***",
        call.inbound ? call.telephone.id : "+4989000000");
    put("", "callee_number", "%.9s***",
        call.inbound ? "+4989000000" : call.telephone.id);
    put_number("final_sip_code", call.sip_code);
    put("", "trunk_fully_qualified_domain_name", "sbc%d.example.com",
        1 + call.user.user % 4);
    end_row();
}

static void put_session(const struct session *z)
{
    put_text("", "id", z->id);
    put_time("start_date_time", z->t0);
    put_time("end_date_time", z->t1);
    put_endpoint("caller_", &z->caller);
    put_endpoint("callee_", &z->callee);
    put_text("", "failure_stage", z->stage);
    put_text("", "failure_reason", z->reason);
}

static void sessions(void)
{
    for (int i = 0; i < call.sessions; i++) {
        const struct session *z = &call.session[i];
        put_ids();
        put_number("session_no", i + 1);
        put_text("", "modalities", modalities(z));
        put_text("", "is_test", z->test ? "t" : "f");
        put_session(z);
        end_row();
    }
}

static void segments(void)
{
    for (int i = 0; i < call.sessions; i++) {
        put_ids();
        put_number("session_no", i + 1);
        put_number("segment_no", 1);
        put_session(&call.session[i]);
        end_row();
    }
}

static void put_feedback(int session, const struct end *e, const char *side)
{
    if (!e->has_feedback)
        return;
    put_ids();
    put_number("session_no", session + 1);
    put_number("segment_no", 0);
    put_text("", "side", side);
    put_text("", "rating", e->rating);
    put_identity("", e);
    end_row();
}

static void feedback(void)
{
    for (int i = 0; i < call.sessions; i++) {
        put_feedback(i, &call.session[i].caller, "caller");
        put_feedback(i, &call.session[i].callee, "callee");
    }
}

static void put_media_key(int session, int media)
{
    put_ids();
    put_number("session_no", session + 1);
    put_number("segment_no", 1);
    put_number("media_no", media + 1);
}

static void media(void)
{
    for (int i = 0; i < call.sessions; i++) {
        const struct session *z = &call.session[i];
        for (int j = 0; j < z->medias; j++) {
            put_media_key(i, j);
            put_text("", "label", z->media[j].label);
            put_network("caller_", &z->caller);
            put_network("callee_", &z->callee);
            end_row();
        }
    }
}

static void put_stream(const struct stream *x, bool is_video)
{
    put("", "stream_id", "%u", x->id);
    put_text("", "stream_direction",
             x->backward ? "calleeToCaller" : "callerToCallee");
    put_time("start_date_time", x->t0);
    put_time("end_date_time", x->t1);
    put_text("", "audio_codec", is_video ? "unknown" : x->audio_codec);
    put_number("packet_utilization", x->packets);
    put_number("average_bandwidth_estimate", x->bandwidth);
    put_measure("average_jitter_ms", true, x->jitter);
    put_measure("max_jitter_ms", true, x->max_jitter);
    put_measure("average_round_trip_time_ms", true, x->trip);
    put_measure("max_round_trip_time_ms", true, x->max_trip);
    put_measure("average_packet_loss_rate", true, x->loss);
    put_measure("max_packet_loss_rate", true, x->max_loss);
    put_measure("average_video_frame_loss_percentage", is_video, x->frame_loss);
    put_measure("average_video_frame_rate", is_video, x->rate);
    put_measure("post_forward_error_correction_packet_loss_rate", is_video,
                x->loss * .3);
}

static void streams(void)
{
    for (int i = 0; i < call.sessions; i++)
        for (int j = 0; j < call.session[i].medias; j++) {
            const struct media *m = &call.session[i].media[j];
            for (int k = 0; k < m->streams; k++) {
                put_media_key(i, j);
                put_number("stream_no", k + 1);
                put_stream(&m->stream[k], m->video);
                end_row();
            }
        }
}

static const struct {
    const char *name;
    void (*print)(void);
} tables[] = {{"calls", calls},
              {"call_records", call_records},
              {"participants", participants},
              {"sessions", sessions},
              {"segments", segments},
              {"media", media},
              {"streams", streams},
              {"feedback", feedback},
              {"pstn_calls", pstn_calls},
              {"direct_routing_calls", direct_routing_calls}};

bool print_rows(const char *table)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, table) == 0) {
            tables[i].print();
            return true;
        }
    return false;
}

/* Of a call that has a row in each of the tables, one after the other. */
bool print_columns(const char *table)
{
    call.sessions = call.parties = 1;
    call.session[0].medias = call.session[0].media[0].streams = 1;
    call.session[0].caller.has_feedback = 1;
    call.kind = BY_PHONE;
    call.calling_plan = strcmp(table, "pstn_calls") == 0;
    names = true;
    return print_rows(table);
}
