/*
 * The second half of a run, once all subscriptions are kept: lists of calls,
 * logs of phone calls and call records, some tenants at a time.
 */
#ifndef RENEWER_CALL_PASS_H
#define RENEWER_CALL_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/database.h"
#include "settings/settings.h"

/*
 * Visits the tenants until `deadline` (clock_ms()). Returns false after logging
 * what failed.
 */
bool call_pass_run(const struct settings *settings, struct database *database,
                   int64_t deadline);

#endif
