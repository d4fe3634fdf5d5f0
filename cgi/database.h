/*
 * The connection to PostgreSQL, driven without blocking: every wait has a
 * deadline (clock_now()), and only a look-up of a host name can take longer.
 */
#ifndef CALLHOOK_DATABASE_H
#define CALLHOOK_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "secrets.h"

/* What became of something that the database was asked to do. */
enum database_outcome {
    DATABASE_DONE,    /* and committed */
    DATABASE_REFUSED, /* rolled back for what the rows hold */
    DATABASE_LATER,   /* rolled back for another reason; the same may pass */
    DATABASE_DOUBT,   /* the connection is lost, done or not */
};

struct database {
    PGconn *connection; /* NULL: not connected */
    int64_t timeout_us; /* for a statement on the server's side */
    char sqlstate[6];   /* of the last fault; "" if there was none */
};

/*
 * Connects by libpq's environment, makes the session's settings and prepares
 * the statements, all until `deadline`. False: not connected, and told.
 */
bool database_connect(struct database *database, int64_t deadline);

void database_close(struct database *database);

/*
 * The next result of what was sent, NULL if there are no more. Flushes and
 * waits until `deadline`. If the connection is lost or the time is over, the
 * connection is closed and NULL is returned: look at `connection`.
 */
PGresult *database_result(struct database *database, int64_t deadline);

/* Sends what libpq still holds; false: the connection is closed. */
bool database_flush(struct database *database, int64_t deadline);

/*
 * Sorts a failed result by its SQLSTATE and keeps that in `sqlstate`. LATER
 * and REFUSED hold only once the connection has been read until idle.
 */
enum database_outcome database_sort_fault(struct database *database,
                                          const PGresult *result);

/* Takes any further results; DOUBT if the connection is lost meanwhile. */
enum database_outcome database_settle(struct database *database,
                                      enum database_outcome outcome,
                                      int64_t deadline);

/*
 * Reads the secrets that are good, or were `age_s` seconds ago, into
 * `secrets`, which the caller frees. False: nothing is read, why is told.
 */
bool database_read_secrets(struct database *database, struct secrets *secrets,
                           int64_t age_s, int64_t deadline);

#endif
