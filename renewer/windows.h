/* Which spans of time are to be listed (again): arithmetic, nothing else. */
#ifndef RENEWER_WINDOWS_H
#define RENEWER_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOWS_HOUR 3600
#define WINDOWS_DAY 86400

/* Graph keeps call records for 30 days, and refuses to list older ones. */
#define WINDOWS_DAYS 30
#define WINDOWS_CELL 600 /* the shortest window */
#define WINDOWS_CELLS (WINDOWS_DAYS * WINDOWS_DAY / WINDOWS_CELL)

/* A span of time that was listed to its end. Seconds since 1970. */
struct listing {
    int64_t begins_at;
    int64_t ends_at;
    int64_t listed_at;
};

/* A span that is to be listed at once, unless it was since `since`. */
struct hole {
    int64_t begins_at;
    int64_t ends_at;
    int64_t since;
};

/*
 * The last 30 days in cells. Cell 0 is the newest: it ends at `newest`, the
 * last full hour; hours begin `shift` seconds late, so that not all tenants
 * are listed at the same time.
 */
struct windows {
    int64_t now;
    int64_t newest;
    int64_t oldest;                   /* nothing is listed before that */
    int64_t listed_at[WINDOWS_CELLS]; /* 0: not within the last 30 days */
    int64_t wanted_at[WINDOWS_CELLS]; /* listed since then is good enough */
};

/*
 * The plan: what began within the last day is listed once in every hour, within
 * 7 days once in a day, within 30 days once in 7 days.
 */
void windows_open(struct windows *windows, int64_t now, int64_t shift);

/* Wants nothing that windows_want() does not ask for. */
void windows_forget_plan(struct windows *windows);

/* A listing that was made. */
void windows_add(struct windows *windows, const struct listing *listing);

/* Wants a span, whatever the plan says. */
void windows_want(struct windows *windows, const struct hole *hole);

/* Whether all of the span that Graph keeps has been listed since then. */
bool windows_has(const struct windows *windows, const struct hole *hole);

/*
 * The newest span that is to be listed, at most `width` seconds of it; one that
 * reaches to the last full hour goes on to now. False: none.
 */
bool windows_next(const struct windows *windows, int64_t width,
                  struct listing *span);

#endif
