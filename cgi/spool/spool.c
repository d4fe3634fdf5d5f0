/*
 * The spool's folder. A file is written under a name that begins with a dot,
 * fsynced, renamed to <time>-<process>-<number>.<kind>, and the folder is
 * fsynced: a name without a dot is a whole file. A process that stores a file
 * holds a lock (flock) on it, which ends with the process.
 */
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stats.h"
#include "spool/durable_file.h"
#include "spool/folder.h"
#include "spool/rejected.h"
#include "spool/spool_file.h"

#define DOUBTFUL_END ".doubtful"
#define DOUBTFUL_SHARE 16
#define MEASURE_US INT64_C(1000000)
#define MEASURE_SHARE 50

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static bool is_spooled(const char *name)
{
    return name[0] != '.' && (ends_with(name, SPOOL_TRUSTED_END) ||
                              ends_with(name, DOUBTFUL_END));
}

/* Adds up what the folder holds. */
static void measure(struct spool *spool)
{
    DIR *folder = opendir(spool->folder);
    struct dirent *entry;
    struct stat status;
    uint64_t bytes = 0;
    int64_t begun = clock_now();

    spool->doubtful_bytes = 0;
    while (folder && (entry = readdir(folder))) {
        bool spooled = is_spooled(entry->d_name);

        if ((!spooled && !durable_file_is_new(entry->d_name)) ||
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
            continue;
        bytes += (uint64_t)status.st_size;
        if (ends_with(entry->d_name, DOUBTFUL_END))
            spool->doubtful_bytes += (uint64_t)status.st_size;
    }
    spool->bytes = bytes;
    if (folder)
        closedir(folder);
    /* Answers wait for it: a large folder is looked at less often. */
    int64_t now = clock_now();
    spool->measure_due = now + MEASURE_US + MEASURE_SHARE * (now - begun);
}

/* Whether `more` bytes are still within the limits. */
static bool has_room(struct spool *spool, uint64_t more, bool doubtful)
{
    if (clock_now() >= spool->measure_due)
        measure(spool);
    if (spool->bytes + more > spool->max) {
        spool->failed = true;
        log_cause(LOG_SPOOL, "the spool is full: %llu bytes",
                  (unsigned long long)spool->bytes);
        return false;
    }
    if (doubtful &&
        spool->doubtful_bytes + more > spool->max / DOUBTFUL_SHARE) {
        log_cause(LOG_SPOOL, "the spool takes no more items with a secret "
                             "that is not known");
        return false;
    }
    return true;
}

/* Names sort by the time of writing. */
static void make_name(char *name, size_t room, const char *end)
{
    uint64_t chance;

    if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
        die(EX_OSERR, "the kernel gives no random bytes");
    snprintf(name, room, "%016llx-%016llx%s", (unsigned long long)clock_wall(),
             (unsigned long long)chance, end);
}

int64_t spool_time_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return (int64_t)strtoull(slash ? slash + 1 : name, NULL, 16);
}

/* The files that one call of spool_write makes: all of them, or none. */
struct writing {
    struct spool *spool;
    int at; /* the folder */
    bool doubtful;
    struct buffer bytes; /* of the next file */
    size_t items;        /* in it */
    size_t all_items;
    uint64_t all_bytes;
    struct spool_names made;
};

static void add_name(struct spool_names *names, const char *name)
{
    names->names =
        memory_resize(names->names, (names->count + 1) * sizeof(*names->names));
    names->names[names->count] = strdup(name);
    if (!names->names[names->count])
        die(EX_OSERR, "out of memory");
    names->count++;
}

static bool end_file(struct writing *w)
{
    char name[128];

    if (!w->items)
        return true;
    spool_file_end(&w->bytes);
    make_name(name, sizeof(name),
              w->doubtful ? DOUBTFUL_END : SPOOL_TRUSTED_END);
    if (!has_room(w->spool, w->all_bytes + w->bytes.length, w->doubtful))
        return false;
    w->spool->failed = !durable_file_write(w->at, name, &w->bytes);
    if (w->spool->failed)
        return false;
    add_name(&w->made, name);
    w->all_bytes += w->bytes.length;
    w->all_items += w->items;
    w->items = 0;
    return true;
}

