/* Emptying the spool into the database. */
#include "receiver/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/stats.h"
#include "spool/taken_file.h"
#include "store/probe.h"
#include "store/refusals.h"
#include "store/secret_store.h"

#define SECOND INT64_C(1000000)
/* Other processes, and those that are gone, leave files, too. */
#define LISTING_US (5 * SECOND)
/* Pause after a file that the database did not take, and how many such files
 * show that the fault is not theirs. */
#define RETRY_US (1 * SECOND)
#define FAILURES_MAX 8
#define PATIENCE_MAX_US (60 * SECOND)
#define COMMAND_STATEMENT_US (60 * SECOND)
#define PROBE_US (5 * SECOND)

int64_t drain_due(const struct drain *drain)
{
    return drain->next < drain->names.count ? 0 : drain->listing_due;
}

void drain_hurry(struct drain *drain)
{
    drain->hurried = true;
    drain->listing_due = 0;
}

static void end_pass(struct drain *drain, int64_t pause)
{
    if (drain->stored || drain->refused)
        log_notice("from the spool, %zu items are stored, %zu refused",
                   drain->stored, drain->refused);
    drain->stored = 0;
    drain->refused = 0;
    drain->stuck = false;
    spool_names_free(&drain->names);
    secrets_free(&drain->secrets);
    drain->next = 0;
    drain->failures = 0;
    drain->listing_due = drain->hurried ? 0 : clock_now() + pause;
    drain->hurried = false;
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
    return secret_store_read(&drain->secrets, database, age_s > 0 ? age_s : 0,
                             clock_now() + database->timeout_us);
}

/* Judges what was doubtful when it was spooled. */
static void judge(struct drain *drain, const struct settings *settings,
                  struct item_list *list)
{
    struct item_list doubtful = *list;
    struct item *items = list->items;

    /* Each item alone, so that those trusted already stay so. */
    for (size_t i = 0; i < list->count; i++) {
        if (items[i].verdict == ITEM_TRUSTED)
            continue;
        doubtful.items = &items[i];
        doubtful.count = 1;
        secrets_judge(&drain->secrets, settings, &doubtful);
    }
}

static bool all_trusted(const struct item_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].verdict != ITEM_TRUSTED)
            return false;
    return true;
}

/* Files that this process has taken, and what they hold. */
struct group {
    struct taken_file files[DRAIN_GROUP];
    struct item_list lists[DRAIN_GROUP];
    const char *names[DRAIN_GROUP];
    size_t count;
    size_t items;
    size_t bytes;
    size_t aside[DRAIN_GROUP]; /* rows that the database refused, by file */
};

/* Takes a file into the group, if it is one to be stored. */
static void take_file(struct drain *drain, struct spool *spool,
                      const char *name, struct group *group)
{
    struct item_list *list = &group->lists[group->count];

    *list = (struct item_list){0};
    switch (taken_file_take(spool->folder, name, &group->files[group->count],
                            list)) {
    case TAKEN_READ:
        group->names[group->count++] = name;
        group->items += list->count;
        group->bytes += list->rows.length;
        return;
    case TAKEN_DAMAGED:
        drain->aside++;
        break;
    case TAKEN_UNREADABLE:
        drain->stuck = true;
        break;
    case TAKEN_BUSY:
        break;
    }
    item_list_free(list);
}

/* Judges the items of the group; false if the secrets cannot be read. */
static bool judge_group(struct drain *drain, struct database *database,
                        const struct settings *settings,
                        const struct group *group)
{
    const char *oldest =
        drain->names.count ? drain->names.names[0] : group->names[0];

    for (size_t i = 0; i < group->count; i++) {
        struct item_list list = group->lists[i];
        if (all_trusted(&list))
            continue;
        if (!have_secrets(drain, database, oldest))
            return false;
        judge(drain, settings, &list);
    }
    return true;
}

/*
 * Stores the lists from `first` to before `end`. False: nothing is stored.
 * `failed` has a flag for each: one of its rows is neither stored nor rejected.
 */
