/* The members of an item that have no column, written again as JSON. */
#ifndef CALLHOOK_EXTRA_H
#define CALLHOOK_EXTRA_H

#include <stdbool.h>
#include <stddef.h>

#include <yajl/yajl_gen.h>

/* What a JSON parser says, one at a time. */
enum json_event {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /* its text */
    JSON_STRING, /* decoded */
    JSON_MAP,
    JSON_ARRAY,
    JSON_KEY, /* decoded */
    JSON_END_MAP,
    JSON_END_ARRAY,
};

/* One JSON object in the making; begins empty, a zeroed struct is sound. */
struct extra {
    yajl_gen gen;
    bool begun;
};

/*
 * Adds a key or (a part of) a value. A number that PostgreSQL cannot hold
 * becomes a string.
 */
void extra_add(struct extra *extra, enum json_event event, const char *text,
               size_t length);

/* Adds a member whose value is a finished object. */
void extra_add_object(struct extra *extra, const char *key,
                      struct extra *object);

/* Ends the object; NULL if nothing was added. Valid until extra_clear. */
const char *extra_end(struct extra *extra, size_t *length);

/* Empties it for the next item. */
void extra_clear(struct extra *extra);

void extra_free(struct extra *extra);

#endif
