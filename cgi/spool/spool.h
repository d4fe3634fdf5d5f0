/*
 * The spool: what the database could not take, in whole, fsynced files that
 * several processes may write and empty at the same time (callhook(8)).
 */
#ifndef CALLHOOK_SPOOL_H
#define CALLHOOK_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "notification/item.h"

/* What a file holds: so little that storing it never holds up live traffic. */
#define SPOOL_FILE_ITEMS 1000
#define SPOOL_FILE_BYTES ((size_t)1 << 20)

struct spool {
    const char *folder; /* NULL: there is none, and nothing is ever taken */
    uint64_t max;       /* bytes, of all processes together */
    /* What the folder held when it was last looked at; the writer's. */
    int64_t measure_due; /* clock_now() */
    atomic_ullong bytes; /* the one that other threads may look at */
    uint64_t doubtful_bytes;
    atomic_bool failed; /* the last writing, or there was no room */
};

/* The names of the files, oldest first. */
struct spool_names {
    char **names;
    size_t count;
    uint64_t bytes; /* of all files together */
};

/*
 * Writes the items that are not refused yet, of all the lists, and returns
 * once they are on the disk. Returns false after logging why: nothing is
 * promised. `doubtful`: nobody vouches for them yet; these may fill a
 * sixteenth. One thread at a time. What false leaves behind is nothing.
 */
bool spool_write(struct spool *spool, const struct item_list *const *lists,
                 size_t count, bool doubtful);

/* Removes what processes that died have left; the folder is not NULL. */
void spool_sweep(const struct spool *spool);

/*
 * Logs it where the folder, not NULL, can be read and not written to, which
 * else shows on the day that it is needed: systemd lets a service write where
 * its unit says, and nowhere else.
 */
void spool_tell(const struct spool *spool);

/* Whether it takes files, by the last that was written; nothing is tried. */
bool spool_works(const struct spool *spool);

/* Bytes in the folder, as last measured. */
uint64_t spool_bytes(const struct spool *spool);

/*
 * Lists the files; the caller frees with spool_names_free. False: the folder
 * cannot be read, or is not ours, which is logged.
 */
bool spool_list(const struct spool *spool, struct spool_names *names);
void spool_names_free(struct spool_names *names);

/* When a file was begun (clock_wall()), by its name; 0 if it tells none. */
int64_t spool_time_of(const char *name);

#endif
