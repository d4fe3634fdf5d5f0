/* The two clocks: one to measure with, one to write down. */
#ifndef CALLHOOK_CLOCK_H
#define CALLHOOK_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Seconds from 1970-01-01, UNIX's epoch, to 2000-01-01, PostgreSQL's. */
#define CLOCK_EPOCH_SHIFT INT64_C(946684800)

/* Microseconds that only ever grow, for waiting and measuring. */
static inline int64_t clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The time of day in microseconds since 1970-01-01 UTC; it may be set back. */
static inline int64_t clock_wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A moment of clock_now() for pthread_cond_clockwait(). */
static inline struct timespec clock_timespec(int64_t us)
{
    return (struct timespec){.tv_sec = us / 1000000,
                             .tv_nsec = (us % 1000000) * 1000};
}

#endif
