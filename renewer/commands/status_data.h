/* The state of affairs, for people: `status`, `check`. */
#ifndef RENEWER_STATUS_DATA_H
#define RENEWER_STATUS_DATA_H

#include "base/database.h"
#include "base/json.h"
#include "settings/settings.h"

struct status_data {
    char *text;      /* an object of JSON: callhook_store.status() made it */
    yajl_val tree;   /* the same */
    bool is_there;   /* the database is; else all but names is null */
    bool last_known; /* last_notification_at could be read */
};

/*
 * A statement or two, whatever the number of tenants. `with_last`: reads
 * last_notification_at too, which may take seconds where a tenant has been
 * silent. `database` NULL, or one that does not answer: then `fault` says that
 * it is away. status_data_free() it.
 */
void status_data_load(struct status_data *data, const struct settings *settings,
                      struct database *database, const char *fault,
                      bool with_last);
void status_data_free(struct status_data *data);

/* An array of the tree, by its name, and its length. */
size_t status_data_list(yajl_val object, const char *name, yajl_val **all);

/* A time in seconds since 1970; 0: it is null. */
int64_t status_data_time(yajl_val object, const char *name);

#endif
