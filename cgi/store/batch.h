/* Rows of several requests that are stored in one transaction. */
#ifndef CALLHOOK_BATCH_H
#define CALLHOOK_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "notification/item.h"
#include "spool/spool.h"
#include "store/database.h"

/*
 * The batch has copies of the rows: the requests may be claimed and answered
 * by another thread while it is under way.
 */
struct batch {
    struct buffer rows;
    struct batch_row {
        size_t at;
        size_t length;
        unsigned owner;   /* the ordinal of its list, as added */
        struct item item; /* for the spool, if the row is refused */
        bool refused;
    } * list;
    size_t count;
    size_t room;
    unsigned owners;
    size_t refused;    /* rows that are not stored for what they hold */
    bool maybe_stored; /* one of its rows may be in the database already */
    bool begun;
};

/* Adds the rows of all trusted items of a list. */
void batch_add(struct batch *batch, const struct item_list *list);

/* Lets the database prepare for it; batch_store() comes next. */
void batch_begin(struct batch *batch, struct database *database);

/*
 * Stores it. Rows that the database refuses for what they hold are put into
 * the spool's rejected/. DONE: every row is durable, the owners in `failed`
 * (room for `owners` flags, zeroed) excepted.
 */
enum database_outcome batch_store(struct batch *batch,
                                  struct database *database,
                                  struct spool *spool, int64_t timeout_us,
                                  bool *failed);

void batch_clear(struct batch *batch);
void batch_free(struct batch *batch);

#endif
