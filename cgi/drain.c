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
/* Pause after a file that the database did not take. */
#define RETRY_US (1 * SECOND)
#define COMMAND_CONNECT_US (10 * SECOND)
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
        if (!have_secrets(drain, database, name))
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
    log_cause(LOG_DRAIN, "a spool file stays for now: SQLSTATE %s",
              database->sqlstate[0] ? database->sqlstate : "none");
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

    if (spool_take(spool, name, &file, &list) == SPOOL_TAKEN) {
        done = store_file(drain, database, settings, spool,
                          drain->names.count ? drain->names.names[0] : name,
                          &list);
        if (done)
            spool_remove(&file);
        else
            spool_leave(&file);
    }
    item_list_free(&list);
    return done;
}

void drain_step(struct drain *drain, struct database *database,
                const struct settings *settings, struct spool *spool)
{
    if (drain->next == drain->names.count) {
        spool_list(spool, &drain->names);
        drain->next = 0;
        if (drain->names.count == 0) {
            minutes_note_spool(0);
            end_pass(drain, LISTING_US);
        }
        return;
    }
    if (!drain_file(drain, database, settings, spool,
                    drain->names.names[drain->next])) {
        end_pass(drain, RETRY_US);
        return;
    }
    if (++drain->next == drain->names.count)
        end_pass(drain, LISTING_US);
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
    bool done = true;

    spool_list(spool, &drain->names);
    for (size_t i = 0; done && i < drain->names.count; i++)
        done =
            drain_file(drain, database, settings, spool, drain->names.names[i]);
    end_pass(drain, 0);
    if (!done)
        return false;
    spool_list(spool, &drain->names);
    done = drain->names.count == 0;
    spool_names_free(&drain->names);
    return done;
}

static bool drain_one(struct drain *drain, struct database *database,
                      const struct settings *settings, struct spool *spool,
                      const char *path)
{
    bool done = access(path, F_OK) == 0;

    if (!done)
        log_line("%s: %s", path, strerror(errno));
    else
        done = drain_file(drain, database, settings, spool, path) &&
               access(path, F_OK) != 0;
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
    if (!done && database_connect(&database, clock_now() + COMMAND_CONNECT_US))
        done = path ? drain_one(&drain, &database, settings, &spool, path)
                    : drain_all(&drain, &database, settings, &spool);
    drain_free(&drain);
    database_close(&database);
    return done ? EX_OK : EXIT_FAILURE;
}
