/*
 * What a turn has found and done, written down at its end. What is lost when a
 * run is killed before, the next run finds out from Graph.
 */
#ifndef RENEWER_NOTES_H
#define RENEWER_NOTES_H

#include "base/database.h"
#include "base/guid.h"
#include "subscriptions/plan.h"
#include "subscriptions/subscription.h"

/* Something that has ended. */
struct ended {
    char id[GUID_SIZE]; /* the subscription's; "": it never was one */
    char no[24];        /* of the row to end; "": there is none to end */
    bool deleted;       /* by us */
    const char *reason; /* of the gap that begins with it; NULL: no gap */
    int64_t begins_at;  /* 0: now */
};

/* Zero it; notes_free() it. */
struct notes {
    struct ended *all; /* in order */
    size_t count;
    struct subscription live; /* the one that lives; without an id: none */
    char live_no[24];         /* its row's */
    bool renewed;             /* a PATCH or a POST was done */
    char announced_no[24];    /* by this turn, and not ended; "": none */
};

void notes_ended(struct notes *notes, const struct ended *ended);
void notes_live(struct notes *notes, const struct subscription *live,
                const char *no, bool renewed);

/* Whether the turn found out that this subscription has ended. */
bool notes_has_ended(const struct notes *notes, const char *id);

/* False: the database did not take it. */
bool notes_write(const struct notes *notes, struct database *database,
                 const struct plan *plan);

void notes_free(struct notes *notes);

#endif
