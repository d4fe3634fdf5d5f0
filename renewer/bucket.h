/*
 * Whether a request may go out: Graph's quotas, kept before Graph has to say
 * so, and room for the answer.
 */
#ifndef RENEWER_BUCKET_H
#define RENEWER_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the longest of the limits. */
#define BUCKET_MOST 38

enum quota {
    QUOTA_RECORDS, /* call records, sessions, participants of a tenant */
    QUOTA_RECORD,  /* the same of one call record */
    QUOTA_LIST,    /* list call records */
    QUOTA_PSTN,    /* one of the logs of phone calls */
};

/* No two windows of the length hold more than `most` times. */
struct bucket {
    size_t most; /* 0: no limit */
    int64_t window;
    int64_t times[BUCKET_MOST]; /* the last ones, clock_ms(), in a ring */
    size_t next;
    size_t count;
    int64_t closed_until;
};

/*
 * --no-quota, for tests against a double: no limits, but only where Graph's
 * URL is on a loopback address.
 */
extern bool bucket_lifted;

void bucket_open(struct bucket *bucket, enum quota quota,
                 const char *graph_url);

/* Milliseconds until a request may go out; 0: now. */
int64_t bucket_wait(const struct bucket *bucket, int64_t now);

/* Milliseconds until none that went out counts any more. */
int64_t bucket_rest(const struct bucket *bucket, int64_t now);

/* One goes out (or went out already). */
void bucket_take(struct bucket *bucket, int64_t now);

/* Graph wants none before that. */
void bucket_close(struct bucket *bucket, int64_t until);

/*
 * Lanes: how many answers of which size may be on their way, or be stored, over
 * all threads, so that the memory of a run stays small whatever Graph sends.
 * From small to large: most answers fit into the first; one that does not is
 * asked for again in the next.
 */
#define LANES 3

/* The longest answer that the lane takes. */
size_t lane_limit(size_t lane);

/* Takes a place in a lane; false: there is none now. */
bool lane_take(size_t lane);
void lane_give(size_t lane);

#endif
