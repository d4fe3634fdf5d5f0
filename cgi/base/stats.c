/* What this process does, counted. */
#include "base/stats.h"

#include <stdatomic.h>

#define SLOW_US (3 * INT64_C(1000000))

static atomic_ullong counters[STATS_COUNTERS];
static atomic_ullong buckets[STATS_BUCKETS];
static atomic_ullong max_us;
static atomic_ullong spool_bytes;
static atomic_llong oldest;

void stats_count(enum stats_counter counter, uint64_t more)
{
    atomic_fetch_add_explicit(&counters[counter], more, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t us)
{
    unsigned octave = 63 - (unsigned)__builtin_clzll(us | 1);

    if (octave < STATS_FIRST_OCTAVE)
        return 0;
    if (octave > STATS_LAST_OCTAVE)
        return STATS_BUCKETS - 1;
    return 1 + 4 * (octave - STATS_FIRST_OCTAVE) +
           (unsigned)(us >> (octave - 2) & 3);
}

void stats_count_answer(int64_t us)
{
    uint64_t time = us > 0 ? (uint64_t)us : 0;
    unsigned long long longest = atomic_load(&max_us);

    stats_count(STATS_REQUESTS, 1);
    if (us > SLOW_US)
        stats_count(STATS_OVER_3S, 1);
    atomic_fetch_add_explicit(&buckets[bucket_of(time)], 1,
                              memory_order_relaxed);
    while (time > longest &&
           !atomic_compare_exchange_weak(&max_us, &longest, time))
        continue;
}

void stats_note_spool(uint64_t bytes)
{
    atomic_store(&spool_bytes, bytes);
}

void stats_note_oldest(int64_t wall)
{
    atomic_store(&oldest, wall);
}

uint64_t stats_spool(void)
{
    return atomic_load(&spool_bytes);
}

int64_t stats_oldest(void)
{
    return atomic_load(&oldest);
}

void stats_take(struct stats *stats)
{
    uint64_t longest = atomic_exchange(&max_us, 0);
    uint64_t bytes = atomic_load(&spool_bytes);

    for (int i = 0; i < STATS_COUNTERS; i++)
        stats->counters[i] += atomic_exchange(&counters[i], 0);
    for (int i = 0; i < STATS_BUCKETS; i++)
        stats->buckets[i] += atomic_exchange(&buckets[i], 0);
    if (longest > stats->max_us)
        stats->max_us = longest;
    if (bytes > stats->spool_bytes)
        stats->spool_bytes = bytes;
}
