/* SHA-256, the only form in which a secret is kept. */
#ifndef CALLHOOK_DIGEST_H
#define CALLHOOK_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest {
    uint8_t bytes[32];
};

/* The SHA-256 of `length` bytes. */
void digest_make(struct digest *digest, const void *bytes, size_t length);

/* Orders digests as memcmp does; 0: the same. */
int digest_compare(const struct digest *a, const struct digest *b);

#endif