static bool store_lists(struct drain *drain, struct database *database,
                        struct spool *spool, struct group *group, size_t first,
                        size_t end, bool *failed)
{
    batch_clear(&drain->batch);
    for (size_t i = first; i < end; i++)
        batch_add(&drain->batch, &group->lists[i]);
    drain->batch.maybe_stored = true;
    database->sqlstate[0] = '\0';
    memset(failed, 0, (end - first) * sizeof(*failed));
    if (!database_is_usable(database) ||
        batch_store(&drain->batch, database, spool, database->timeout_us,
                    failed) != DATABASE_DONE)
        return false;
    for (size_t i = 0; i < drain->batch.count; i++) {
        const struct batch_row *row = &drain->batch.list[i];
        group->aside[first + row->owner] += row->refused;
    }
    return true;
}

/* Removes the file of the group, or says why it stays; whether it is gone. */
static bool end_file(struct drain *drain, struct database *database,
                     struct taken_file *file, const char *name, bool stored,
                     bool failed)
{
    if (stored && !failed) {
        bool gone = taken_file_remove(file);
        drain->stuck |= !gone;
        return gone;
    }
    drain->stuck |= failed;
    log_cause(LOG_DRAIN, "%s stays in the spool: %s", name,
              failed ? "what the database refuses cannot be put aside"
                     : database_fault(database));
    taken_file_leave(file);
    return false;
}

/* Counts the items of a file that is gone: one that stays comes again. */
static void count_items(struct drain *drain, const struct item_list *list,
                        size_t aside)
{
    size_t verdicts[ITEM_VERDICTS] = {0};

    for (size_t i = 0; i < list->count; i++) {
        verdicts[list->items[i].verdict]++;
        refusals_note(&list->items[i]);
    }
    size_t stored = verdicts[ITEM_TRUSTED] - aside;
    drain->stored += stored;
    stats_count(STATS_STORED, stored);
    drain->refused += list->count - verdicts[ITEM_TRUSTED];
    refusals_count(verdicts);
}

/*
 * Stores a group in one transaction; if that is not possible, file by file,
 * so that one does not hold up the others. False: the database did not take
 * one. What else stays does so for its own sake.
 */
static bool store_group(struct drain *drain, struct database *database,
                        const struct settings *settings, struct spool *spool,
                        struct group *group)
{
    bool failed[DRAIN_GROUP] = {false};
    bool judged = judge_group(drain, database, settings, group);
    bool all = judged && store_lists(drain, database, spool, group, 0,
                                     group->count, failed);
    /* A row that comes from rejected/ and is refused again stays there. */
    bool kept = !drain->names.count && drain->batch.refused;
    bool taken = true;

    for (size_t i = 0; i < group->count; i++) {
        bool stored = all || (judged && group->count > 1 &&
                              store_lists(drain, database, spool, group, i,
                                          i + 1, &failed[i]));
        taken &= stored;
        if (kept)
            taken_file_leave(&group->files[i]);
        else if (end_file(drain, database, &group->files[i], group->names[i],
                          stored, failed[i]))
            count_items(drain, &group->lists[i], group->aside[i]);
        item_list_free(&group->lists[i]);
    }
    return taken;
}

/*
 * The next files of a pass; false at its end. One that stays does not hold up
 * the others, unless many do, or the connection is gone.
 */
static bool next_files(struct drain *drain, struct database *database,
                       const struct settings *settings, struct spool *spool)
{
    static struct group group; /* the committer's, or the command's, alone */
    size_t first = drain->first % drain->names.count;
    bool taken = true;
    size_t at = first;

    group.count = 0;
    group.items = 0;
    group.bytes = 0;
    memset(group.aside, 0, sizeof(group.aside));
    while (drain->next < drain->names.count && group.count < DRAIN_GROUP &&
           group.items < SPOOL_FILE_ITEMS && group.bytes < SPOOL_FILE_BYTES) {
        at = (first + drain->next++) % drain->names.count;
        take_file(drain, spool, drain->names.names[at], &group);
    }
    if (group.count)
        taken = store_group(drain, database, settings, spool, &group);
    drain->failures = taken ? 0 : drain->failures + 1;
    if (drain->failures < FAILURES_MAX && database_is_usable(database))
        return drain->next < drain->names.count;
    /* Another pass begins behind those that stayed. */
    drain->first = at + 1;
    return false;
}

