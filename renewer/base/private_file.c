/* Files that hold secrets: who may read them, reading and writing them. */
#include "base/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* Longest secret of one line. */
#define LINE_MAX_BYTES 4096

/* Whether it is a regular file that is not too long. */
static bool is_readable(const struct stat *status, size_t limit, char *why,
                        size_t why_size)
{
    if (!S_ISREG(status->st_mode))
        snprintf(why, why_size, "is no regular file");
    else if ((unsigned long long)status->st_size > limit)
        snprintf(why, why_size, "is longer than %zu bytes", limit);
    else
        return true;
    return false;
}

/* Whether only root and this user can write to it. */
static bool is_trusted(const struct stat *status, char *why, size_t why_size)
{
    unsigned mode = (unsigned)status->st_mode & 07777;

    if (status->st_uid != 0 && status->st_uid != geteuid())
        snprintf(why, why_size, "belongs to neither root nor this user");
    else if (mode & (S_IWGRP | S_IWOTH))
        snprintf(why, why_size, "can be written by others (mode %04o)", mode);
    else
        return true;
    return false;
}

/* Whether besides them at most a group can read it. */
static bool is_private(const struct stat *status, char *why, size_t why_size)
{
    unsigned mode = (unsigned)status->st_mode & 07777;

    if (mode & S_IRWXO)
        snprintf(why, why_size, "is open to others (mode %04o)", mode);
    else if (mode & (S_IWGRP | S_IXGRP))
        snprintf(why, why_size,
                 "is more than readable by its group (mode %04o)", mode);
    else
        return is_trusted(status, why, why_size);
    return false;
}

/* Reads up to `room` bytes; false: errno. */
static bool read_up_to(int file, char *bytes, size_t room, size_t *length)
{
    ssize_t n;

    *length = 0;
    while (*length < room) {
        n = read(file, bytes + *length, room - *length);
        if (n == 0)
            break;
        if (n > 0)
            *length += (size_t)n;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

/* memory_wipe() would stop at the first NUL. */
static void wipe(char *bytes, size_t length)
{
    explicit_bzero(bytes, length);
    free(bytes);
}

/* All of an open file of `size` bytes; NULL: `why`. */
static char *read_all(int file, size_t size, size_t *length, char *why,
                      size_t why_size)
{
    /* A byte more than there should be shows that the file grew. */
    char *bytes = memory_new(size + 2, 1);

    if (!read_up_to(file, bytes, size + 1, length))
        snprintf(why, why_size, "cannot be read: %s", strerror(errno));
    else if (*length > size)
        snprintf(why, why_size, "grew while it was read");
    else
        return bytes;
    wipe(bytes, size + 2);
    return NULL;
}

static char *read_file(const char *path, bool private, size_t limit,
                       size_t *length, char *why, size_t why_size)
{
    struct stat status;
    char *bytes = NULL;
    /* O_NONBLOCK: a FIFO is refused, and not waited for. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0 || fstat(file, &status) != 0)
        snprintf(why, why_size, "cannot be opened: %s", strerror(errno));
    else if (is_readable(&status, limit, why, why_size) &&
             (private ? is_private : is_trusted)(&status, why, why_size))
        bytes = read_all(file, (size_t)status.st_size, length, why, why_size);
    if (file >= 0)
        close(file);
    return bytes;
}

char *private_file_read(const char *path, size_t limit, size_t *length,
                        char *why, size_t why_size)
{
    return read_file(path, true, limit, length, why, why_size);
}

char *private_file_read_trusted(const char *path, size_t limit, size_t *length,
                                char *why, size_t why_size)
{
    return read_file(path, false, limit, length, why, why_size);
}

char *private_file_read_line(const char *path, char *why, size_t why_size)
{
    size_t length;
    char *secret =
        private_file_read(path, LINE_MAX_BYTES, &length, why, why_size);
    const char *fault = NULL;

    if (!secret)
        return NULL;
    while (length && strchr("\r\n", secret[length - 1]) && secret[length - 1])
        secret[--length] = '\0';
    if (!length)
        fault = "is empty";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)secret[i] < ' ' || secret[i] == '\x7f')
            fault = "is not one line of text";
    if (!fault)
        return secret;
    snprintf(why, why_size, "%s", fault);
    wipe(secret, length);
    return NULL;
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(file, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = EIO;
            return false;
        }
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

/* Syncs the folder that `path` is in, so that a rename outlives a crash. */
static bool sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? memory_copy_bytes(path, (size_t)(slash + 1 - path))
                         : memory_copy(".");
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = file >= 0 && fsync(file) == 0;
    int saved = errno;

    free(folder);
    if (file >= 0)
        close(file);
    errno = saved;
    return synced;
}

/* Fills the new file, of which nobody knows yet, and closes it. */
static bool fill(int file, mode_t mode, const char *bytes, size_t length)
{
    bool filled = fchmod(file, mode) == 0 && write_all(file, bytes, length) &&
                  fsync(file) == 0;
    int saved = errno;

    if (close(file) != 0 && filled)
        return false;
    errno = saved;
    return filled;
}

static bool write_file(const char *path, mode_t mode, const char *bytes,
                       size_t length)
{
    char *other = memory_print("%s.new", path);
    bool written = false;
    int file;

    /* One may be left of a program that was killed. */
    unlink(other);
    file = open(other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                S_IRUSR | S_IWUSR);
    if (file >= 0) {
        written = fill(file, mode, bytes, length) && rename(other, path) == 0;
        int saved = errno;

        if (!written)
            unlink(other);
        errno = saved;
    }
    free(other);
    return written && sync_folder(path);
}

bool private_file_write(const char *path, const char *bytes, size_t length)
{
    return write_file(path, S_IRUSR | S_IWUSR, bytes, length);
}

bool private_file_publish(const char *path, const char *bytes, size_t length)
{
    return write_file(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, bytes,
                      length);
}
