/*
 * The spool's folder. A file is written under a name that begins with a dot,
 * fsynced, renamed to <time>-<process>-<number>.<kind>, and the folder is
 * fsynced: a name without a dot is a whole file. A process that stores a file
 * holds a lock (flock) on it, which ends with the process.
 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "minutes.h"
#include "spoolfile.h"

#define TRUSTED_END ".trusted"
#define DOUBTFUL_END ".doubtful"
#define DOUBTFUL_SHARE 16
#define MEASURE_US INT64_C(1000000)
/* A file under its first name is left behind by a process that died. */
#define STALE_S 3600
#define PATH_BYTES 1200

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static bool is_spooled(const char *name)
{
    return name[0] != '.' &&
           (ends_with(name, TRUSTED_END) || ends_with(name, DOUBTFUL_END));
}

/* Adds up what the folder holds, and sweeps what dead processes left. */
static void measure(struct spool *spool)
{
    DIR *folder = opendir(spool->folder);
    struct dirent *entry;
    struct stat status;
    uint64_t bytes = 0;

    spool->doubtful_bytes = 0;
    spool->measured_at = clock_now();
    while (folder && (entry = readdir(folder))) {
        bool spooled = is_spooled(entry->d_name);

        if ((!spooled && !ends_with(entry->d_name, ".new")) ||
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
            continue;
        if (!spooled && time(NULL) - status.st_mtime > STALE_S) {
            unlinkat(dirfd(folder), entry->d_name, 0);
            continue;
        }
        bytes += (uint64_t)status.st_size;
        if (ends_with(entry->d_name, DOUBTFUL_END))
            spool->doubtful_bytes += (uint64_t)status.st_size;
    }
    spool->bytes = bytes;
    if (folder)
        closedir(folder);
}

/* Whether `more` bytes are still within the limits. */
static bool has_room(struct spool *spool, uint64_t more, bool doubtful)
{
    if (clock_now() - spool->measured_at > MEASURE_US || !spool->measured_at)
        measure(spool);
    if (spool->bytes + more > spool->max) {
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

static bool write_all(int fd, const struct buffer *bytes)
{
    size_t done = 0;

    while (done < bytes->length) {
        ssize_t n = write(fd, bytes->data + done, bytes->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return fsync(fd) == 0;
}

/* Writes a whole file into `folder`; true once it is on the disk. */
static bool write_file(const char *folder, const char *name,
                       const struct buffer *bytes)
{
    char hidden[256];
    bool written = false, renamed = false;
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;

    snprintf(hidden, sizeof(hidden), ".%s.new", name);
    if (at >= 0)
        fd = openat(at, hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        written = write_all(fd, bytes);
        renamed = written && renameat(at, hidden, at, name) == 0;
        written = renamed && fsync(at) == 0;
    }
    if (!written) {
        log_cause(LOG_SPOOL, "the spool does not take a file: %s",
                  strerror(errno));
        if (fd >= 0)
            unlinkat(at, renamed ? name : hidden, 0);
    }
    if (fd >= 0)
        close(fd);
    if (at >= 0)
        close(at);
    return written;
}

/* Names sort by the time of writing. */
static void make_name(char *name, size_t room, const char *end)
{
    static atomic_uint number;

    snprintf(name, room, "%016llx-%lx-%x%s", (unsigned long long)clock_wall(),
             (long)getpid(), atomic_fetch_add(&number, 1), end);
}

int64_t spool_time_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return (int64_t)strtoull(slash ? slash + 1 : name, NULL, 16);
}

static bool finish_file(struct spool *spool, struct buffer *bytes, size_t items,
                        bool doubtful)
{
    char name[128];
    bool written;

    spoolfile_end(bytes);
    make_name(name, sizeof(name), doubtful ? DOUBTFUL_END : TRUSTED_END);
    written = has_room(spool, bytes->length, doubtful) &&
              write_file(spool->folder, name, bytes);
    if (written) {
        spool->bytes += bytes->length;
        spool->doubtful_bytes += doubtful ? bytes->length : 0;
        minutes_count(MINUTES_SPOOLED, items);
    }
    bytes->length = 0;
    return written;
}

bool spool_write(struct spool *spool, const struct item_list *const *lists,
                 size_t count, bool doubtful)
{
    struct buffer bytes = {0};
    size_t items = 0;
    bool written = true;

    if (!spool->folder)
        return false;
    for (size_t i = 0; written && i < count; i++) {
        for (size_t j = 0; written && j < lists[i]->count; j++) {
            const struct item *item = &lists[i]->items[j];
            if (item->verdict != ITEM_TRUSTED &&
                !(doubtful && item->has_secret))
                continue;
            if (items++ == 0)
                spoolfile_begin(&bytes);
            spoolfile_add(&bytes, item, lists[i]->rows.data + item->row_at);
            if (items == SPOOL_FILE_ITEMS) {
                written = finish_file(spool, &bytes, items, doubtful);
                items = 0;
            }
        }
    }
    if (written && items)
        written = finish_file(spool, &bytes, items, doubtful);
    buffer_free(&bytes);
    return written;
}

bool spool_works(const struct spool *spool)
{
    return spool->folder && access(spool->folder, W_OK | X_OK) == 0 &&
           spool->bytes < spool->max;
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void spool_list(const struct spool *spool, struct spool_names *names)
{
    DIR *folder = spool->folder ? opendir(spool->folder) : NULL;
    struct dirent *entry;
    size_t room = 0;

    spool_names_free(names);
    if (!folder && spool->folder)
        log_cause(LOG_DRAIN, "the spool's folder cannot be read: %s",
                  strerror(errno));
    while (folder && (entry = readdir(folder))) {
        if (!is_spooled(entry->d_name))
            continue;
        if (names->count == room) {
            room = room ? 2 * room : 64;
            names->names =
                memory_resize(names->names, room * sizeof(*names->names));
        }
        names->names[names->count] = strdup(entry->d_name);
        if (names->names[names->count])
            names->count++;
    }
    if (folder)
        closedir(folder);
    if (names->count)
        qsort(names->names, names->count, sizeof(*names->names), by_name);
}

void spool_names_free(struct spool_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct spool_names){0};
}

/* The path of rejected/, which is made when it is first needed. */
static bool rejected_folder(const struct spool *spool, char *path, size_t room)
{
    snprintf(path, room, "%s/rejected", spool->folder);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    log_cause(LOG_SPOOL, "%s cannot be made: %s", path, strerror(errno));
    return false;
}

static bool write_reason(const char *folder, const char *name,
                         const char *reason)
{
    char full[160];
    struct buffer text = {0};

    snprintf(full, sizeof(full), "%s.reason", name);
    buffer_add(&text, reason, strlen(reason));
    buffer_add(&text, "\n", 1);
    bool written = write_file(folder, full, &text);
    buffer_free(&text);
    return written;
}

/* Moves a file that cannot be read aside, for somebody to look at. */
static void set_aside(const struct spool *spool, const char *path,
                      const char *why)
{
    char folder[PATH_BYTES + 16], to[2 * PATH_BYTES];
    const char *name = strrchr(path, '/') + 1;

    log_line("%s is damaged: %s", path, why);
    if (!spool->folder ||
        strncmp(path, spool->folder, strlen(spool->folder)) != 0 ||
        !rejected_folder(spool, folder, sizeof(folder)))
        return;
    snprintf(to, sizeof(to), "%s/%s", folder, name);
    if (strcmp(path, to) != 0 && write_reason(folder, name, why))
        (void)!rename(path, to);
}

static bool read_all(int fd, struct buffer *bytes)
{
    struct stat status;

    if (fstat(fd, &status) || !S_ISREG(status.st_mode) ||
        !buffer_reserve(bytes, (size_t)status.st_size))
        return false;
    while (bytes->length < (size_t)status.st_size) {
        ssize_t n = read(fd, bytes->data + bytes->length,
                         (size_t)status.st_size - bytes->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes->length += (size_t)n;
    }
    return true;
}

/* Opens and locks; false: another process has it, or it is gone. */
static bool open_locked(struct spool_file *file)
{
    struct stat status;

    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file->fd < 0)
        return false;
    if (flock(file->fd, LOCK_EX | LOCK_NB) == 0 &&
        fstat(file->fd, &status) == 0 && status.st_nlink > 0)
        return true;
    close(file->fd);
    return false;
}

enum spool_taken spool_take(const struct spool *spool, const char *name,
                            struct spool_file *file, struct item_list *list)
{
    struct buffer bytes = {0};
    const char *why = "it cannot be read";

    if (strchr(name, '/'))
        snprintf(file->path, sizeof(file->path), "%s", name);
    else
        snprintf(file->path, sizeof(file->path), "%s/%s", spool->folder, name);
    if (!open_locked(file))
        return SPOOL_BUSY;
    if (read_all(file->fd, &bytes))
        why = spoolfile_read(&bytes, list);
    buffer_free(&bytes);
    if (!why)
        return SPOOL_TAKEN;
    set_aside(spool, file->path, why);
    close(file->fd);
    return SPOOL_DAMAGED;
}

void spool_remove(struct spool_file *file)
{
    char reason[sizeof(file->path) + 8];

    if (unlink(file->path))
        log_cause(LOG_DRAIN, "a spool file cannot be removed: %s",
                  strerror(errno));
    /* of a row that was rejected and is stored now */
    snprintf(reason, sizeof(reason), "%s.reason", file->path);
    unlink(reason);
    close(file->fd);
}

void spool_leave(struct spool_file *file)
{
    close(file->fd);
}

bool spool_reject(struct spool *spool, const struct item *item, const char *row,
                  size_t length, const char *reason)
{
    char folder[PATH_BYTES], name[128];
    struct item copy = *item;
    struct buffer bytes = {0};

    if (!spool->folder || !rejected_folder(spool, folder, sizeof(folder)))
        return false;
    copy.row_length = (uint32_t)length;
    spoolfile_begin(&bytes);
    spoolfile_add(&bytes, &copy, row);
    spoolfile_end(&bytes);
    make_name(name, sizeof(name), TRUSTED_END);
    /* the reason first: a row without one would be a riddle */
    bool written =
        write_reason(folder, name, reason) && write_file(folder, name, &bytes);
    buffer_free(&bytes);
    return written;
}
