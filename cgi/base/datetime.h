/* Dates as Graph writes them. */
#ifndef CALLHOOK_DATETIME_H
#define CALLHOOK_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads an Edm.DateTimeOffset: YYYY-MM-DDThh:mm:ss, any number of fraction
 * digits, Z or an offset of up to 15:59 (what PostgreSQL takes). The result
 * is in microseconds since 2000-01-01 UTC, rounded as PostgreSQL rounds.
 * False for anything else and outside of the years 1 to 9999.
 */
bool datetime_read(int64_t *us, const char *text, size_t length);

#endif
