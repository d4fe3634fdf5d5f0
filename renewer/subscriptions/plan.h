/* What is due for a tenant, from what the database says; nothing is asked. */
#ifndef RENEWER_PLAN_H
#define RENEWER_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "settings/settings.h"
#include "subscriptions/snapshot.h"

/* Reasons to talk to Graph; several may hold. */
enum due {
    PLAN_CREATE = 1,   /* there is none */
    PLAN_RENEW = 2,    /* it is time to */
    PLAN_MOVE = 4,     /* the configuration has another notification URL */
    PLAN_LOOK = 8,     /* what Graph has may not be what we know */
    PLAN_REPLACE = 16, /* its items are refused: its secret is not ours */
};

/* One tenant's part of what is known. */
struct plan {
    const struct tenant *tenant;
    int64_t now;            /* the database's time */
    unsigned due;           /* enum due, 0: nothing */
    bool may_list;          /* Graph's list may be asked for, as a caution */
    const char *refused_id; /* for PLAN_REPLACE: that subscription */
    int64_t refused_at;     /* and since when */
    const struct row *rows; /* of this tenant_id */
    size_t row_count;
    const struct event *events;
    size_t event_count;
    const struct past *past; /* NULL: it never ran */
};

/* Whether the row is of the tenant's resource and change type. */
bool plan_is_wanted(const struct tenant *tenant, const struct row *row);

/* The newest row of that subscription, or NULL. */
const struct row *plan_row_of(const struct row *rows, size_t count,
                              const char *id);

/* Whether no tenant of the configuration wants it any more. */
bool plan_is_orphan(const struct settings *settings, const struct row *row);

/* Finds the tenant's part and says what is due. */
void plan_find(struct plan *plan, const struct snapshot *snapshot,
               const struct settings *settings, const struct tenant *tenant);

/* Whether what is due cannot be done without Graph's list. */
bool plan_needs_list(const struct plan *plan);

/* Whether Graph said that it removed this subscription. */
bool plan_says_removed(const struct plan *plan, const char *id);

/* Whether the event asks for a PATCH that has not been sent since. */
bool plan_event_asks(const struct event *event, const struct row *row);

#endif
