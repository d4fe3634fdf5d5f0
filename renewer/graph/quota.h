/*
 * Whether a request may go out: Graph's quotas, kept before Graph has to say
 * so.
 */
#ifndef RENEWER_QUOTA_H
#define RENEWER_QUOTA_H

/* Room for the longest of the limits. */
#define QUOTA_MOST 38

enum quota_kind {
    QUOTA_RECORDS, /* call records, sessions, participants of a tenant */
    QUOTA_RECORD,  /* the same of one call record */
    QUOTA_LIST,    /* list call records */
    QUOTA_PSTN,    /* one of the logs of phone calls */
};

/* No two windows of the length hold more than `most` times. */
struct quota {
    size_t most; /* 0: no limit */
    int64_t window;
    int64_t times[QUOTA_MOST]; /* the last ones, clock_ms(), in a ring */
    size_t next;
    size_t count;
    int64_t closed_until;
};

/* `kept` false: there is no limit (the setting `quota`). */
void quota_open(struct quota *quota, enum quota_kind kind, bool kept);

/* Milliseconds until a request may go out; 0: now. */
int64_t quota_wait(const struct quota *quota, int64_t now);

/* Milliseconds until none that went out counts any more. */
int64_t quota_rest(const struct quota *quota, int64_t now);

/* One goes out (or went out already). */
void quota_take(struct quota *quota, int64_t now);

/* Graph wants none before that. */
void quota_close(struct quota *quota, int64_t until);

#endif
