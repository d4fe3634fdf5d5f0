/* What the database says about all tenants, for people: `status`, `check`. */
#ifndef RENEWER_OVERVIEW_H
#define RENEWER_OVERVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "database.h"
#include "settings.h"

/*
 * Times are in seconds since 1970, 0 where the database has none. Texts are
 * never NULL.
 */

/* A subscription that has not ended. */
struct kept {
    char tenant_id[37];
    char id[37]; /* Graph's; "": only announced */
    char *resource;
    char *change_type;
    char *notification_url; /* without its query, which may hold a secret */
    int64_t announced_at;
    int64_t renewed_at;
    int64_t expires_at;
    int64_t last_item_at; /* within 31 days; see overview_load_last() */
    int64_t refusals;     /* of its items, the last one within a day */
    char *refusal_reason; /* "unknown" or "secret" */
    int64_t last_refused_at;
};

/* How the last run went. */
struct last_run {
    char *tenant;
    int64_t ran_at;
    int64_t failed_at; /* when it failed first, if it still does */
    int64_t retry_at;  /* the peer asked us to wait until then */
    char *failure;
};

/* A tenant's lifecycle items that wait to be worked off. */
struct waiting {
    char tenant_id[37];
    int64_t items;
    int64_t oldest_at;
};

/* Times for which changes may be missing, of one kind of subscription. */
struct lacking {
    char tenant_id[37];
    char *resource;
    char *change_type;
    int64_t lasts_since; /* 0: no gap lasts */
    char *reason;
    int64_t unsearched; /* gaps that are over and have not been searched */
    int64_t unsearched_since;
};

struct overview {
    int64_t now; /* the database's time */
    struct kept *kept;
    size_t kept_count;
    struct last_run *runs;
    size_t run_count;
    struct waiting *waiting;
    size_t waiting_count;
    struct lacking *lacking;
    size_t lacking_count;
};

/*
 * A statement for each table, whatever the number of tenants. False if the
 * database did not answer; overview_free() in either case.
 */
bool overview_load(struct database *database, struct overview *overview);
void overview_free(struct overview *overview);

/* Fills in last_item_at; may take seconds where a tenant has been silent. */
bool overview_load_last(struct database *database, struct overview *overview);

/* The next subscription of the tenant's after that one (NULL: the first). */
const struct kept *overview_next(const struct overview *overview,
                                 const struct tenant *tenant,
                                 const struct kept *after);

/* Each of these is NULL if there is none. */
const struct last_run *overview_run(const struct overview *overview,
                                    const struct tenant *tenant);
const struct waiting *overview_waiting(const struct overview *overview,
                                       const struct tenant *tenant);
const struct lacking *overview_lacking(const struct overview *overview,
                                       const struct tenant *tenant);

/* Whether it delivers: Graph has named it, and its time is not over. */
bool overview_is_live(const struct overview *overview, const struct kept *kept);

#endif
