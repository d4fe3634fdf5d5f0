/* What the command `status` found. */
#ifndef RENEWER_STATUS_H
#define RENEWER_STATUS_H

#include <stddef.h>

#include "overview.h"
#include "settings.h"

enum kind {
    NEED, /* somebody must act, or should look */
    NOTE, /* the next runs see to it, or nobody can */
};

/* How it stands with a tenant, in sentences. */
struct health {
    struct sentence {
        enum kind kind;
        char *text;
    } * all;
    size_t count;
    size_t needs; /* how many of them */
};

struct status {
    const struct settings *settings;
    struct overview overview; /* empty where the database is away */
    char database_fault[400]; /* "": it is there */
    struct health *health;    /* of each tenant; NULL: the database is away */
    size_t in_need;           /* tenants that need a hand */
};

/* Of tenant number `i` of the settings. health_free() it. */
void health_find(struct health *health, const struct overview *overview,
                 const struct settings *settings, size_t i);
void health_free(struct health *health);

/* One JSON object on standard output. */
void status_print_json(const struct status *status);

#endif
