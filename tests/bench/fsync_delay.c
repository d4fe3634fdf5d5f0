/*
 * Preloaded into PostgreSQL: a disk whose flushes take longer. Each call that
 * makes data durable is done in full and then lasts FSYNC_DELAY_US more.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int flush_function(int);
typedef int range_function(int, off64_t, off64_t, unsigned);

static void wait_for_disk(void)
{
    static long delay_us = -1;
    struct timespec rest;
    int saved = errno;

    if (delay_us < 0) {
        const char *text = getenv("FSYNC_DELAY_US");
        delay_us = text ? strtol(text, NULL, 10) : 2000;
    }
    rest.tv_sec = delay_us / 1000000;
    rest.tv_nsec = delay_us % 1000000 * 1000;
    while (nanosleep(&rest, &rest) && errno == EINTR)
        ;
    errno = saved;
}

static int flush(const char *name, int fd)
{
    flush_function *real;
    int status;

    *(void **)&real = dlsym(RTLD_NEXT, name);
    status = real(fd);
    wait_for_disk();
    return status;
}

int fsync(int fd)
{
    return flush("fsync", fd);
}

int fdatasync(int fd)
{
    return flush("fdatasync", fd);
}

int syncfs(int fd)
{
    return flush("syncfs", fd);
}

/* Waits for the disk only when it is asked to. */
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags)
{
    range_function *real;
    int status;

    *(void **)&real = dlsym(RTLD_NEXT, "sync_file_range");
    status = real(fd, offset, length, flags);
    if (flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER))
        wait_for_disk();
    return status;
}
