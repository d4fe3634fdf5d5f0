/* Emptying the spool into the database. */
#include "drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "minutes.h"

#define SECOND INT64_C(1000000)
/* Other processes, and those that are gone, leave files, too. */
#define LISTING_US (5 * SECOND)
/* Pause after a file that the database did not take, and how many such files
 * show that the fault is not theirs. */
#define RETRY_US (1 * SECOND)
#define FAILURES_MAX 8
#define COMMAND_STATEMENT_US (60 * SECOND)

int64_t drain_due(const struct drain *drain)
{
    return drain->next < drain->names.count ? 0 : drain->listing_due;
}

void drain_hurry(struct drain *drain)
{
    drain->listing_due = 0;
}

static void end_pass(struct drain *drain, int64_t pause)
{
    if (drain->stored || drain->refused)
        log_line("from the spool, %zu items are stored, %zu refused",
                 drain->stored, drain->refused);
    drain->stored = 0;
    drain->refused = 0;
    spool_names_free(&drain->names);
    secrets_free(&drain->secrets);
    drain->next = 0;
    drain->failures = 0;
    drain->listing_due = clock_now() + pause;
}

/*
 * The secrets that were good when the oldest file was written, read after it
 * was: it is listed already.
 */
static bool have_secrets(struct drain *drain, struct database *database,
                         const char *oldest)
{
    int64_t written = spool_time_of(oldest);
    int64_t age_s = written ? (clock_wall() - written) / SECOND + 1 : 0;

    if (drain->secrets.read_at)
        return true;
    return database_read_secrets(database, &drain->secrets,
                                 age_s > 0 ? age_s : 0,
                                 clock_now() + database->timeout_us);
}

/* Judges what was doubtful when it was spooled. */
static void judge(struct drain *drain, const struct settings *settings,
                  struct item_list *list)
{
    struct item_list doubtful = *list;
    struct item *items = list->items;
    size_t refused[ITEM_VERDICTS] = {0};

    /* Each item alone, so that those trusted already stay so. */
    for (size_t i = 0; i < list->count; i++) {
        if (items[i].verdict == ITEM_TRUSTED) {
            refused[ITEM_TRUSTED]++;
            continue;
        }
        doubtful.items = &items[i];
        doubtful.count = 1;
        secrets_judge(&drain->secrets, settings, &doubtful);
        refused[items[i].verdict]++;
    }
    drain->refused += list->count - refused[ITEM_TRUSTED];
    minutes_count_refused(refused);
}

static bool all_trusted(const struct item_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].verdict != ITEM_TRUSTED)
            return false;
    return true;
}

/* Stores one file that is taken; true if it is done with. */
static bool store_file(struct drain *drain, struct database *database,
                       const struct settings *settings, struct spool *spool,
                       const char *name, struct item_list *list)
{
    bool failed = false;

    if (!all_trusted(list)) {
        if (!have_secrets(drain, database,
                          drain->names.count ? drain->names.names[0] : name))
            return false;
        judge(drain, settings, list);
    }
    batch_clear(&drain->batch);
    batch_add(&drain->batch, list);
    drain->batch.maybe_stored = true;
    database->sqlstate[0] = '\0';
    enum database_outcome outcome = batch_store(&drain->batch, database, spool,
                                                database->timeout_us, &failed);
    if (outcome == DATABASE_DONE && !failed) {
        drain->stored += drain->batch.count;
        return true;
    }
    log_cause(LOG_DRAIN, "%s stays in the spool: %s", name,
              database_fault(database));
    return false;
}

/* One file, by name or by path; false if it stays. */
static bool drain_file(struct drain *drain, struct database *database,
                       const struct settings *settings, struct spool *spool,
                       const char *name)
{
    struct spool_file file;
    struct item_list list = {0};
    bool done = true;

    switch (spool_take(spool, name, &file, &list)) {
    case SPOOL_TAKEN:
        done = store_file(drain, database, settings, spool, name, &list);
        if (done)
            spool_remove(&file);
        else
            spool_leave(&file);
        break;
    case SPOOL_UNREADABLE:
        done = false;
        break;
    case SPOOL_DAMAGED:
        drain->aside++;
        break;
    case SPOOL_BUSY:
        break;
    }
    item_list_free(&list);
    return done;
}

/*
 * The next file of a pass; false at its end. One that stays does not hold up
 * the others, unless many do, or the connection is gone.
 */
static bool next_file(struct drain *drain, struct database *database,
                      const struct settings *settings, struct spool *spool)
{
    size_t first = drain->first % drain->names.count;
    size_t at = (first + drain->next) % drain->names.count;

    if (drain_file(drain, database, settings, spool, drain->names.names[at]))
        drain->failures = 0;
    else
        drain->failures++;
    drain->next++;
    if (drain->failures < FAILURES_MAX && database_is_usable(database))
        return drain->next < drain->names.count;
    /* Another pass begins behind those that stayed. */
    drain->first = at + 1;
    return false;
}

void drain_step(struct drain *drain, struct database *database,
                const struct settings *settings, struct spool *spool)
{
    if (drain->next == drain->names.count) {
        spool_list(spool, &drain->names);
        drain->next = 0;
        if (drain->names.count == 0) {
            minutes_note_spool(0);
            drain->first = 0;
            end_pass(drain, LISTING_US);
        }
        return;
    }
    if (!next_file(drain, database, settings, spool))
        end_pass(drain, drain->failures ? RETRY_US : LISTING_US);
}

void drain_free(struct drain *drain)
{
    spool_names_free(&drain->names);
    secrets_free(&drain->secrets);
    batch_free(&drain->batch);
}

/* Whether a pass over the folder leaves nothing in it. */
static bool drain_all(struct drain *drain, struct database *database,
                      const struct settings *settings, struct spool *spool)
{
    bool empty;

    spool_list(spool, &drain->names);
    while (drain->names.count && next_file(drain, database, settings, spool))
        continue;
    end_pass(drain, 0);
    spool_list(spool, &drain->names);
    empty = drain->names.count == 0;
    spool_names_free(&drain->names);
    return empty && !drain->aside;
}

/* Whether the file of this path is stored. */
static bool drain_one(struct drain *drain, struct database *database,
                      const struct settings *settings, struct spool *spool,
                      const char *file)
{
    char *path = realpath(file, NULL);
    bool done = false;

    if (!path)
        log_line("%s: %s", file, strerror(errno));
    else
        done = drain_file(drain, database, settings, spool, path) &&
               access(path, F_OK) != 0 && !drain->aside &&
               !drain->batch.rejected;
    free(path);
    end_pass(drain, 0);
    return done;
}

int drain_command(const struct settings *settings, const char *path)
{
    struct spool spool = {.folder = settings->spool,
                          .max = settings->spool_max};
    struct database database = {.timeout_us = COMMAND_STATEMENT_US};
    struct drain drain = {0};
    bool done = false;

    if (!spool.folder)
        return EX_OK;
    if (!path) {
        spool_list(&spool, &drain.names);
        done = drain.names.count == 0;
        spool_names_free(&drain.names);
    }
    if (!done && database_connect(&database))
        done = path ? drain_one(&drain, &database, settings, &spool, path)
                    : drain_all(&drain, &database, settings, &spool);
    drain_free(&drain);
    database_close(&database);
    return done ? EX_OK : EXIT_FAILURE;
}
