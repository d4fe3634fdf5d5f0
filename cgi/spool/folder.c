/* The folders of the spool: ours, or not used. */
#include "spool/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool/durable_file.h"

#define STALE_S 3600

/* Root, who may drain for somebody else, takes everybody's. */
static bool is_ours(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid() || geteuid() == 0;
}

static const char *fault(const struct stat *status)
{
    if (!is_ours(status))
        return "it belongs to another user";
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return "others can write to it";
    return NULL;
}

const char *folder_fault(const struct stat *status)
{
    return S_ISREG(status->st_mode) ? fault(status) : "it is no regular file";
}

int folder_open(int parent, const char *path, const char **why)
{
    struct stat status;
    int folder = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0) {
        *why = strerror(errno);
        return -1;
    }
    *why = fstat(folder, &status) == 0 ? fault(&status) : strerror(errno);
    if (!*why)
        return folder;
    close(folder);
    return -1;
}

static bool is_left(int folder, const char *name)
{
    char base[NAME_MAX + 1];
    size_t length = strlen(name), end = strlen(DURABLE_REASON_END);

    if (durable_file_is_new(name))
        return true;
    if (length <= end || strcmp(name + length - end, DURABLE_REASON_END) != 0)
        return false;
    memcpy(base, name, length - end);
    base[length - end] = '\0';
    return faccessat(folder, base, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
           errno == ENOENT;
}

void folder_sweep(int folder)
{
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    DIR *names = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;
    struct stat status;

    if (!names && copy >= 0)
        close(copy);
    if (names)
        rewinddir(names);
    while (names && (entry = readdir(names)))
        if (is_left(folder, entry->d_name) &&
            fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            time(NULL) - status.st_mtime > STALE_S)
            unlinkat(folder, entry->d_name, 0);
    if (names)
        closedir(names);
}
