/* The figures of reports: days and months that something was stored for. */
#ifndef RENEWER_DAY_TABLES_H
#define RENEWER_DAY_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/database.h"

/*
 * Fills the facts of records that a former version stored, then makes the
 * figures of dirty days and months anew, one a transaction, until the deadline:
 * the next run goes on. False: the database failed.
 */
bool day_tables_refresh(struct database *database, int64_t deadline);

#endif
