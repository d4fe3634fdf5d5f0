/* What was counted, by the minute. */
#include "store/statistics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stats.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

/* A day without a database; then minutes are added to the last one. */
#define KEPT_MAX 1440

/* For so long they may be written at a time, while notifications wait: after a
 * long outage there are many, and each is a commit. */
#define WRITE_US INT64_C(100000)

struct minute {
    int64_t number; /* minutes since 1970 */
    struct stats stats;
};

static struct minute *kept;
static size_t kept_count;
static int64_t current; /* the minute that is being counted */

void statistics_roll(int64_t wall, bool end)
{
    int64_t number = wall / MINUTE_US;
    struct minute minute = {.number = current};

    if (!current)
        current = number;
    if (number == current && !end)
        return;
    minute.number = current;
    current = number;
    stats_take(kept_count == KEPT_MAX ? &kept[KEPT_MAX - 1].stats
                                      : &minute.stats);
    if (kept_count == KEPT_MAX)
        return;
    kept = memory_resize(kept, (kept_count + 1) * sizeof(*kept));
    kept[kept_count++] = minute;
}

bool statistics_are_kept(void)
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
                         bool end, int64_t deadline)
{
    static const char statement[] =
        "SELECT callhook_store.add_minute(pg_catalog.to_timestamp($1), $2, "
        "$3, $4, $5, $6, $7, $8, pg_catalog.to_timestamp($9), $10)";
    char host[65] = "", number[24], longest[24], bytes[24];
    char process[24], spooled[24], oldest[24];
    struct buffer counted = {0}, times = {0};

    gethostname(host, sizeof(host) - 1);
    snprintf(number, sizeof(number), "%lld", (long long)minute->number * 60);
    snprintf(longest, sizeof(longest), "%llu",
             (unsigned long long)minute->stats.max_us);
    snprintf(bytes, sizeof(bytes), "%llu",
             (unsigned long long)minute->stats.spool_bytes);
    snprintf(process, sizeof(process), "%ld", (long)getpid());
    snprintf(spooled, sizeof(spooled), "%llu",
             (unsigned long long)stats_spool());
    snprintf(oldest, sizeof(oldest), "%lld",
             (long long)(stats_oldest() / SECOND_US));
    add_array(&counted, minute->stats.counters, STATS_COUNTERS);
    add_array(&times, minute->stats.buckets, STATS_BUCKETS);
    const char *const values[] = {number,
                                  host,
                                  counted.data,
                                  times.data,
                                  longest,
                                  bytes,
                                  process,
                                  spooled,
                                  stats_oldest() ? oldest : NULL,
                                  end ? "true" : "false"};
    enum database_outcome outcome =
        database_call(database, statement, 10, values, deadline);
    buffer_free(&counted);
    buffer_free(&times);
    return outcome == DATABASE_DONE;
}

bool statistics_write(struct database *database, bool end, int64_t deadline)
{
    int64_t until = end ? deadline : clock_now() + WRITE_US;
    size_t count = 0;
    bool written = true;

    while (written && count < kept_count && clock_now() < until) {
        written = write_minute(database, &kept[count],
                               end && count == kept_count - 1, deadline);
        count += written;
    }
    kept_count -= count;
    memmove(kept, kept + count, kept_count * sizeof(*kept));
    if (!written)
        log_cause(LOG_STATEMENT, "the minutes are not written: %s",
                  database_fault(database));
    return written;
}

void statistics_free(void)
{
    free(kept);
    kept = NULL;
    kept_count = 0;
}
