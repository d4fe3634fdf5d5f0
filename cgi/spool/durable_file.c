/* Files that are there as a whole, or not at all. */
#include "spool/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define NEW_END ".new"

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

void durable_file_give(int folder, int at, const char *name)
{
    struct stat status;

    if (geteuid() != 0 || fstat(folder, &status) != 0 || status.st_uid == 0)
        return;
    if (fchownat(at, name, status.st_uid, status.st_gid,
                 AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
        log_cause(LOG_SPOOL, "a file of the spool stays root's: %s",
                  strerror(errno));
}

/* What a killed process has left under that name is of no use to anybody. */
static int create(int at, const char *hidden)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at, hidden, flags, 0600);

    if (fd < 0 && errno == EEXIST && unlinkat(at, hidden, 0) == 0)
        fd = openat(at, hidden, flags, 0600);
    return fd;
}

bool durable_file_write(int at, const char *name, const struct buffer *bytes)
{
    char hidden[256];
    bool written = false;

    snprintf(hidden, sizeof(hidden), ".%s" NEW_END, name);
    int fd = create(at, hidden);
    if (fd >= 0) {
        durable_file_give(at, fd, "");
        written = write_all(fd, bytes) && renameat(at, hidden, at, name) == 0;
    }
    if (!written) {
        log_cause(LOG_SPOOL, "the spool does not take a file: %s",
                  strerror(errno));
        if (fd >= 0)
            unlinkat(at, hidden, 0);
    }
    if (fd >= 0)
        close(fd);
    return written;
}

bool durable_file_settle(int folder)
{
    if (fsync(folder) == 0)
        return true;
    log_cause(LOG_SPOOL, "the spool does not keep names of files: %s",
              strerror(errno));
    return false;
}

bool durable_file_is_new(const char *name)
{
    size_t length = strlen(name), end = strlen(NEW_END);

    return name[0] == '.' && length > end &&
           strcmp(name + length - end, NEW_END) == 0;
}
