/* What a run does once for all tenants, in the database alone. */
#ifndef RENEWER_MAINTENANCE_H
#define RENEWER_MAINTENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/database.h"
#include "settings/settings.h"

/* Before records are read: whose, and which calls there are. */
bool maintenance_begin(struct database *database,
                       const struct settings *settings, int64_t deadline);

/* At the end: months to come, figures of reports, and what is too old. */
bool maintenance_end(struct database *database, const struct settings *settings,
                     int64_t deadline);

#endif
