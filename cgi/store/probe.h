/* Whether the database takes rows. */
#ifndef CALLHOOK_PROBE_H
#define CALLHOOK_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/database.h"

/*
 * Stores a row and takes it back, which shows that this month's table and its
 * indexes take one; then commits a record in the log, for a server can hang in
 * either. False: `why` of the database says what failed, and where.
 */
bool probe_run(struct database *database, int64_t deadline);

#endif
