/* The people of a made-up company, and what they call from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "year.h"

#define SERVICE_HEADER "Skype for Business Online AV MCU/27.0.2"

struct user *users;
int user_count;
uint64_t seed = 1, random_state;

static double *reach; /* of each user, up to where a random number picks it */

const char *const platforms[] = {"windows", "macOS",      "iOS",    "android",
                                 "web",     "roomSystem", "ipPhone"};

uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t next_random(void)
{
    random_state += 0x9e3779b97f4a7c15u;
    return mix(random_state);
}

double unit(void)
{
    return (double)(next_random() >> 11) * 0x1p-53;
}

int below(int limit)
{
    return (int)(unit() * limit);
}

int chance(double x)
{
    return unit() < x;
}

double exponential(double mean)
{
    return -mean * log(1 - unit());
}

double normal(void)
{
    return sqrt(-2 * log(1 - unit())) * cos(6.283185307179586 * unit());
}
double lognormal(double median, double sigma)
{
    return median * exp(sigma * normal());
}
void make_uuid(char *out, uint64_t a, uint64_t b)
{
    snprintf(out, UUID_SIZE, "%08x-%04x-4%03x-%04x-%012llx",
             (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
             (unsigned)(a & 0xfff), (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
             (unsigned long long)(b & 0xffffffffffffu));
}
void make_users(void)
{
    static const char *const first[] = {
        "Anna",   "Ben",  "Clara", "David", "Eva",   "Felix", "Greta",
        "Hannes", "Ida",  "Jonas", "Karla", "Lukas", "Mia",   "Noah",
        "Olga",   "Paul", "Rosa",  "Simon", "Tina",  "Uwe"};
    static const char *const last[] = {
        "Albrecht", "Berger",  "Conrad", "Dietz",  "Ebert",   "Fischer",
        "Graf",     "Huber",   "Iwan",   "Jung",   "Keller",  "Lang",
        "Maier",    "Neumann", "Otto",   "Peters", "Richter", "Schmidt",
        "Thoma",    "Vogel",   "Weber",  "Zeller"};
    users = calloc((size_t)user_count, sizeof *users);
    reach = calloc((size_t)user_count, sizeof *reach);
    double all = 0;
    for (int i = 0; i < user_count; i++) {
        struct user *x = &users[i];
        random_state = mix(seed * 1000003 + 7 + (uint64_t)i);
        make_uuid(x->id, next_random(), next_random());
        const char *f = first[below(20)];
        const char *l = last[below(22)];
        snprintf(x->name, sizeof x->name, "%s %s", f, l);
        snprintf(x->upn, sizeof x->upn, "%s.%s%d@example.com", f, l, i);
        for (char *c = x->upn; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + 32);
        x->department = below(24);
        double q = unit();
        x->platform = q < .66   ? WINDOWS
                      : q < .82 ? MAC
                      : q < .89 ? IOS
                      : q < .94 ? ANDROID
                      : q < .98 ? WEB
                                : PHONE;
        x->building = (int)(20 * unit() * unit());
        x->floor = 1 + below(6);
        x->device = x->platform == MAC     ? 9 + below(2)
                    : x->platform == IOS   ? 11
                    : x->platform == PHONE ? 12
                                           : below(16);
        x->lag = (int)exponential(2.5);
        x->wifi = chance(x->platform == PHONE     ? .02
                         : x->platform == WINDOWS ? .5
                                                  : .85);
        x->remote = chance(.35);
        all += lognormal(1, .8);
        reach[i] = all;
    }
    for (int i = 0; i < user_count; i++)
        reach[i] /= all;
}
int pick_user(void)
{
    double x = unit();
    int lo = 0, hi = user_count - 1;
    while (lo < hi) {
        int m = (lo + hi) / 2;
        if (reach[m] < x)
            lo = m + 1;
        else
            hi = m;
    }
    return lo;
}
void make_user_end(struct end *e, int n, double t, int meeting)
{
    struct user *x = &users[n];
    memset(e, 0, sizeof *e);
    e->kind = USER;
    e->user = n;
    strcpy(e->id, x->id);
    strcpy(e->name, x->name);
    strcpy(e->upn, x->upn);
    e->platform = x->platform;
    if (chance(.07))
        e->platform = chance(.6) ? IOS : ANDROID;
    if (meeting && chance(.04))
        e->platform = ROOM;
    long week = (long)((t - (double)YEAR_BEGINS) / 604800) - x->lag;
    if (chance(.03))
        week -= 12;
    time_t w = YEAR_BEGINS + week * 604800;
    struct tm tm;
    gmtime_r(&w, &tm);
    snprintf(e->version, sizeof e->version, "27/1.0.0.%04d%02d%02d0%d",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, 1 + x->lag % 3);
    snprintf(e->header, sizeof e->header,
             "CallSignalingAgent (%s//;release_ts/%d.%d;releases/%s)",
             e->version, tm.tm_year + 1900, tm.tm_mon + 1,
             platforms[e->platform]);
    int home = chance(x->remote ? .6 : .15);
    e->device = e->platform == x->platform ? x->device : 11 + below(2);
    if (e->platform == ROOM) {
        e->device = 13 + below(2);
        home = 0;
    }
    if (home) {
        e->building = -1;
        e->connection = chance(.18) ? TUNNEL : chance(.65) ? WIFI : WIRED;
        snprintf(e->subnet, sizeof e->subnet, "192.168.%d.0", n % 8);
    } else {
        e->building = chance(.9) ? x->building : below(20);
        e->floor = e->building == x->building ? x->floor : 1 + below(6);
        e->connection = e->platform == ROOM || e->platform == PHONE ? WIRED
                        : chance(.9) ? (x->wifi ? WIFI : WIRED)
                        : chance(.5) ? WIFI
                                     : WIRED;
        snprintf(e->subnet, sizeof e->subnet, "10.%d.%d.0", 10 + e->building,
                 e->floor);
    }
    if ((e->platform == IOS || e->platform == ANDROID) && chance(.4)) {
        e->connection = MOBILE;
        e->building = -1;
        snprintf(e->subnet, sizeof e->subnet, "100.%d.%d.0", 64 + n % 60,
                 n % 250);
    }
    e->tcp = chance(e->connection == TUNNEL ? .25 : .02);
    e->signal = 35 + below(60);
}
void make_external_end(struct end *e, double t)
{
    int n = below(user_count);
    make_user_end(e, n, t, 0);
    e->kind = EXTERNAL;
    make_uuid(e->id, mix((uint64_t)n + 99), mix((uint64_t)n + 77));
    snprintf(e->name, sizeof e->name, "Partner %d", n);
    snprintf(e->upn, sizeof e->upn, "partner%d@fabrikam.example", n);
    e->building = -1;
    snprintf(e->subnet, sizeof e->subnet, "172.16.%d.0", n % 30);
}
void make_telephone_end(struct end *e)
{
    memset(e, 0, sizeof *e);
    e->kind = TELEPHONE;
    e->building = -1;
    double x = unit();
    snprintf(e->id, sizeof e->id, "+49%02d%07d", 30 + (int)(x * x * 60),
             (int)(x * x * x * 30000) * 37 % 9999999 + 1000000);
    strcpy(e->name, e->id);
    e->role = "gateway";
    strcpy(e->header, "gateway/2.0");
}
void make_service_end(struct end *e, const char *role)
{
    memset(e, 0, sizeof *e);
    e->kind = SERVICE;
    e->building = -1;
    e->role = role;
    strcpy(e->header, SERVICE_HEADER);
    if (strstr(role, "Queue")) {
        int q = below(12);
        make_uuid(e->id, mix((uint64_t)q + 500), mix((uint64_t)q + 600));
        snprintf(e->name, sizeof e->name, "Queue %d", q + 1);
    }
}
