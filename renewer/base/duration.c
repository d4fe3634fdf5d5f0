/* Spans of time in words that people read. */
#include "base/duration.h"

#include <inttypes.h>
#include <stdio.h>

static const struct unit {
    int32_t seconds;
    const char *name;
} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

/* Of days and hours people want to know the rest, too. */
#define PRECISE 2

static const struct unit *largest(int64_t seconds)
{
    const struct unit *unit = units;

    while (unit->seconds > 1 && seconds < unit->seconds)
        unit++;
    return unit;
}

/* At most 68 years, so that every text fits. */
static int32_t limit(int64_t seconds)
{
    if (seconds < 0)
        return 0;
    return seconds > INT32_MAX ? INT32_MAX : (int32_t)seconds;
}

struct span duration_of(int64_t seconds)
{
    struct span span;
    int32_t left = limit(seconds);
    const struct unit *unit = largest(left);
    int32_t rest = left % unit->seconds;
    int n = snprintf(span.text, sizeof(span.text), "%" PRId32 " %s",
                     left / unit->seconds, unit->name);

    if (unit - units < PRECISE && rest >= unit[1].seconds)
        snprintf(span.text + n, sizeof(span.text) - (size_t)n,
                 " %" PRId32 " %s", rest / unit[1].seconds, unit[1].name);
    return span;
}

struct span duration_in(int64_t seconds)
{
    struct span span = {"over"};

    if (seconds > 0)
        snprintf(span.text, sizeof(span.text), "in %.20s",
                 duration_of(seconds).text);
    return span;
}

struct span duration_ago(int64_t seconds)
{
    struct span span = {"now"};
    int32_t past = limit(seconds);
    const struct unit *unit = largest(past);

    if (past > 0)
        snprintf(span.text, sizeof(span.text), "%" PRId32 " %s ago",
                 past / unit->seconds, unit->name);
    return span;
}
