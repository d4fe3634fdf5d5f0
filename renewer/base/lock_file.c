/* A file whose holder is alone. */
#include "base/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LOCK_PAUSE_NS 20000000 /* 20 ms */

/* False: errno. */
static bool wait_for(int file, int64_t deadline)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        if (clock_ms() >= deadline) {
            errno = EWOULDBLOCK;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

int lock_file_take(const char *path, int64_t deadline)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                    S_IRUSR | S_IWUSR);

    if (file < 0 || wait_for(file, deadline))
        return file;
    int saved = errno;
    close(file);
    errno = saved;
    return -1;
}
