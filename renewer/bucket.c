/* Whether a request may go out: Graph's quotas, and room for the answer. */
#include "bucket.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "memory.h"

bool bucket_lifted;

/*
 * A request that goes out late counts from the time at which it might have, so
 * that lost time is made up for; but not more than that.
 */
#define LATE_MS 300

/*
 * Graph documentation, throttling limits: 1,500 in 20 s for an application in
 * a tenant, 40 in 20 s for a call record, 40 in 20 s for the list, 50 in 60 s
 * for a log. Short windows spread the requests evenly, so that the next run,
 * which knows nothing of this one, does not add a second burst. Of the long
 * window one uses at least 95 % of what is allowed, also with what is late: 51
 * windows of 401 ms with 29 each begin within 20.3 s, 39 of 521 ms, and 49 of
 * 1,250 ms within 60.3 s.
 */
static const struct {
    size_t most;
    int64_t window;
} limits[] = {
    [QUOTA_RECORDS] = {29, 401},
    [QUOTA_RECORD] = {BUCKET_MOST, 20500},
    [QUOTA_LIST] = {1, 521},
    [QUOTA_PSTN] = {1, 1250},
};

/* Plain HTTP is allowed to loopback addresses alone. */
static bool is_local(const char *graph_url)
{
    const char *host = strstr(graph_url, "://");
    char *plain = memory_print("http%s", host ? host : "");
    bool local = http_url_allowed(plain);

    free(plain);
    return local;
}

void bucket_open(struct bucket *bucket, enum quota quota, const char *graph_url)
{
    *bucket = (struct bucket){.most = limits[quota].most,
                              .window = limits[quota].window};
    if (bucket_lifted && is_local(graph_url))
        bucket->most = 0;
}

/* When the next may go out for its window's sake. */
static int64_t free_at(const struct bucket *bucket)
{
    if (!bucket->most || bucket->count < bucket->most)
        return 0;
    return bucket->times[bucket->next] + bucket->window;
}

int64_t bucket_wait(const struct bucket *bucket, int64_t now)
{
    int64_t at = free_at(bucket);

    if (at < bucket->closed_until)
        at = bucket->closed_until;
    return at > now ? at - now : 0;
}

int64_t bucket_rest(const struct bucket *bucket, int64_t now)
{
    int64_t at = 0;

    for (size_t i = 0; i < bucket->count; i++)
        if (bucket->times[i] + bucket->window > at)
            at = bucket->times[i] + bucket->window;
    return at > now ? at - now : 0;
}

void bucket_take(struct bucket *bucket, int64_t now)
{
    int64_t at = free_at(bucket);

    if (!bucket->most)
        return;
    if (at < now - LATE_MS)
        at = bucket->count < bucket->most ? now : now - LATE_MS;
    bucket->times[bucket->next] = at < now ? at : now;
    bucket->next = (bucket->next + 1) % bucket->most;
    if (bucket->count < bucket->most)
        bucket->count++;
}

void bucket_close(struct bucket *bucket, int64_t until)
{
    if (bucket->closed_until < until)
        bucket->closed_until = until;
}

/*
 * 32 MiB in all. libpq keeps a copy of the largest, and the rest of the program
 * has some 12 MiB. A buffer grows by doubling: one byte more than the last
 * limit would take 32 MiB.
 */
static struct {
    size_t limit;
    int places;
} lanes[LANES] = {
    {256UL << 10, 48},
    {2UL << 20, 2},
    {HTTP_PAGE - 1, 1},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

size_t lane_limit(size_t lane)
{
    return lanes[lane].limit;
}

bool lane_take(size_t lane)
{
    bool taken;

    pthread_mutex_lock(&lock);
    taken = lanes[lane].places > 0;
    lanes[lane].places -= taken;
    pthread_mutex_unlock(&lock);
    return taken;
}

void lane_give(size_t lane)
{
    pthread_mutex_lock(&lock);
    lanes[lane].places++;
    pthread_mutex_unlock(&lock);
}
