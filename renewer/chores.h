/* What a run does once for all tenants, in the database alone. */
#ifndef RENEWER_CHORES_H
#define RENEWER_CHORES_H

#include <stdbool.h>
#include <stdint.h>

#include "database.h"
#include "settings.h"

/* Before records are read: whose, and which calls there are. */
bool chores_begin(struct database *database, const struct settings *settings,
                  int64_t deadline);

/* At the end: months to come, and what is too old. */
bool chores_end(struct database *database, const struct settings *settings,
                int64_t deadline);

#endif
