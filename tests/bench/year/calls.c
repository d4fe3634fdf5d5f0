/* The calls of a made-up company, each by a random stream of its own. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "year.h"

struct call call;

static const int sip_codes[] = {480, 487, 486, 503};

static const char *const codecs[] = {"satin",         "satin", "silkWide",
                                     "satinFullband", "opus",  "g722"};
static const char *const setup_reasons[] = {
    "CallSetupFailureNoAnswer",          "CallSetupFailureCancelled",
    "CallSetupFailureDeclined",          "CallSetupFailureBusy",
    "CallSetupFailureMediaConnectivity", "CallSetupFailureTimeout",
    "CallSetupFailureUserNotFound",      "CallSetupFailureForbidden"};
static const char *const mid_reasons[] = {
    "CallDroppedMediaTimeout", "CallDroppedNetworkChange",
    "CallDroppedSignalingLost", "CallDroppedClientCrash"};
static double badness(const struct end *e)
{
    double b = e->connection == WIFI     ? 2.2
               : e->connection == MOBILE ? 3
               : e->connection == TUNNEL ? 2.5
                                         : 1;
    if (e->connection == WIFI && (e->building == 7 || e->building == 13))
        b *= 3;
    if (e->building < 0)
        b *= 1.3;
    if (e->device == 12 || e->device == 5)
        b *= 1.15;
    return e->kind >= TELEPHONE ? .5 : b;
}
static void make_stream(struct stream *x, const struct session *z, int backward,
                        int video)
{
    memset(x, 0, sizeof *x);
    const struct end *from = backward ? &z->callee : &z->caller,
                     *to = backward ? &z->caller : &z->callee;
    double b = (badness(from) + badness(to)) / 2, d = z->t1 - z->t0;
    x->backward = backward;
    x->id = (unsigned)next_random();
    x->t0 = z->t0 + unit() * fmin(3, d);
    x->t1 = z->t1;
    x->jitter = lognormal(3.2 * b, .75);
    x->max_jitter = x->jitter * (1.5 + exponential(2));
    x->trip = lognormal(28 * sqrt(b), .7);
    x->max_trip = x->trip * (1.3 + exponential(1.5));
    x->loss = chance(.5) ? 0 : fmin(.9, lognormal(.0015 * b, 1.5));
    x->max_loss = fmin(1, x->loss * (1.5 + exponential(2)));
    x->packets = (long)(d * (video ? 90 : 38) * (.5 + unit() * .5));
    x->bandwidth = 200000 + (long)exponential(6e6);
    x->audio_codec = codecs[below(6)];
    x->rate = fmax(1, 28 - exponential(3 * b));
    x->frame_loss = fmin(90, exponential(.8 * b));
}
static void make_media(struct session *z, const char *label, int video,
                       int both)
{
    struct media *m = &z->media[z->medias++];
    m->label = label;
    m->video = video;
    m->streams = 0;
    int first = both ? 0 : below(2);
    make_stream(&m->stream[m->streams++], z, first, video);
    if (both)
        make_stream(&m->stream[m->streams++], z, 1, video);
}
static void rate(struct session *z, struct end *e)
{
    if (e->kind != USER || !z->medias || !chance(.08))
        return;
    struct stream *x = &z->media[0].stream[1];
    int bad = x->loss > .05 || x->jitter > 25 || x->trip > 400;
    double q = unit() - (bad ? .35 : 0);
    e->has_feedback = 1;
    e->rating = chance(.6) ? "notRated"
                : q < .03  ? "bad"
                : q < .08  ? "poor"
                : q < .2   ? "fair"
                : q < .6   ? "good"
                           : "excellent";
}
static void end_session(struct session *z, double drop)
{
    if (chance(drop)) {
        z->stage = "midcall";
        z->reason = mid_reasons[below(4)];
    }
    rate(z, &z->caller);
    rate(z, &z->callee);
}

static struct session *add_session(double t0, double t1)
{
    struct session *z = &call.session[call.sessions++];
    memset(z, 0, offsetof(struct session, media));
    make_uuid(z->id, next_random(), next_random());
    z->t0 = t0;
    z->t1 = t1;
    return z;
}

static void begin(double t)
{
    memset(&call, 0, offsetof(struct call, organizer));
    make_uuid(call.id, next_random(), next_random());
    call.t0 = call.t1 = t;
    call.version = 1 + below(3);
    call.notifications = call.version + chance(.1);
    call.phone_stage = NULL;
}

/* Whether it was answered, and for how long it lasts or rings. */
static int answered(double *seconds)
{
    int yes = chance(.82);
    *seconds = yes ? fmin(14400, lognormal(170, 1.15)) : 4 + exponential(15);
    return yes;
}

static void fail(struct session *z)
{
    z->stage = "callSetup";
    z->reason = setup_reasons[chance(.93) ? below(4) : 4 + below(4)];
}

static void end_call_of_two(struct session *z)
{
    call.organizer = z->caller;
    call.parties = 2;
    call.party[0] = z->caller;
    call.party[1] = z->callee;
}

