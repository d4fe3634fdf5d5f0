/* What was counted, by the minute, for the view callhook.receiver_minutes. */
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

/* Writes what is kept; false if the database did not take it. */
bool statistics_write(struct database *database, int64_t deadline);

/* Whether anything is kept. */
bool statistics_are_kept(void);

void statistics_free(void);

#endif
