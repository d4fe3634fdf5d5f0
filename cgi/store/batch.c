/* Rows of several requests that are stored in one transaction. */
#include "store/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stats.h"
#include "spool/rejected.h"
#include "store/insert.h"

void batch_add(struct batch *batch, const struct item_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];

        if (item->verdict != ITEM_TRUSTED)
            continue;
        if (batch->count == batch->room) {
            batch->room = batch->room ? 2 * batch->room : 64;
            batch->list =
                memory_resize(batch->list, batch->room * sizeof(*batch->list));
        }
        batch->list[batch->count++] = (struct batch_row){
            .at = batch->rows.length,
            .length = item->row_length,
            .owner = batch->owners,
            .item = *item,
        };
        buffer_add(&batch->rows, list->rows.data + item->row_at,
                   item->row_length);
    }
    batch->owners++;
}

/* Puts one row aside; false if that is not possible, either. */
static bool reject(const struct batch *batch, const struct batch_row *row,
                   struct spool *spool, const char *sqlstate)
{
    char reason[64];

    snprintf(reason, sizeof(reason), "SQLSTATE %s", sqlstate);
    log_cause(LOG_STATEMENT, "the database refuses a row: %s", reason);
    enum rejected_result result =
        rejected_add(spool->folder, &row->item, batch->rows.data + row->at,
                     row->length, reason);
    stats_count(STATS_REJECTED, result == REJECTED_NOW);
    return result != REJECTED_FAILED;
}

/* Stores row by row, so that a bad one holds up nobody. */
static enum database_outcome store_each(struct batch *batch,
                                        struct database *database,
                                        const struct insert_row *rows,
                                        struct spool *spool, int64_t timeout_us,
                                        bool *failed)
{
    struct insert_result *results = memory_new(batch->count, sizeof(*results));
    enum database_outcome outcome = insert_each(
        database, rows, batch->count, results, clock_now() + timeout_us);

    if (outcome == DATABASE_REFUSED)
        outcome = DATABASE_DONE;
    for (size_t i = 0; outcome == DATABASE_DONE && i < batch->count; i++) {
        if (results[i].outcome != DATABASE_REFUSED)
            continue;
        batch->refused++;
        batch->list[i].refused = true;
        if (!reject(batch, &batch->list[i], spool, results[i].sqlstate))
            failed[batch->list[i].owner] = true;
    }
    free(results);
    return outcome;
}

/* Stores by INSERT: rows that may be there, or of which one is bad. */
static enum database_outcome insert(struct batch *batch,
                                    struct database *database,
                                    struct spool *spool, int64_t timeout_us,
                                    bool *failed)
{
    struct insert_row *rows = memory_new(batch->count, sizeof(*rows));

    for (size_t i = 0; i < batch->count; i++)
        rows[i] = (struct insert_row){batch->rows.data + batch->list[i].at,
                                      batch->list[i].length};
    enum database_outcome outcome =
        insert_rows(database, rows, batch->count, clock_now() + timeout_us);
    if (outcome == DATABASE_REFUSED ||
        (outcome == DATABASE_LATER && database_fault_is_odd(database)))
        outcome = store_each(batch, database, rows, spool, timeout_us, failed);
    free(rows);
    return outcome;
}

void batch_begin(struct batch *batch, struct database *database)
{
    batch->begun = batch->count && !batch->maybe_stored;
    if (batch->begun)
        insert_copy_begin(database);
}

enum database_outcome batch_store(struct batch *batch,
                                  struct database *database,
                                  struct spool *spool, int64_t timeout_us,
                                  bool *failed)
{
    enum database_outcome outcome = DATABASE_REFUSED;

    if (batch->count == 0)
        return DATABASE_DONE;
    if (batch->begun)
        outcome = insert_copy(database, &batch->rows, clock_now() + timeout_us);
    if (outcome == DATABASE_REFUSED)
        outcome = insert(batch, database, spool, timeout_us, failed);
    return outcome;
}

void batch_clear(struct batch *batch)
{
    /* One burst must not keep its memory for ever. */
    if (batch->rows.room > (size_t)4 << 20)
        buffer_free(&batch->rows);
    batch->rows.length = 0;
    batch->count = 0;
    batch->owners = 0;
    batch->refused = 0;
    batch->maybe_stored = false;
    batch->begun = false;
}

void batch_free(struct batch *batch)
{
    buffer_free(&batch->rows);
    free(batch->list);
    *batch = (struct batch){0};
}
