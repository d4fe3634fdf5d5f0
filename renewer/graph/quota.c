/* Whether a request may go out: Graph's quotas. */
#include "graph/quota.h"

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
    [QUOTA_RECORD] = {QUOTA_MOST, 20500},
    [QUOTA_LIST] = {1, 521},
    [QUOTA_PSTN] = {1, 1250},
};

void quota_open(struct quota *quota, enum quota_kind kind, bool kept)
{
    *quota = (struct quota){.most = kept ? limits[kind].most : 0,
                            .window = limits[kind].window};
}

/* When the next may go out for its window's sake. */
static int64_t free_at(const struct quota *quota)
{
    if (!quota->most || quota->count < quota->most)
        return 0;
    return quota->times[quota->next] + quota->window;
}

int64_t quota_wait(const struct quota *quota, int64_t now)
{
    int64_t at = free_at(quota);

    if (at < quota->closed_until)
        at = quota->closed_until;
    return at > now ? at - now : 0;
}

int64_t quota_rest(const struct quota *quota, int64_t now)
{
    int64_t at = 0;

    for (size_t i = 0; i < quota->count; i++)
        if (quota->times[i] + quota->window > at)
            at = quota->times[i] + quota->window;
    return at > now ? at - now : 0;
}

void quota_take(struct quota *quota, int64_t now)
{
    int64_t at = free_at(quota);

    if (!quota->most)
        return;
    if (at < now - LATE_MS)
        at = quota->count < quota->most ? now : now - LATE_MS;
    quota->times[quota->next] = at < now ? at : now;
    quota->next = (quota->next + 1) % quota->most;
    if (quota->count < quota->most)
        quota->count++;
}

void quota_close(struct quota *quota, int64_t until)
{
    if (quota->closed_until < until)
        quota->closed_until = until;
}
