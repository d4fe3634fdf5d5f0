/*
 * The second half of a run, once all subscriptions are kept: lists of calls,
 * logs of phone calls and call records, some tenants at a time.
 */
#ifndef RENEWER_VISIT_H
#define RENEWER_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "database.h"
#include "settings.h"

/*
 * Visits the tenants until `deadline` (clock_ms()). False: something failed,
 * which is told.
 */
bool visit_all(const struct settings *settings, struct database *database,
               int64_t deadline);

#endif
