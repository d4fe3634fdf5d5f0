/* The state of affairs, which `status` and its other forms show. */
#ifndef RENEWER_STATE_H
#define RENEWER_STATE_H

#include "base/json.h"
#include "settings/settings.h"

struct state {
    char *text;      /* an object of JSON: callhook_store.status() made it */
    yajl_val tree;   /* the same */
    yajl_val charts; /* callhook_store.status_charts(), or NULL */
    bool is_there;   /* the database is; else all but names is null */
    bool last_known; /* last_notification_at could be read */
};

/* How far back last_notification_at is looked for. */
enum state_last {
    LAST_NONE,
    LAST_RECENT, /* among the newest rows of all tenants */
    LAST_ALL,    /* may take seconds where a tenant has been silent */
};

/* A few statements, whatever the number of tenants. state_free() it. */
void state_load(struct state *state, const struct settings *settings,
                enum state_last last, bool with_charts);
void state_free(struct state *state);

/* An array of the tree, by its name, and its length. */
size_t state_list(yajl_val object, const char *name, yajl_val **all);

/* A time in seconds since 1970; 0: it is null. */
int64_t state_time(yajl_val object, const char *name);

/* A whole number; 0: it is null. */
int64_t state_number(yajl_val object, const char *name);

#endif
