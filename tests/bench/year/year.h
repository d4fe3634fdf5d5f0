/*
 * A made-up year of Teams calls: people, their calls, and the rows of these.
 */
#ifndef YEAR_H
#define YEAR_H

#include <stdbool.h>
#include <stdint.h>

#define YEAR_BEGINS 1764288000L /* 2025-11-28T00:00:00Z, a Friday */
#define TENANT "5f1cb7d0-51d1-4a1e-9a0e-0d7f4b9d2c11"
#define OTHER_TENANT "0b1c2d3e-4f50-4617-8283-94a5b6c7d8e9"
#define SESSIONS_MAX 64
#define UUID_SIZE 40

enum connection { UNKNOWN, WIRED, WIFI, MOBILE, TUNNEL };
enum platform { WINDOWS, MAC, IOS, ANDROID, WEB, ROOM, PHONE };
enum kind_of_end { USER, EXTERNAL, TELEPHONE, SERVICE };
enum kind_of_call { OF_TWO, MEETING, BY_PHONE };

struct user {
    char id[40], name[40], upn[64];
    int department, platform, building, floor, device, lag, wifi, remote;
};

/* One end of a session. */
struct end {
    int kind, user, platform, connection, building, floor, device, tcp;
    int signal, has_feedback;
    char id[40], name[40], upn[64], header[128], version[40];
    char subnet[20];
    const char *role, *rating;
};

struct stream {
    int backward; /* from the callee to the caller */
    double t0, t1, jitter, max_jitter, trip, max_trip, loss, max_loss;
    double rate, frame_loss;
    long packets, bandwidth;
    const char *audio_codec;
    unsigned id;
};

struct media {
    const char *label;
    int video, streams;
    struct stream stream[2];
};

struct session {
    struct end caller, callee;
    double t0, t1;
    const char *stage, *reason;
    int test, medias;
    char id[40];
    struct media media[3];
};

struct call {
    int kind, sessions, parties, inbound, calling_plan, notifications, version;
    double t0, t1;
    char id[40], url[160];
    struct end organizer, party[SESSIONS_MAX];
    struct session session[SESSIONS_MAX];
    struct end telephone, user; /* of a call by phone */
    const char *phone_stage;
    int sip_code;
};

extern struct user *users;
extern int user_count;
extern uint64_t seed, random_state;
extern struct call call;
extern const char *const platforms[], *const connections[], *const devices[];

uint64_t mix(uint64_t z);
uint64_t next_random(void);
double unit(void);
int below(int limit);
int chance(double x);
double exponential(double mean);
double normal(void);
double lognormal(double median, double sigma);
void make_uuid(char *out, uint64_t a, uint64_t b);

void make_users(void);
int pick_user(void);
void make_user_end(struct end *e, int n, double t, int meeting);
void make_external_end(struct end *e, double t);
void make_telephone_end(struct end *e);
void make_service_end(struct end *e, const char *role);

void make_call(long n, double t);

/* The rows of the call in a table of the store, and the columns of these;
 * false: there is no such table. */
bool print_rows(const char *table);
bool print_columns(const char *table);

/* The call's record as Graph sends it. */
void print_record(void);

#endif
