/* Values of a result, by the names of their columns. */
#ifndef RENEWER_RESULT_H
#define RENEWER_RESULT_H

#include <stdint.h>
#include <stdlib.h>

#include <libpq-fe.h>

/* "" for null, and where there is no result; lives as long as the result. */
static inline const char *result_text(const PGresult *result, int row,
                                      const char *column)
{
    return result ? PQgetvalue(result, row, PQfnumber(result, column)) : "";
}

/* 0 for null, and where there is no result. */
static inline int64_t result_number(const PGresult *result, int row,
                                    const char *column)
{
    return strtoll(result_text(result, row, column), NULL, 10);
}

#endif
