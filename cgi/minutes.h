/*
 * What this process does, counted by the minute for the view
 * callhook.receiver_minutes. Counting takes no lock: it is in the way of
 * every request.
 */
#ifndef CALLHOOK_MINUTES_H
#define CALLHOOK_MINUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "database.h"

/* In the order of callhook_store.add_minute's array. */
enum minutes_counter {
    MINUTES_REQUESTS,
    MINUTES_HANDSHAKES,
    MINUTES_STORED, /* items, as those below but the requests */
    MINUTES_REFUSED_UNKNOWN,
    MINUTES_REFUSED_SECRET,
    MINUTES_REFUSED_MALFORMED,
    MINUTES_BAD_REQUESTS,
    MINUTES_SPOOLED,
    MINUTES_REJECTED,
    MINUTES_OVER_3S, /* requests */
    MINUTES_COUNTERS
};

void minutes_count(enum minutes_counter counter, uint64_t more);

/* Counts refused items; `refused` has a number for each item_verdict. */
void minutes_count_refused(const size_t *refused);

/* Counts an answer and the time that it took, in microseconds. */
void minutes_count_answer(int64_t us);

/* Notes how many bytes are in the spool. */
void minutes_note_spool(uint64_t bytes);

/*
 * Closes the minute if it is over (clock_wall()) and keeps it to be written.
 * `end`: closes it now, for it is the last. The committer's alone, as the
 * next.
 */
void minutes_roll(int64_t wall, bool end);

/* Writes what is kept; false if the database did not take it. */
bool minutes_write(struct database *database, int64_t deadline);

/* Whether anything is kept. */
bool minutes_are_kept(void);

void minutes_free(void);

#endif
