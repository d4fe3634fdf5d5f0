/*
 * What this process does, counted. Counting takes no lock: it is in the way
 * of every request.
 */
#ifndef CALLHOOK_STATS_H
#define CALLHOOK_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of callhook_store.add_minute's array. */
enum stats_counter {
    STATS_REQUESTS,
    STATS_HANDSHAKES,
    STATS_STORED, /* items, as those below but the requests */
    STATS_REFUSED_UNKNOWN,
    STATS_REFUSED_SECRET,
    STATS_REFUSED_MALFORMED,
    STATS_BAD_REQUESTS,
    STATS_SPOOLED,
    STATS_REJECTED,
    STATS_OVER_3S, /* requests */
    STATS_COUNTERS
};

/*
 * Times in buckets, four to an octave: the first below 64 us, then from 2^e
 * in quarters of it, e from 6 to 24 (half a minute). The view
 * callhook.receiver_minutes knows this.
 */
#define STATS_FIRST_OCTAVE 6
#define STATS_LAST_OCTAVE 24
#define STATS_BUCKETS (1 + 4 * (STATS_LAST_OCTAVE - STATS_FIRST_OCTAVE + 1))

void stats_count(enum stats_counter counter, uint64_t more);

/* Counts an answer and the time that it took, in microseconds. */
void stats_count_answer(int64_t us);

/* Notes how many bytes are in the spool. */
void stats_note_spool(uint64_t bytes);

/* Notes when the oldest file of the spool was begun (clock_wall()); 0: none. */
void stats_note_oldest(int64_t wall);

/* As last noted. */
uint64_t stats_spool(void);
int64_t stats_oldest(void);

/* What was counted since the last time it was taken. */
struct stats {
    uint64_t counters[STATS_COUNTERS];
    uint64_t buckets[STATS_BUCKETS];
    uint64_t max_us;
    uint64_t spool_bytes; /* as last noted */
};

/* Takes it, adding to what `stats` holds; the longest and the largest stay. */
void stats_take(struct stats *stats);

#endif
