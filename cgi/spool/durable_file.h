/* Files that are there as a whole, or not at all. */
#ifndef CALLHOOK_DURABLE_FILE_H
#define CALLHOOK_DURABLE_FILE_H

#include <stdbool.h>

#include "base/buffer.h"

/* The reason beside a file that was rejected is a file of its name and this. */
#define DURABLE_REASON_END ".reason"

/*
 * Writes a whole file into the open folder `at`: under a name that begins
 * with a dot, fsynced, then renamed. True once its bytes are on the disk; its
 * name is when the folder is synced. One that is there already is replaced.
 * Returns false after logging why: nothing is left.
 */
bool durable_file_write(int at, const char *name, const struct buffer *bytes);

/* Makes the names in an open folder durable; false after logging why not. */
bool durable_file_settle(int folder);

/*
 * Gives what was just made, `name` in the open folder `at`, to the owner of
 * `folder`, if we are root: root may drain for somebody else, who must be able
 * to go on with what he finds. "" names the open file `at` itself.
 */
void durable_file_give(int folder, int at, const char *name);

/* Whether a name is one that a file has while it is written, or whose writer
 * died. */
bool durable_file_is_new(const char *name);

#endif
