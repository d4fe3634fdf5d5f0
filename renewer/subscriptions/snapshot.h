/* What the database says about all tenants: read once, at a run's start. */
#ifndef RENEWER_SNAPSHOT_H
#define RENEWER_SNAPSHOT_H

#include "base/database.h"
#include "base/guid.h"

#define SNAPSHOT_SOURCES 4 /* statements */

/* The reason of a gap: what came of an earlier refusal. */
#define GAP_REFUSED "its items were refused"

/* A row of callhook_store.subscriptions. Times in seconds since 1970. */
struct row {
    char no[24];
    char tenant_id[GUID_SIZE];
    char id[GUID_SIZE]; /* Graph's; "": only announced */
    char *resource;     /* "" where null, as the next ones */
    char *change_type;
    char *notification_url;
    char *lifecycle_url;
    int64_t announced_at;
    int64_t expires_at; /* 0: null, as the next ones */
    int64_t renewed_at;
    int64_t alive_at;
    int64_t ended_at;
};

/* A lifecycle item that has not been handled. */
struct event {
    char notification_id[GUID_SIZE];
    char tenant_id[GUID_SIZE];
    char subscription_id[GUID_SIZE];
    char *name;          /* "missed", ... */
    int64_t received_at; /* seconds since 1970 */
};

/* A subscription whose items the receiver refused. */
struct refusal {
    char tenant_id[GUID_SIZE]; /* as the items said; "": they did not */
    char subscription_id[GUID_SIZE];
    int64_t first_at;
    int64_t last_at;
    int64_t refused;       /* items since first_at */
    int64_t trusted;       /* items that were stored in the day before that */
    bool trusted_since;    /* one was stored since first_at */
    bool replaced_of_late; /* for such refusals, within a day */
};

/* How the last run of a tenant went. */
struct past {
    char *tenant;
    int64_t last_run_at;
    int64_t failed_at; /* 0: it did not */
    int64_t retry_at;  /* not before; 0: at once */
    int64_t looked_at; /* at Graph's list, for ids that are not known */
};

/* Everything that says what is due, as of `now`, the database's time. */
struct snapshot {
    struct row *rows; /* ordered by tenant_id, then age */
    size_t row_count;
    struct event *events; /* ordered by tenant_id, then age */
    size_t event_count;
    struct refusal *refusals;
    size_t refusal_count;
    struct past *pasts;
    size_t past_count;
    int64_t now;
    PGresult *results[SNAPSHOT_SOURCES]; /* where the texts are */
};

/*
 * Of one tenant, or of all (NULL). False if the database did not answer;
 * snapshot_free() in either case.
 */
bool snapshot_load(struct database *database, const char *tenant_id,
                   struct snapshot *snapshot);
void snapshot_free(struct snapshot *snapshot);

#endif
