/* Graph's times: 2026-11-22T10:00:00.1234567Z, or with an offset. */
#ifndef RENEWER_DATETIME_H
#define RENEWER_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for what datetime_write() writes. */
#define DATETIME_SIZE 32

/* Reads into seconds since 1970; fractions are dropped. */
bool datetime_read(const char *text, int64_t *seconds);

/* Writes "2026-11-22T10:00:00Z". */
void datetime_write(char text[DATETIME_SIZE], int64_t seconds);

#endif
