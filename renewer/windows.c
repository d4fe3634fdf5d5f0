/* Which spans of time are to be listed (again): arithmetic, nothing else. */
#include "windows.h"

#include <string.h>

/* So far from the end of 30 days Graph's clock may take it for too old. */
#define MARGIN 300

static int64_t end_of(const struct windows *windows, size_t cell)
{
    return windows->newest - (int64_t)cell * WINDOWS_CELL;
}

static int64_t begin_of(const struct windows *windows, size_t cell)
{
    int64_t begin = end_of(windows, cell) - WINDOWS_CELL;

    return begin > windows->oldest ? begin : windows->oldest;
}

/* The oldest cells may be over the edge of the 30 days. */
static bool is_kept(const struct windows *windows, size_t cell)
{
    return end_of(windows, cell) > windows->oldest;
}

void windows_open(struct windows *windows, int64_t now, int64_t shift)
{
    int64_t midnight = now - (now - shift) % WINDOWS_DAY;

    *windows = (struct windows){
        .now = now,
        .newest = now - (now - shift) % WINDOWS_HOUR,
        .oldest = now - (int64_t)WINDOWS_DAYS * WINDOWS_DAY + MARGIN};
    for (size_t i = 0; i < WINDOWS_CELLS; i++)
        if (end_of(windows, i) > now - WINDOWS_DAY)
            windows->wanted_at[i] = windows->newest;
        else if (end_of(windows, i) > now - 7 * WINDOWS_DAY)
            windows->wanted_at[i] = midnight;
        else
            windows->wanted_at[i] = midnight - 6 * WINDOWS_DAY;
}

void windows_forget_plan(struct windows *windows)
{
    memset(windows->wanted_at, 0, sizeof(windows->wanted_at));
}

void windows_add(struct windows *windows, const struct listing *listing)
{
    int64_t after = windows->newest - listing->ends_at;
    size_t i =
        after > 0 ? (size_t)((after + WINDOWS_CELL - 1) / WINDOWS_CELL) : 0;

    for (; i < WINDOWS_CELLS && listing->begins_at <= begin_of(windows, i); i++)
        if (listing->listed_at > windows->listed_at[i])
            windows->listed_at[i] = listing->listed_at;
}

static bool touches(const struct windows *windows, size_t cell,
                    const struct hole *hole)
{
    return is_kept(windows, cell) && hole->begins_at < end_of(windows, cell) &&
           hole->ends_at > begin_of(windows, cell);
}

void windows_want(struct windows *windows, const struct hole *hole)
{
    for (size_t i = 0; i < WINDOWS_CELLS; i++)
        if (touches(windows, i, hole) && hole->since > windows->wanted_at[i])
            windows->wanted_at[i] = hole->since;
    /* What is younger than the last full hour comes with the newest cell. */
    if (hole->ends_at > windows->newest && hole->since > windows->wanted_at[0])
        windows->wanted_at[0] = hole->since;
}

static bool is_due(const struct windows *windows, size_t cell)
{
    return is_kept(windows, cell) &&
           windows->listed_at[cell] < windows->wanted_at[cell];
}

bool windows_has(const struct windows *windows, const struct hole *hole)
{
    if (hole->ends_at > windows->newest && windows->listed_at[0] < hole->since)
        return false;
    for (size_t i = 0; i < WINDOWS_CELLS; i++)
        if (touches(windows, i, hole) && windows->listed_at[i] < hole->since)
            return false;
    return true;
}

bool windows_next(const struct windows *windows, int64_t width,
                  struct listing *span)
{
    size_t most = (size_t)(width / WINDOWS_CELL);
    size_t first = 0, end;

    while (first < WINDOWS_CELLS && !is_due(windows, first))
        first++;
    for (end = first; end < WINDOWS_CELLS && is_due(windows, end); end++)
        if (end - first >= (most ? most : 1))
            break;
    if (first == WINDOWS_CELLS)
        return false;
    *span = (struct listing){.begins_at = begin_of(windows, end - 1),
                             .ends_at =
                                 first ? end_of(windows, first) : windows->now,
                             .listed_at = windows->now};
    return true;
}
