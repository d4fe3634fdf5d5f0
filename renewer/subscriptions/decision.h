/* What to do about what Graph shows: a plan and a list, and nothing else. */
#ifndef RENEWER_DECISION_H
#define RENEWER_DECISION_H

#include "subscriptions/plan.h"
#include "subscriptions/subscription.h"

/* One of the list that is to be deleted. */
struct removal {
    const struct subscription *one;
    const struct known *known; /* NULL: nothing is */
    const char *reason;        /* of the gap that begins; NULL: no gap does */
    int64_t begins_at;         /* 0: now */
};

struct decision {
    struct removal *removals;
    size_t count;
    const struct subscription *kept;    /* NULL: one is to be created */
    const char *kept_no;                /* its row's */
    bool renew;                         /* it is to be PATCHed now */
    const struct subscription *foreign; /* would be in the way of a new one */
};

/*
 * Decides about those of `listed`, which all live. `announced_no` is the number
 * of the row whose secret a subscription under our URL must have that no row
 * names, or NULL: it cannot be told. The decision points into the list and the
 * plan; decision_free() it.
 */
void decision_make(struct decision *decision, const struct plan *plan,
                   const struct subscriptions *listed,
                   const char *announced_no);
void decision_free(struct decision *decision);

/* Whether we made it: our notes have it, or it is under our URL. */
bool decision_is_own(const struct plan *plan, const struct subscription *one);

#endif
