/* A file of the spool that this process has taken, to store what it holds. */
#include "spool/taken_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "spool/folder.h"
#include "spool/rejected.h"
#include "spool/spool_file.h"

/* What is longer is looked at before it is taken into memory. */
#define UNSEEN_MAX ((uint64_t)4 << 20)

static bool read_all(int fd, size_t length, struct buffer *bytes)
{
    if (!buffer_reserve(bytes, length))
        return false;
    while (bytes->length < length) {
        ssize_t n =
            read(fd, bytes->data + bytes->length, length - bytes->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes->length += (size_t)n;
    }
    return true;
}

/* Opens and locks; BUSY: another process has it, or it is gone. */
static enum taken_result open_locked(struct taken_file *file,
                                     struct stat *status)
{
    const char *why;

    file->fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (file->fd < 0) {
        if (errno == ENOENT)
            return TAKEN_BUSY;
        why = strerror(errno);
    } else if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
        why = errno == EWOULDBLOCK ? NULL : strerror(errno);
    } else if (fstat(file->fd, status) != 0) {
        why = strerror(errno);
    } else {
        why = status->st_nlink ? folder_fault(status) : NULL;
        if (!why && status->st_nlink)
            return TAKEN_READ;
    }
    if (file->fd >= 0)
        close(file->fd);
    if (!why)
        return TAKEN_BUSY;
    log_cause(LOG_DRAIN, "%s: %s", file->path, why);
    return TAKEN_UNREADABLE;
}

/* Reads the locked file; `why`: it is damaged. False: it cannot be read. */
static bool read_items(const struct taken_file *file, uint64_t length,
                       struct item_list *list, const char **why)
{
    struct buffer bytes = {0};
    bool read = true;

    *why = length > UNSEEN_MAX ? spool_file_check(file->fd, length) : NULL;
    if (!*why) {
        read = read_all(file->fd, (size_t)length, &bytes);
        if (read)
            *why = spool_file_read(&bytes, list);
    }
    buffer_free(&bytes);
    return read;
}

enum taken_result taken_file_take(const char *folder, const char *name,
                                  struct taken_file *file,
                                  struct item_list *list)
{
    struct stat status;
    const char *why;
    enum taken_result result;

    if (strchr(name, '/'))
        snprintf(file->path, sizeof(file->path), "%s", name);
    else
        snprintf(file->path, sizeof(file->path), "%s/%s", folder, name);
    result = open_locked(file, &status);
    if (result != TAKEN_READ)
        return result;
    if (!read_items(file, (uint64_t)status.st_size, list, &why)) {
        log_cause(LOG_DRAIN, "%s cannot be read", file->path);
        result = TAKEN_UNREADABLE;
    } else if (why) {
        result = rejected_move(folder, file->path, why) ? TAKEN_DAMAGED
                                                        : TAKEN_UNREADABLE;
    }
    if (result != TAKEN_READ)
        close(file->fd);
    return result;
}

bool taken_file_remove(struct taken_file *file)
{
    bool removed = unlink(file->path) == 0;

    if (!removed)
        log_cause(LOG_DRAIN, "a spool file cannot be removed: %s",
                  strerror(errno));
    /* of a row that was rejected and is stored now */
    rejected_forget(file->path);
    close(file->fd);
    return removed;
}

void taken_file_leave(struct taken_file *file)
{
    close(file->fd);
}
