/* A tenant's turn in a run: under its lock, with its fault told at the end. */
#ifndef RENEWER_WORK_H
#define RENEWER_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "database.h"
#include "due.h"
#include "http.h"
#include "settings.h"

/* Whether there is anything to do for the tenant. */
bool work_is_due(const struct duty *duty, const struct settings *settings);

/*
 * Does what is due until `deadline` (clock_ms()). `database` NULL: renews what
 * Graph shows and does nothing else. False if something failed, which is told.
 */
bool work_on(const struct settings *settings, struct database *database,
             const struct duty *duty, struct http *http, int64_t deadline);

#endif
