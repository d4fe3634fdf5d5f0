/*
 * The connection to PostgreSQL. To connect may take a while (each host of
 * PGHOST is given 2 s, and a look-up of its name can take longer); from then
 * on nothing blocks, and every wait has a deadline (clock_now()).
 */
#ifndef CALLHOOK_DATABASE_H
#define CALLHOOK_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

/* What became of something that the database was asked to do. */
enum database_outcome {
    DATABASE_DONE,    /* and committed */
    DATABASE_REFUSED, /* rolled back for what the rows hold */
    DATABASE_LATER,   /* rolled back for another reason; the same may pass */
    DATABASE_DOUBT,   /* the connection is lost, done or not */
};

struct database {
    PGconn *connection; /* NULL: not connected */
    bool overdue;       /* it owes an answer: only to be watched or closed */
    int64_t timeout_us; /* for a statement on the server's side */
    char sqlstate[6];   /* of the last fault; "" if there was none */
};

/*
 * Connects by libpq's environment and makes the session's settings. False: not
 * connected, and told.
 */
bool database_connect(struct database *database);

/* Whether statements can be sent. */
bool database_is_usable(const struct database *database);

/*
 * Waits for a sign of life on an overdue connection: a server that hangs is
 * back when it answers, and another connection would hang beside this one.
 */
bool database_has_stirred(struct database *database, int64_t deadline);

void database_close(struct database *database);

/* Tells why there is no connection (libpq's words hold no payload), and closes
 * what is left of it. */
void database_lose(struct database *database, const char *what);

/*
 * The next result of what was sent, NULL if there are no more. Flushes and
 * waits until `deadline`. NULL, too, if the connection is lost, and then
 * closed, or the time is over, and then overdue: see database_is_usable.
 */
PGresult *database_result(struct database *database, int64_t deadline);

/*
 * Sorts a failed result by its SQLSTATE and keeps that in `sqlstate`. LATER
 * and REFUSED hold only once the connection has been read until idle.
 */
enum database_outcome database_sort_fault(struct database *database,
                                          const PGresult *result);

/* Names the last fault for a message: its SQLSTATE, or that there is none. */
const char *database_fault(const struct database *database);

/*
 * Whether the last fault may be of the rows' making, though it is not sorted
 * as such: only then is it worth to try them one by one.
 */
bool database_fault_is_odd(const struct database *database);

/* Takes any further results; DOUBT if the connection is of no use then. */
enum database_outcome database_settle(struct database *database,
                                      enum database_outcome outcome,
                                      int64_t deadline);

/* Runs a statement with `count` values as text; its rows are thrown away. */
enum database_outcome database_call(struct database *database,
                                    const char *statement, int count,
                                    const char *const *values,
                                    int64_t deadline);

#endif