/* The last file, and the names of all. */
static bool settle(struct writing *w)
{
    if (!end_file(w))
        return false;
    w->spool->failed = !durable_file_settle(w->at);
    return !w->spool->failed;
}

static bool add_item(struct writing *w, const struct item *item,
                     const char *row)
{
    if (w->items == 0)
        spool_file_begin(&w->bytes);
    spool_file_add(&w->bytes, item, row);
    return (++w->items < SPOOL_FILE_ITEMS &&
            w->bytes.length < SPOOL_FILE_BYTES) ||
           end_file(w);
}

static bool add_list(struct writing *w, const struct item_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];

        if (item->verdict != ITEM_TRUSTED && !(w->doubtful && item->has_secret))
            continue;
        if (!add_item(w, item, list->rows.data + item->row_at))
            return false;
    }
    return true;
}

/* What is half written must not come into the database unasked. */
static void take_back(struct writing *w)
{
    for (size_t i = 0; i < w->made.count; i++)
        unlinkat(w->at, w->made.names[i], 0);
}

bool spool_write(struct spool *spool, const struct item_list *const *lists,
                 size_t count, bool doubtful)
{
    struct writing w = {.spool = spool, .doubtful = doubtful, .at = -1};
    const char *why;
    bool written = false;

    if (!spool->folder)
        return false;
    w.at = folder_open(AT_FDCWD, spool->folder, &why);
    if (w.at < 0) {
        spool->failed = true;
        log_cause(LOG_SPOOL, "the spool %s cannot be used: %s", spool->folder,
                  why);
    } else {
        written = true;
        for (size_t i = 0; written && i < count; i++)
            written = add_list(&w, lists[i]);
        written = written && settle(&w);
        if (!written)
            take_back(&w);
        close(w.at);
    }
    if (written) {
        spool->bytes += w.all_bytes;
        spool->doubtful_bytes += doubtful ? w.all_bytes : 0;
        spool->failed = false;
        stats_count(STATS_SPOOLED, w.all_items);
    }
    buffer_free(&w.bytes);
    spool_names_free(&w.made);
    return written;
}

void spool_sweep(const struct spool *spool)
{
    const char *why;
    int at = folder_open(AT_FDCWD, spool->folder, &why);

    if (at < 0)
        return;
    folder_sweep(at);
    close(at);
    rejected_sweep(spool->folder);
}

void spool_tell(const struct spool *spool)
{
    const char *why;
    int at = folder_open(AT_FDCWD, spool->folder, &why);

    if (at < 0)
        return;
    if (faccessat(at, ".", W_OK | X_OK, AT_EACCESS) != 0)
        log_cause(LOG_SPOOL, "the spool does not take a file: %s",
                  strerror(errno));
    close(at);
}

bool spool_works(const struct spool *spool)
{
    const char *why;
    int at = -1;

    if (spool->folder && !spool->failed && spool->bytes < spool->max)
        at = folder_open(AT_FDCWD, spool->folder, &why);
    if (at >= 0)
        close(at);
    return at >= 0 && access(spool->folder, W_OK | X_OK) == 0;
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool spool_list(const struct spool *spool, struct spool_names *names)
{
    const char *why = NULL;
    int at = spool->folder ? folder_open(AT_FDCWD, spool->folder, &why) : -1;
    DIR *folder = at >= 0 ? fdopendir(at) : NULL;
    struct dirent *entry;
    struct stat status;
    size_t room = 0;

    spool_names_free(names);
    if (at >= 0 && !folder) {
        why = strerror(errno);
        close(at);
    }
    if (!folder && spool->folder)
        log_cause(LOG_DRAIN, "the spool %s cannot be read: %s", spool->folder,
                  why);
    while (folder && (entry = readdir(folder))) {
        if (!is_spooled(entry->d_name))
            continue;
        if (names->count == room) {
            room = room ? 2 * room : 64;
            names->names =
                memory_resize(names->names, room * sizeof(*names->names));
        }
        names->names[names->count] = strdup(entry->d_name);
        if (!names->names[names->count])
            continue;
        names->count++;
        if (fstatat(at, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            names->bytes += (uint64_t)status.st_size;
    }
    if (folder)
        closedir(folder);
    if (names->count)
        qsort(names->names, names->count, sizeof(*names->names), by_name);
    return !why;
}

void spool_names_free(struct spool_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct spool_names){0};
}
