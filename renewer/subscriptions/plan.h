/* What is due for a tenant, from what the database says; nothing is asked. */
#ifndef RENEWER_PLAN_H
#define RENEWER_PLAN_H

#include "settings/settings.h"
#include "subscriptions/snapshot.h"

/*
 * However long Graph wants us to wait, in seconds: a subscription must not end
 * over it. What is noted as later was so by a clock that has gone back.
 */
#define PLAN_WAIT_MAX 3600

/* Reasons to talk to Graph; several may hold. */
enum due {
    PLAN_CREATE = 1,   /* there is none */
    PLAN_RENEW = 2,    /* it is time to */
    PLAN_MOVE = 4,     /* the configuration has another notification URL */
    PLAN_LOOK = 8,     /* what Graph has may not be what we know */
    PLAN_REPLACE = 16, /* its items are refused: its secret is not ours */
    PLAN_AGAIN = 32,   /* the last turn failed: what it left undone */
};

/* A row of this tenant_id, and what it is to the tenant. */
struct known {
    const struct row *row;
    bool wanted;        /* it has the tenant's resource and change type */
    bool orphan;        /* no tenant of the settings wants it any more */
    bool announced;     /* wanted; waits for the id of its subscription */
    bool live;          /* wanted, and by our notes at Graph */
    bool removed;       /* Graph said that it removed it */
    int64_t refused_at; /* since then its items are refused; 0: they are not */
};

/* What is to be done with a lifecycle item, and when. */
enum work {
    WORK_MARK,      /* it only has to be marked as handled */
    WORK_MISSED,    /* note a gap up to the item */
    WORK_REMOVED,   /* once one lives again: note a gap up to now */
    WORK_AUTHORISE, /* once it has been renewed: mark it */
};

struct task {
    const struct event *event;
    const struct row *row; /* of its subscription; NULL: not known */
    enum work work;
};

/* One tenant's turn. */
struct plan {
    const struct tenant *tenant;
    int64_t now;       /* the database's time */
    unsigned due;      /* enum due, 0: nothing */
    bool needs_list;   /* what is due cannot be done without Graph's list */
    bool may_list;     /* the list may be asked for: the caller's to say */
    bool unknown;      /* items of an id that is not known are a reason to */
    struct known *all; /* ordered by age */
    size_t count;
    const struct known *only; /* the one that lives, if no other may; NULL */
    const char *announced_no; /* of the row that is announced, if one is */
    int64_t last_alive_at; /* Graph showed one of the tenant's; 0: never yet */
    struct task *tasks;
    size_t task_count;
    bool has_task;           /* one of them can be done without Graph */
    const struct past *past; /* NULL: it never ran */
};

/* Says what is due. It points into the snapshot; plan_free() it. */
void plan_make(struct plan *plan, const struct snapshot *snapshot,
               const struct settings *settings, const struct tenant *tenant);
void plan_free(struct plan *plan);

/* Whether there is anything to do. */
bool plan_is_due(const struct plan *plan);

/* What is known of the subscription, or NULL. */
const struct known *plan_known(const struct plan *plan, const char *id);

/* Whether a subscription to this is what the tenant wants. */
bool plan_wants(const struct tenant *tenant, const char *resource,
                const char *change_type);

#endif
