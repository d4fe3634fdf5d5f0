/* The query string of a request (HTML's form encoding). */
#ifndef CALLHOOK_QUERY_H
#define CALLHOOK_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum query_result {
    QUERY_ABSENT,
    QUERY_FOUND,
    QUERY_TWICE,
    QUERY_BROKEN, /* an escape that is none in the value */
};

/*
 * Looks for the parameter `name` at any position. QUERY_FOUND: its value,
 * with %XX (either case) and + decoded, is in `value`, which the caller
 * frees. `query` may be NULL.
 */
enum query_result query_find(const char *query, const char *name,
                             struct buffer *value);

#endif
