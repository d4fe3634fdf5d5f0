/* A file of the spool that this process has taken, to store what it holds. */
#ifndef CALLHOOK_TAKEN_FILE_H
#define CALLHOOK_TAKEN_FILE_H

#include "notification/item.h"

struct taken_file {
    int fd; /* locked while it is open */
    char path[1200];
};

enum taken_result {
    TAKEN_READ,
    TAKEN_BUSY,       /* another process has it, or has just finished it */
    TAKEN_DAMAGED,    /* put aside, and told */
    TAKEN_UNREADABLE, /* or not ours: it stays, and that is told */
};

/*
 * Takes a file (a name of spool_list in `folder`, or a path) and reads its
 * items into `list`, which the caller frees. READ: end with taken_file_remove
 * or taken_file_leave.
 */
enum taken_result taken_file_take(const char *folder, const char *name,
                                  struct taken_file *file,
                                  struct item_list *list);

/* Ends with a file: it is stored (false, told: it is there all the same), or it
 * stays for another time. */
bool taken_file_remove(struct taken_file *file);
void taken_file_leave(struct taken_file *file);

#endif
