/* SHA-256, the only form in which a secret is kept. */
#ifndef CALLHOOK_DIGEST_H
#define CALLHOOK_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint8_t bytes[32];
};

/* The SHA-256 of `length` bytes. */
void digest_make(struct digest *digest, const void *bytes, size_t length);

/*
 * The SHA-256 of the first `length` bytes of an open file, read in pieces;
 * false: it cannot be read, or is shorter (errno 0).
 */
bool digest_read(struct digest *digest, int fd, uint64_t length);

/* Orders digests as memcmp does; 0: the same. */
int digest_compare(const struct digest *a, const struct digest *b);

#endif
