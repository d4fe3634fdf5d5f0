/* What was counted, by the minute, for the view callhook.receiver_minutes. */
#ifndef CALLHOOK_MINUTES_H
#define CALLHOOK_MINUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "store/database.h"

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
