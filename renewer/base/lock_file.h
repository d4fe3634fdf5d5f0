/* A file whose holder is alone. */
#ifndef RENEWER_LOCK_FILE_H
#define RENEWER_LOCK_FILE_H

#include <stdint.h>

/*
 * Makes the file and locks it, waiting until `deadline` (clock_ms()) at most.
 * Returns a descriptor to close; -1: errno is EWOULDBLOCK if another program
 * holds it, else why there can be no lock.
 */
int lock_file_take(const char *path, int64_t deadline);

#endif
