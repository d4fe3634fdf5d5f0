/* What a run does once for all tenants, in the database alone. */
#ifndef RENEWER_MAINTENANCE_H
#define RENEWER_MAINTENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/database.h"
#include "settings/settings.h"

/*
 * Before records are read: syncs which tenants want records, folds
 * notifications into calls.
 */
bool maintenance_begin(struct database *database,
                       const struct settings *settings, int64_t deadline);

/* At the end: creates partitions, figures of reports; deletes old rows. */
bool maintenance_end(struct database *database, const struct settings *settings,
                     int64_t deadline);

#endif
