/* The two ways of storing rows. */
#ifndef CALLHOOK_INSERT_H
#define CALLHOOK_INSERT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "notification/copy_row.h"
#include "store/database.h"

/* One row in a buffer. */
struct insert_row {
    const char *bytes;
    size_t length;
};

/*
 * Stores fresh rows, which the database cannot have yet, in one transaction.
 * The fastest way, but one row that is there already refuses them all. The
 * first function lets the database prepare, and does not wait for it; then
 * comes the second, whatever happened.
 */
void insert_copy_begin(struct database *database);
enum database_outcome insert_copy(struct database *database,
                                  const struct buffer *rows, int64_t deadline);

/* Stores rows as well, but takes them back: only to see whether it can be. */
enum database_outcome insert_trial(struct database *database,
                                   const struct buffer *rows, int64_t deadline);

/*
 * Stores rows that the database may have already, in one transaction; those
 * are left as they are.
 */
enum database_outcome insert_rows(struct database *database,
                                  const struct insert_row *rows, size_t count,
                                  int64_t deadline);

/* What became of one row. */
struct insert_result {
    enum database_outcome outcome;
    char sqlstate[6];
};

/*
 * The same with a transaction for each row: `results` says what became of
 * each, the worst is returned. Finds the bad ones of a batch that was refused.
 */
enum database_outcome insert_each(struct database *database,
                                  const struct insert_row *rows, size_t count,
                                  struct insert_result *results,
                                  int64_t deadline);

#endif
