/* Emptying the spool into the database. */
#ifndef CALLHOOK_DRAIN_H
#define CALLHOOK_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"
#include "notification/secrets.h"
#include "spool/spool.h"
#include "store/batch.h"
#include "store/database.h"

/* Files that are stored in one transaction at most. */
#define DRAIN_GROUP 64

/* One pass over the files, a step at a time; begins zeroed. */
struct drain {
    struct spool_names names;
    bool hurried;           /* something was spooled since the last listing */
    size_t first;           /* of the names, where the pass begins */
    size_t next;            /* how many have had their turn */
    size_t failures;        /* of the database, in a row */
    size_t aside;           /* damaged files, put into rejected/ */
    bool stuck;             /* one stays, and not for the database's sake */
    int64_t patience;       /* the last pause for such a one; 0: none */
    int64_t listing_due;    /* clock_now() of the next look at the folder */
    struct secrets secrets; /* for the items that were doubtful */
    struct batch batch;
    size_t stored;
    size_t refused;
};

/* When the next step is due (clock_now()). */
int64_t drain_due(const struct drain *drain);

/* Something was spooled: looks at the folder at the next step. */
void drain_hurry(struct drain *drain);

/*
 * One step: looks at the folder, or stores the next few files. What the
 * database does not take now stays.
 */
void drain_step(struct drain *drain, struct database *database,
                const struct settings *settings, struct spool *spool);

/*
 * Stores the next few files, whatever is due; false if the database does not
 * take them. True, too, if there is none that it could be given.
 */
bool drain_prove(struct drain *drain, struct database *database,
                 const struct settings *settings, struct spool *spool);

void drain_free(struct drain *drain);

/*
 * callhook --drain: connects and stores all files, or the one that is named
 * by its path. The exit status: 0 if nothing is left.
 */
int drain_command(const struct settings *settings, const char *path);

#endif