/*
 * The pause until the next pass. A file that stays for its own sake, and not
 * for the database's, is tried less and less often while nothing else comes.
 */
static int64_t pause_after(struct drain *drain)
{
    int64_t pause = drain->failures ? RETRY_US : LISTING_US;

    if (!drain->stuck || drain->stored)
        drain->patience = 0;
    else
        drain->patience = drain->patience ? 2 * drain->patience : pause;
    if (drain->patience > PATIENCE_MAX_US)
        drain->patience = PATIENCE_MAX_US;
    return drain->patience > pause ? drain->patience : pause;
}

/* What the folder holds, for the view callhook.receivers. */
static void note_spool(const struct spool_names *names)
{
    stats_note_spool(names->bytes);
    stats_note_oldest(names->count ? spool_time_of(names->names[0]) : 0);
}

void drain_step(struct drain *drain, struct database *database,
                const struct settings *settings, struct spool *spool)
{
    if (drain->next == drain->names.count) {
        drain->hurried = false;
        spool_list(spool, &drain->names);
        drain->next = 0;
        note_spool(&drain->names);
        if (drain->names.count == 0) {
            drain->first = 0;
            end_pass(drain, LISTING_US);
        }
        return;
    }
    if (!next_files(drain, database, settings, spool))
        end_pass(drain, pause_after(drain));
}

bool drain_prove(struct drain *drain, struct database *database,
                 const struct settings *settings, struct spool *spool)
{
    bool proven;

    if (drain->next == drain->names.count)
        drain_step(drain, database, settings, spool);
    if (drain->names.count == 0)
        return true;
    bool more = next_files(drain, database, settings, spool);
    proven = drain->failures == 0 && database_is_usable(database);
    if (!more)
        end_pass(drain, drain->failures ? RETRY_US : LISTING_US);
    return proven;
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
    progress_begin("spool", drain->names.count, "files");
    while (drain->names.count && next_files(drain, database, settings, spool))
        progress_at(drain->next);
    progress_end();
    end_pass(drain, 0);
    empty = spool_list(spool, &drain->names) && drain->names.count == 0;
    spool_names_free(&drain->names);
    return empty && !drain->aside;
}

/* Whether the file of this path is stored. */
static bool drain_one(struct drain *drain, struct database *database,
                      const struct settings *settings, struct spool *spool,
                      const char *file)
{
    static struct group group;
    char *path = realpath(file, NULL);
    bool done = false;

    if (path)
        take_file(drain, spool, path, &group);
    else
        log_line("%s: %s", file, strerror(errno));
    if (group.count)
        done = store_group(drain, database, settings, spool, &group) &&
               !drain->batch.refused && !drain->stuck;
    free(path);
    end_pass(drain, 0);
    return done;
}

/* The first host that takes rows. */
static bool connect_any(struct database *database)
{
    struct hosts hosts;
    bool connected = false;

    hosts_read(&hosts);
    for (size_t i = 0; i < hosts.count && !connected; i++) {
        connected = database_connect(database, &hosts.list[i]) &&
                    probe_run(database, clock_now() + PROBE_US);
        if (connected)
            break;
        log_line("%s", database->why);
        database_close(database);
    }
    hosts_free(&hosts);
    return connected;
}

int drain_command(const struct settings *settings, const char *path)
{
    struct spool spool = {.folder = settings->spool,
                          .max = settings->spool_max};
    struct database database = {.timeout_us = COMMAND_STATEMENT_US};
    struct drain drain = {0};
    bool done = false;

    if (!spool.folder && !path)
        return EX_OK;
    if (spool.folder)
        spool_sweep(&spool);
    if (!path) {
        if (!spool_list(&spool, &drain.names))
            return EXIT_FAILURE;
        done = drain.names.count == 0;
        spool_names_free(&drain.names);
    }
    if (!done && connect_any(&database))
        done = path ? drain_one(&drain, &database, settings, &spool, path)
                    : drain_all(&drain, &database, settings, &spool);
    drain_free(&drain);
    database_close(&database);
    return done ? EX_OK : EXIT_FAILURE;
}
