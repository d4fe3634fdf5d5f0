/* What this process does, counted by the minute. */
#include "minutes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "clock.h"
#include "log.h"
#include "memory.h"

#define MINUTE_US (60 * INT64_C(1000000))
#define SLOW_US (3 * INT64_C(1000000))
/* A day without a database; then minutes are added to the last one. */
#define KEPT_MAX 1440

/*
 * Times in buckets, four to an octave: the first below 64 us, then from 2^e
 * in quarters of it, e from 6 to 24 (half a minute). The view knows this.
 */
#define FIRST_OCTAVE 6
#define LAST_OCTAVE 24
#define BUCKETS (1 + 4 * (LAST_OCTAVE - FIRST_OCTAVE + 1))

struct minute {
    int64_t number; /* minutes since 1970 */
    uint64_t counters[MINUTES_COUNTERS];
    uint64_t buckets[BUCKETS];
    uint64_t max_us;
    uint64_t spool_bytes;
};

static atomic_ullong counters[MINUTES_COUNTERS];
static atomic_ullong buckets[BUCKETS];
static atomic_ullong max_us;
static atomic_ullong spool_bytes;

static struct minute *kept;
static size_t kept_count;
static int64_t current; /* the minute that is being counted */

void minutes_count(enum minutes_counter counter, uint64_t more)
{
    atomic_fetch_add_explicit(&counters[counter], more, memory_order_relaxed);
}

void minutes_count_refused(const size_t *refused)
{
    minutes_count(MINUTES_REFUSED_UNKNOWN, refused[ITEM_UNKNOWN]);
    minutes_count(MINUTES_REFUSED_SECRET, refused[ITEM_WRONG_SECRET]);
    minutes_count(MINUTES_REFUSED_MALFORMED, refused[ITEM_MALFORMED]);
}

static unsigned bucket_of(uint64_t us)
{
    unsigned octave = 63 - (unsigned)__builtin_clzll(us | 1);

    if (octave < FIRST_OCTAVE)
        return 0;
    if (octave > LAST_OCTAVE)
        return BUCKETS - 1;
    return 1 + 4 * (octave - FIRST_OCTAVE) + (unsigned)(us >> (octave - 2) & 3);
}

void minutes_count_answer(int64_t us)
{
    uint64_t time = us > 0 ? (uint64_t)us : 0;
    unsigned long long longest = atomic_load(&max_us);

    minutes_count(MINUTES_REQUESTS, 1);
    if (us > SLOW_US)
        minutes_count(MINUTES_OVER_3S, 1);
    atomic_fetch_add_explicit(&buckets[bucket_of(time)], 1,
                              memory_order_relaxed);
    while (time > longest &&
           !atomic_compare_exchange_weak(&max_us, &longest, time))
        continue;
}

void minutes_note_spool(uint64_t bytes)
{
    atomic_store(&spool_bytes, bytes);
}

/* Adds what was counted since the last time to a minute. */
static void collect(struct minute *minute)
{
    uint64_t longest = atomic_exchange(&max_us, 0);
    uint64_t bytes = atomic_load(&spool_bytes);

    for (int i = 0; i < MINUTES_COUNTERS; i++)
        minute->counters[i] += atomic_exchange(&counters[i], 0);
    for (int i = 0; i < BUCKETS; i++)
        minute->buckets[i] += atomic_exchange(&buckets[i], 0);
    if (longest > minute->max_us)
        minute->max_us = longest;
    if (bytes > minute->spool_bytes)
        minute->spool_bytes = bytes;
}

static bool is_empty(const struct minute *minute)
{
    for (int i = 0; i < MINUTES_COUNTERS; i++)
        if (minute->counters[i])
            return false;
    return minute->spool_bytes == 0;
}

void minutes_roll(int64_t wall, bool end)
{
    int64_t number = wall / MINUTE_US;
    struct minute minute = {.number = current};

    if (!current)
        current = number;
    if (number == current && !end)
        return;
    minute.number = current;
    current = number;
    collect(kept_count == KEPT_MAX ? &kept[KEPT_MAX - 1] : &minute);
    if (kept_count == KEPT_MAX || is_empty(&minute))
        return;
    kept = memory_resize(kept, (kept_count + 1) * sizeof(*kept));
    kept[kept_count++] = minute;
}

bool minutes_are_kept(void)
{
    return kept_count > 0;
}

/* An array literal of whole numbers. */
static void add_array(struct buffer *text, const uint64_t *values, size_t n)
{
    char number[24];

    text->length = 0;
    for (size_t i = 0; i < n; i++) {
        int length = snprintf(number, sizeof(number), "%c%llu", i ? ',' : '{',
                              (unsigned long long)values[i]);
        buffer_add(text, number, (size_t)length);
    }
    buffer_add(text, "}", 2);
}

static bool write_minute(struct database *database, const struct minute *minute,
                         int64_t deadline)
{
    static const char statement[] =
        "SELECT callhook_store.add_minute(to_timestamp($1::bigint * 60), $2, "
        "$3::bigint[], $4::integer[], $5::bigint, $6::bigint)";
    char host[65] = "", number[24], longest[24], bytes[24];
    struct buffer counted = {0}, times = {0};

    gethostname(host, sizeof(host) - 1);
    snprintf(number, sizeof(number), "%lld", (long long)minute->number);
    snprintf(longest, sizeof(longest), "%llu",
             (unsigned long long)minute->max_us);
    snprintf(bytes, sizeof(bytes), "%llu",
             (unsigned long long)minute->spool_bytes);
    add_array(&counted, minute->counters, MINUTES_COUNTERS);
    add_array(&times, minute->buckets, BUCKETS);
    const char *const values[] = {number,     host,    counted.data,
                                  times.data, longest, bytes};
    enum database_outcome outcome =
        database_call(database, statement, 6, values, deadline);
    buffer_free(&counted);
    buffer_free(&times);
    return outcome == DATABASE_DONE;
}

bool minutes_write(struct database *database, int64_t deadline)
{
    size_t written = 0;

    while (written < kept_count &&
           write_minute(database, &kept[written], deadline))
        written++;
    kept_count -= written;
    memmove(kept, kept + written, kept_count * sizeof(*kept));
    if (kept_count)
        log_cause(LOG_STATEMENT, "the minutes are not written: %s",
                  database_fault(database));
    return kept_count == 0;
}

void minutes_free(void)
{
    free(kept);
    kept = NULL;
    kept_count = 0;
}
