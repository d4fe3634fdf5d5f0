/* GUIDs: reading Graph's, making our own. */
#ifndef CALLHOOK_GUID_H
#define CALLHOOK_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guid {
    uint8_t bytes[16];
};

#define GUID_NIL ((struct guid){{0}})

/* Reads 8-4-4-4-12 hexadecimal digits of either case, nothing else. */
bool guid_read(struct guid *guid, const char *text, size_t length);

bool guid_equal(const struct guid *a, const struct guid *b);

/*
 * Makes a version 7 UUID (RFC 9562): ordered by `wall` (microseconds since
 * 1970) and, within one request, by `index`; 46 bits are random, so that no
 * two processes make the same one.
 */
void guid_make(struct guid *guid, int64_t wall, uint16_t index);

#endif
