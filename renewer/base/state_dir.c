/* The folder `state_dir`, and the locks in it. */
#include "base/state_dir.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/report.h"

bool state_dir_check(const char *state_dir)
{
    struct stat status;

    if (mkdir(state_dir, 0700) != 0 && errno != EEXIST) {
        log_line("state_dir %s: %s: make it a folder of this user's, mode 0700",
                 state_dir, strerror(errno));
        return false;
    }
    if (stat(state_dir, &status) != 0 || !S_ISDIR(status.st_mode)) {
        log_line("state_dir %s: it is no folder", state_dir);
        return false;
    }
    if (status.st_uid != geteuid() || status.st_mode & 077) {
        log_line("state_dir %s: it must belong to this user, mode 0700",
                 state_dir);
        return false;
    }
    return true;
}

const char *state_dir_fault(const char *state_dir)
{
    char *path = memory_print("%s/.check.XXXXXX", state_dir);
    int file = mkstemp(path);
    bool good;
    int number = errno;

    if (file >= 0)
        unlink(path); /* first of all: a run that is killed leaves nothing */
    good = file >= 0 && write(file, "x", 1) == 1 && fsync(file) == 0;
    if (file >= 0 && !good)
        number = errno;
    if (file >= 0)
        close(file);
    free(path);
    return good ? NULL : strerrordesc_np(number);
}

int state_dir_lock(const char *state_dir, const char *name, int64_t deadline,
                   bool *held)
{
    char *path = memory_print("%s/%s.lock", state_dir, name);
    int lock = lock_file_take(path, deadline);

    *held = lock < 0 && errno == EWOULDBLOCK;
    if (lock < 0 && !*held) {
        char *line = memory_print("%s: %s", path, strerrordesc_np(errno));

        report_line(state_dir, REPORT_STATE_DIR, line);
        free(line);
    }
    free(path);
    return lock;
}