static void make_call_of_two(double t)
{
    double seconds;
    int yes = answered(&seconds);
    struct session *z = add_session(t, t + seconds);
    struct end *me = chance(.5) ? &z->caller : &z->callee;
    struct end *you = me == &z->caller ? &z->callee : &z->caller;
    int user = pick_user();
    strcpy(z->id, call.id);
    call.t1 = z->t1;
    make_user_end(me, user, t, 0);
    if (chance(.12))
        make_external_end(you, t);
    else
        make_user_end(you, (user + 1 + below(40)) % user_count, t, 0);
    z->test = chance(.004);
    if (yes) {
        make_media(z, "main-audio", 0, 1);
        if (chance(.14))
            make_media(z, "main-video", 1, 1);
        if (chance(.10))
            make_media(z, "applicationsharing-video", 1, 0);
        end_session(z, .02);
    } else {
        fail(z);
    }
    end_call_of_two(z);
}

/* Agents ring in turn; the last of them answers, if anybody does. */
static void make_agents(int first, int yes, double t, double seconds)
{
    struct end queue;
    int agents = 1 + below(3);
    make_service_end(&queue, "skypeForBusinessCallQueues");
    call.session[0].callee = queue;
    for (int i = 1; i <= agents; i++) {
        double t0 = t + 8 * i;
        double t1 = i == agents ? fmax(t + seconds, t0 + 1) : t0 + 8;
        struct session *z = add_session(t0, t1);
        z->caller = queue;
        make_user_end(&z->callee, (first + agents - i) % user_count, t, 0);
        if (i == agents && yes) {
            make_media(z, "main-audio", 0, 1);
            end_session(z, .02);
        } else {
            z->stage = "callSetup";
            z->reason = setup_reasons[0];
        }
        call.t1 = fmax(call.t1, t1);
    }
}

static void make_call_by_phone(double t)
{
    double seconds;
    int yes = answered(&seconds), user = pick_user();
    struct session *z = add_session(t, t + seconds);
    strcpy(z->id, call.id);
    call.t1 = z->t1;
    call.inbound = chance(.55);
    call.calling_plan = chance(.5);
    make_user_end(&call.user, user, t, 0);
    make_telephone_end(&call.telephone);
    z->caller = call.inbound ? call.telephone : call.user;
    z->callee = call.inbound ? call.user : call.telephone;
    if (call.inbound && chance(.25))
        make_agents(user, yes, t, seconds);
    if (yes) {
        make_media(z, "main-audio", 0, 1);
        end_session(z, .02);
    } else {
        fail(z);
    }
    call.phone_stage = z->stage;
    call.sip_code = yes ? 0 : sip_codes[below(4)];
    end_call_of_two(z);
}

static void join(const struct end *bridge, int organizer, double t,
                 double seconds)
{
    int first = call.sessions == 0;
    double t0 = t + (first ? 0 : exponential(120));
    struct session *z =
        add_session(t0, fmax(t0 + 5, t + seconds - exponential(90)));
    if (first)
        make_user_end(&z->caller, organizer, t, 1);
    else if (chance(.1))
        make_external_end(&z->caller, t);
    else if (chance(.01))
        make_telephone_end(&z->caller);
    else if (chance(.7))
        make_user_end(&z->caller, (organizer + 1 + below(60)) % user_count, t,
                      1);
    else
        make_user_end(&z->caller, pick_user(), t, 1);
    z->callee = *bridge;
    if (chance(.012)) {
        z->stage = "callSetup";
        z->reason = setup_reasons[4 + below(4)];
        z->t1 = t0 + 5;
    } else {
        make_media(z, "main-audio", 0, 1);
        if (chance(.12))
            make_media(z, "main-video", 1, 1);
        if (chance(.10))
            make_media(z, "applicationsharing-video", 1, 0);
        end_session(z, .03);
    }
    call.t1 = fmax(call.t1, z->t1);
}

static void make_meeting(double t)
{
    struct end bridge;
    int parties = (int)fmin(40, 3 + 1.5 * (pow(1 - unit(), -1 / 1.6) - 1));
    int organizer = pick_user();
    double seconds = chance(.7)
                         ? 1500 + 300 * normal() + (chance(.4) ? 1800 : 0)
                         : lognormal(900, .8);
    seconds = fmax(60, fmin(14400, seconds));
    make_service_end(&bridge, "skypeForBusinessAudioVideoMcu");
    while (call.sessions < parties) {
        join(&bridge, organizer, t, seconds);
        call.party[call.parties++] = call.session[call.sessions - 1].caller;
    }
    call.organizer = call.party[0];
    snprintf(call.url, sizeof call.url,
             "https://teams.microsoft.com/l/meetup-join/19%%3ameeting_"
             "%s%%40thread.v2/0?context=%%7b%%22Oid%%22%%3a%%22%.8s%%22%%7d",
             call.id, call.organizer.id);
}

void make_call(long n, double t)
{
    random_state = mix(seed * 7919 + 13) ^ mix((uint64_t)n + 1);
    begin(t);
    double which = unit();
    call.kind = which < .65 ? OF_TWO : which < .9 ? MEETING : BY_PHONE;
    if (call.kind == OF_TWO)
        make_call_of_two(t);
    else if (call.kind == MEETING)
        make_meeting(t);
    else
        make_call_by_phone(t);
}
