/* SPOOL/rejected/: what is kept for a person to look at, with the reason. */
#include "spool/rejected.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guid.h"
#include "base/log.h"
#include "notification/copy_row.h"
#include "spool/durable_file.h"
#include "spool/folder.h"
#include "spool/spool_file.h"

#define FOLDER "rejected"
/* A damaged file that comes back under a name that is taken. */
#define NAMES_MAX 100

/*
 * Opens rejected/, which is made when it is first needed; -1: told. Its own
 * name is durable before anything is put there: a process may have made it and
 * died.
 */
static int open_folder(const char *folder)
{
    const char *why = NULL;
    int parent = folder_open(AT_FDCWD, folder, &why);
    int at = -1;

    if (parent >= 0) {
        bool made = mkdirat(parent, FOLDER, 0700) == 0;
        if (made)
            durable_file_give(parent, parent, FOLDER);
        if ((!made && errno != EEXIST) || fsync(parent) != 0)
            why = strerror(errno);
        else
            at = folder_open(parent, FOLDER, &why);
        close(parent);
    }
    if (at < 0)
        log_cause(LOG_SPOOL, "the spool's " FOLDER "/ cannot be used: %s", why);
    return at;
}

static bool write_reason(int at, const char *name, const char *reason)
{
    char full[300];
    struct buffer text = {0};

    snprintf(full, sizeof(full), "%s" DURABLE_REASON_END, name);
    buffer_add(&text, reason, strlen(reason));
    buffer_add(&text, "\n", 1);
    bool written = durable_file_write(at, full, &text);
    buffer_free(&text);
    return written;
}

/* By the notification's id: a row that is refused twice is kept once. */
static void name_by_row(char *name, size_t room, const char *row)
{
    struct guid id;
    size_t n = 0;

    copy_row_get_id(row, &id);
    for (size_t i = 0; i < sizeof(id.bytes) && n < room; i++)
        n += (size_t)snprintf(name + n, room - n, "%02x", id.bytes[i]);
    snprintf(name + n, room - n, "%s", SPOOL_TRUSTED_END);
}

/*
 * The reason first: a row without one would be a riddle. Each step can be
 * repeated, and a name is there only for a whole file.
 */
static enum rejected_result add(int at, const char *name,
                                const struct buffer *bytes, const char *reason)
{
    if (faccessat(at, name, F_OK, 0) == 0)
        return durable_file_settle(at) ? REJECTED_BEFORE : REJECTED_FAILED;
    if (write_reason(at, name, reason) && durable_file_write(at, name, bytes) &&
        durable_file_settle(at))
        return REJECTED_NOW;
    return REJECTED_FAILED;
}

enum rejected_result rejected_add(const char *folder, const struct item *item,
                                  const char *row, size_t length,
                                  const char *reason)
{
    struct item copy = *item;
    struct buffer bytes = {0};
    char name[128];
    enum rejected_result result;
    int at = folder ? open_folder(folder) : -1;

    if (at < 0)
        return REJECTED_FAILED;
    copy.row_length = (uint32_t)length;
    spool_file_begin(&bytes);
    spool_file_add(&bytes, &copy, row);
    spool_file_end(&bytes);
    name_by_row(name, sizeof(name), row);
    result = add(at, name, &bytes, reason);
    buffer_free(&bytes);
    close(at);
    return result;
}

/* Whether `path` names a file in the folder itself; then its name. */
static const char *name_in(const char *folder, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    size_t length = folder ? strlen(folder) : 0;

    return length && strncmp(path, folder, length) == 0 &&
                   path + length + 1 == name
               ? name
               : NULL;
}

/* A name that nothing in the folder has yet; false: there is none. */
static bool find_name(int at, const char *name, char *found, size_t room)
{
    for (int i = 0; i < NAMES_MAX; i++) {
        snprintf(found, room, i ? "%s.%d" : "%s", name, i);
        if (faccessat(at, found, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT;
    }
    return false;
}

bool rejected_move(const char *folder, const char *path, const char *why)
{
    const char *name = name_in(folder, path);
    char found[300];
    bool moved = false;

    if (!name) {
        log_line("%s is damaged: %s", path, why);
        return true;
    }
    int at = open_folder(folder);
    if (at >= 0) {
        moved = find_name(at, name, found, sizeof(found)) &&
                write_reason(at, found, why) &&
                renameat(AT_FDCWD, path, at, found) == 0;
        /* Should it be there twice after a crash, it is moved once more. */
        if (moved && fsync(at) != 0)
            log_cause(LOG_SPOOL, "rejected/: %s", strerror(errno));
        close(at);
    }
    if (moved)
        log_line("%s is damaged, and set aside: %s", path, why);
    else
        log_cause(LOG_DRAIN, "%s is damaged, and stays: %s", path, why);
    return moved;
}

void rejected_sweep(const char *folder)
{
    const char *why;
    int parent = folder_open(AT_FDCWD, folder, &why);
    int at = parent >= 0 ? folder_open(parent, FOLDER, &why) : -1;

    if (at >= 0) {
        folder_sweep(at);
        close(at);
    }
    if (parent >= 0)
        close(parent);
}

void rejected_forget(const char *path)
{
    char reason[1300];

    snprintf(reason, sizeof(reason), "%s" DURABLE_REASON_END, path);
    unlink(reason);
}
