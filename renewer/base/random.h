/* Random bytes, from the kernel. */
#ifndef RENEWER_RANDOM_H
#define RENEWER_RANDOM_H

#include <stddef.h>

/* At most 256 bytes. */
void random_bytes(void *out, size_t length);

/* A number less than count; 0 for a count of 0. */
size_t random_below(size_t count);

#endif
