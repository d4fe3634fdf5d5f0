/*
 * Preloaded into PostgreSQL: a disk whose flushes take longer. Each call that
 * makes data durable is done in full, and lasts FSYNC_DELAY_US at least.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int flush_function(int);
typedef int range_function(int, off64_t, off64_t, unsigned);

/* When a flush that begins now may end. */
static struct timespec begin(void)
{
    static long delay_us = -1;
    struct timespec end;

    if (delay_us < 0) {
        const char *text = getenv("FSYNC_DELAY_US");
        delay_us = text ? strtol(text, NULL, 10) : 2000;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += delay_us * 1000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return end;
}

static void wait_for_disk(struct timespec end)
{
    int saved = errno;

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        ;
    errno = saved;
}

static int flush(const char *name, int fd)
{
    struct timespec end = begin();
    flush_function *real;
    int status;

    *(void **)&real = dlsym(RTLD_NEXT, name);
    status = real(fd);
    wait_for_disk(end);
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
    struct timespec end = begin();
    range_function *real;
    int status;

    *(void **)&real = dlsym(RTLD_NEXT, "sync_file_range");
    status = real(fd, offset, length, flags);
    if (flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER))
        wait_for_disk(end);
    return status;
}
