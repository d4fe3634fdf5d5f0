/* The folders of the spool: ours, or not used. */
#ifndef CALLHOOK_FOLDER_H
#define CALLHOOK_FOLDER_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Opens a folder, of which `path` is the name in the open folder `parent` (or
 * AT_FDCWD). -1: `why` says in our own words what is wrong. Its owner must be
 * root or this user, and nobody else may write to it: whoever can put a file
 * there puts rows into the database.
 */
int folder_open(int parent, const char *path, const char **why);

/* What is wrong with a file of the folder, by the same rule; NULL: nothing. */
const char *folder_fault(const struct stat *status);

/*
 * Removes what a process that died has left: files under their first name, and
 * reasons beside no file. What is younger than an hour may be in work.
 */
void folder_sweep(int folder);

#endif
