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

#include "store/hosts.h"

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
    bool unreplicated;  /* overdue for good: a wait for a standby was ended */
    int64_t timeout_us; /* for a statement on the server's side */
    char sqlstate[6];   /* of the last fault; "" if there was none */
    char why[256];      /* there is no connection */
};

/*
 * Tells libpq what it is to take where neither a service nor the environment
 * says it; a keyword of ours would go before both. Before any thread starts.
 */
void database_prepare(void);

/*
 * Connects to a host by libpq's environment, and sees whether the schema is
 * one that we know. False: not connected, `why` says why not.
 */
bool database_connect(struct database *database, const struct host *host);

/* Whether statements can be sent. */
bool database_is_usable(const struct database *database);

void database_close(struct database *database);

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
 * as such: only then is it worth trying them one by one.
 */
bool database_fault_is_odd(const struct database *database);

/* Takes any further results; DOUBT if the connection is of no use then. */
enum database_outcome database_settle(struct database *database,
                                      enum database_outcome outcome,
                                      int64_t deadline);

/*
 * Each transaction sets for itself what its durability and its end depend on:
 * a role may have other settings, and behind a pooler the session is not ours.
 * In one simple query the settings go first; it is one transaction.
 */
#define DATABASE_LIMITS                                                        \
    "SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = %lld; "

/* The same in a pipeline, at the start of each transaction. */
bool database_send_limits(struct database *database);

/*
 * Takes the results of one transaction of a pipeline, up to its end. An error
 * can come with any statement, or at the commit. `rows`, if not NULL, gets
 * the last result that has any; PQclear() it.
 */
enum database_outcome database_take_transaction(struct database *database,
                                                PGresult **rows,
                                                int64_t deadline);

/* Back to plain commands; a connection that cannot is of no use. */
void database_leave_pipeline(struct database *database);

/*
 * Runs a statement with `count` values as text in a transaction of its own,
 * and `rows` gets what it returns, in text or binary form; PQclear() it.
 */
enum database_outcome database_query(struct database *database,
                                     const char *statement, int count,
                                     const char *const *values, bool binary,
                                     PGresult **rows, int64_t deadline);

/* The same for a statement whose rows are of no interest. */
enum database_outcome database_call(struct database *database,
                                    const char *statement, int count,
                                    const char *const *values,
                                    int64_t deadline);

#endif
