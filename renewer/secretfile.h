/* Files that hold secrets, and locks: who may read them, and reading them. */
#ifndef RENEWER_SECRETFILE_H
#define RENEWER_SECRETFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a file of at most `limit` bytes whose owner is root or this user, that
 * others cannot touch and the group can at most read. Returns its bytes with a
 * NUL behind them (free with memory_wipe), or NULL, and then `why` says in
 * our own words what is wrong. A regular file only; symbolic links are
 * followed.
 */
char *secretfile_read(const char *path, size_t limit, size_t *length, char *why,
                      size_t why_size);

/* The same for a secret of one line, whose end is cut off. */
char *secretfile_read_line(const char *path, char *why, size_t why_size);

/* The same for a file that holds no secret: owner and mode do not matter. */
char *publicfile_read(const char *path, size_t limit, size_t *length, char *why,
                      size_t why_size);

/*
 * Writes a file of mode 0600: under another name in the same folder, fsynced,
 * then renamed, then the folder fsynced. False: errno says why.
 */
bool secretfile_write(const char *path, const char *bytes, size_t length);

/*
 * Makes the file and locks it, waiting until `deadline` (clock_ms()) at most.
 * Returns a descriptor to close; -1: errno is EWOULDBLOCK if another program
 * holds it, else why there can be no lock.
 */
int lockfile_take(const char *path, int64_t deadline);

#endif
