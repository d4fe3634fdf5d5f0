/* A connection to PostgreSQL: how it is made and given up. */
#ifndef RENEWER_PG_CONNECTION_H
#define RENEWER_PG_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

/* Room for why there is none. */
#define PG_CONNECTION_WHY 300

/* Begins to connect to `conninfo` ("" = the PG... environment). */
PGconn *pg_connection_begin(const char *conninfo);

/* The same as another connection was made, with all that it was given. */
PGconn *pg_connection_begin_like(PGconn *other);

/*
 * Completes one that was begun: it does not block, and its notices are told
 * nobody. NULL: it is closed, and `why` says what happened.
 */
PGconn *pg_connection_complete(PGconn *connection, int64_t deadline,
                               char why[PG_CONNECTION_WHY]);

/* Waits for the socket (POLLIN, POLLOUT); false when the time is over. */
bool pg_connection_wait(PGconn *connection, short events, int64_t deadline);

/*
 * Cancels what it is doing, and closes it. A process of PostgreSQL's that waits
 * for a standby does not notice that its client is gone: each run would leave
 * one behind. A server that hangs may not answer this either: it is given a
 * second.
 */
void pg_connection_cancel(PGconn *connection);

#endif
