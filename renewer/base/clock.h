/* The two clocks: one to measure with, one to write down. */
#ifndef RENEWER_CLOCK_H
#define RENEWER_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds that only ever grow: for waiting, and for deadlines. */
static inline int64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The time of day in seconds since 1970-01-01 UTC. */
static inline int64_t clock_wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec;
}

#endif
