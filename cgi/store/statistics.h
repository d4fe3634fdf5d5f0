/*
 * What was counted, by the minute, for the views callhook.receiver_minutes and
 * callhook.receivers.
 */
#ifndef CALLHOOK_STATISTICS_H
#define CALLHOOK_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/database.h"

/*
 * Closes the minute if it is over (clock_wall()) and keeps it to be written.
 * `end`: closes it now, for it is the last. The committer's alone, as the
 * next.
 */
void statistics_roll(int64_t wall, bool end);

/*
 * Writes what is kept, each with how this process stands now, as far as a
 * short time allows; false if the database did not take it. `end`: it ends
 * cleanly, and the last one says so.
 */
bool statistics_write(struct database *database, bool end, int64_t deadline);

/* Whether anything is kept. */
bool statistics_are_kept(void);

void statistics_free(void);

#endif
