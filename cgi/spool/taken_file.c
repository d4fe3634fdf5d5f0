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
#include "spool/rejected.h"
#include "spool/spool_file.h"

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

/* Opens and locks; BUSY: another process has it, or it is gone. */
static enum taken_result open_locked(struct taken_file *file)
{
    struct stat status;
    int error;

    file->fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (file->fd < 0) {
        error = errno;
    } else {
        if (flock(file->fd, LOCK_EX | LOCK_NB) == 0 &&
            fstat(file->fd, &status) == 0 && status.st_nlink > 0)
            return TAKEN_READ;
        error = errno == EWOULDBLOCK ? EWOULDBLOCK : ENOENT;
        close(file->fd);
    }
    if (error == ENOENT || error == EWOULDBLOCK)
        return TAKEN_BUSY;
    log_cause(LOG_DRAIN, "%s: %s", file->path, strerror(error));
    return TAKEN_UNREADABLE;
}

enum taken_result taken_file_take(const char *folder, const char *name,
                                  struct taken_file *file,
                                  struct item_list *list)
{
    struct buffer bytes = {0};
    enum taken_result result;

    if (strchr(name, '/'))
        snprintf(file->path, sizeof(file->path), "%s", name);
    else
        snprintf(file->path, sizeof(file->path), "%s/%s", folder, name);
    result = open_locked(file);
    if (result != TAKEN_READ)
        return result;
    if (!read_all(file->fd, &bytes)) {
        log_cause(LOG_DRAIN, "%s cannot be read", file->path);
        result = TAKEN_UNREADABLE;
    } else {
        const char *why = spool_file_read(&bytes, list);
        if (why) {
            rejected_move(folder, file->path, why);
            result = TAKEN_DAMAGED;
        }
    }
    buffer_free(&bytes);
    if (result != TAKEN_READ)
        close(file->fd);
    return result;
}

void taken_file_remove(struct taken_file *file)
{
    if (unlink(file->path))
        log_cause(LOG_DRAIN, "a spool file cannot be removed: %s",
                  strerror(errno));
    /* of a row that was rejected and is stored now */
    rejected_forget(file->path);
    close(file->fd);
}

void taken_file_leave(struct taken_file *file)
{
    close(file->fd);
}
