/*
 * Preloaded into PostgreSQL: a disk whose flushes take longer. Each call that
 * makes data durable is done in full, and lasts so many microseconds at least
 * as the file FSYNC_DELAY_FILE holds, an int32_t; it can change at any time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int flush_function(int);
typedef int range_function(int, off64_t, off64_t, unsigned);

/* The file, for as long as the process lives. */
static const volatile int32_t *delay_us(void)
{
    static const int32_t *delay;
    int fd;

    if (delay)
        return delay;
    fd = open(getenv("FSYNC_DELAY_FILE"), O_RDONLY | O_CLOEXEC);
    delay = mmap(NULL, sizeof(*delay), PROT_READ, MAP_SHARED, fd, 0);
    if (delay == MAP_FAILED)
        abort();
    close(fd);
    return delay;
}

/* When a flush that begins now may end. */
static struct timespec begin(void)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += *delay_us() * 1000L;
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
