/* Files that hold secrets: who may read them, reading and writing them. */
#ifndef RENEWER_PRIVATE_FILE_H
#define RENEWER_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads a file of at most `limit` bytes whose owner is root or this user, that
 * others cannot touch and the group can at most read. Returns its bytes with a
 * NUL behind them (free with memory_wipe), or NULL, and then `why` says in
 * our own words what is wrong. A regular file only; symbolic links are
 * followed.
 */
char *private_file_read(const char *path, size_t limit, size_t *length,
                        char *why, size_t why_size);

/* The same for a secret of one line, whose end is cut off. */
char *private_file_read_line(const char *path, char *why, size_t why_size);

/* The same for a file that holds no secret: only root and this user can write
 * to it. */
char *private_file_read_trusted(const char *path, size_t limit, size_t *length,
                                char *why, size_t why_size);

/*
 * Writes a file of mode 0600: under another name in the same folder, fsynced,
 * then renamed, then the folder fsynced. False: errno says why.
 */
bool private_file_write(const char *path, const char *bytes, size_t length);

/* The same for what all may read: mode 0644. */
bool private_file_publish(const char *path, const char *bytes, size_t length);

#endif
