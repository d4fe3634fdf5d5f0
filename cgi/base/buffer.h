/* Bytes that grow up to a limit which they are born with. */
#ifndef CALLHOOK_BUFFER_H
#define CALLHOOK_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* NULL while nothing was added */
    size_t length;
    size_t room;
    size_t limit; /* bytes; 0: none */
};

/*
 * Makes room for `more` bytes behind `length`; false if that would pass the
 * limit.
 */
bool buffer_reserve(struct buffer *buffer, size_t more);

/* Adds bytes; false, and nothing added, past the limit. */
bool buffer_add(struct buffer *buffer, const void *bytes, size_t length);

/* Frees the bytes and leaves an empty buffer with the same limit. */
void buffer_free(struct buffer *buffer);

/* Integers in network order, as PostgreSQL's binary formats want them. */
void buffer_add16(struct buffer *buffer, int16_t value);
void buffer_add32(struct buffer *buffer, int32_t value);
void buffer_add64(struct buffer *buffer, int64_t value);

#endif
