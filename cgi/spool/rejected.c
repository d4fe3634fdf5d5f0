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
#include "spool/spool.h"
#include "spool/spool_file.h"

#define REASON_END ".reason"

/* Opens rejected/, which is made when it is first needed; -1 if it cannot. */
static int open_folder(const char *folder)
{
    int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int at = -1;

    if (parent >= 0) {
        if (mkdirat(parent, "rejected", 0700) == 0)
            (void)fsync(parent);
        at = openat(parent, "rejected", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(parent);
    }
    if (at < 0)
        log_cause(LOG_SPOOL, "rejected/ cannot be opened: %s", strerror(errno));
    return at;
}

static bool write_reason(int at, const char *name, const char *reason)
{
    char full[300];
    struct buffer text = {0};

    snprintf(full, sizeof(full), "%s" REASON_END, name);
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

bool rejected_add(const char *folder, const struct item *item, const char *row,
                  size_t length, const char *reason)
{
    struct item copy = *item;
    struct buffer bytes = {0};
    char name[128];
    int at = folder ? open_folder(folder) : -1;

    if (at < 0)
        return false;
    copy.row_length = (uint32_t)length;
    spool_file_begin(&bytes);
    spool_file_add(&bytes, &copy, row);
    spool_file_end(&bytes);
    name_by_row(name, sizeof(name), row);
    /* the reason first: a row without one would be a riddle */
    bool written = faccessat(at, name, F_OK, 0) == 0 ||
                   (write_reason(at, name, reason) &&
                    durable_file_write(at, name, &bytes) && fsync(at) == 0);
    buffer_free(&bytes);
    close(at);
    return written;
}

void rejected_move(const char *folder, const char *path, const char *why)
{
    const char *name = strrchr(path, '/') + 1;
    size_t length = folder ? strlen(folder) : 0;

    log_line("%s is damaged: %s", path, why);
    if (!length || strncmp(path, folder, length) != 0 ||
        path + length + 1 != name)
        return;
    int at = open_folder(folder);
    if (at < 0)
        return;
    if (write_reason(at, name, why))
        (void)!renameat2(AT_FDCWD, path, at, name, RENAME_NOREPLACE);
    close(at);
}

void rejected_forget(const char *path)
{
    char reason[1300];

    snprintf(reason, sizeof(reason), "%s" REASON_END, path);
    unlink(reason);
}
