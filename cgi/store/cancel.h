/* The end of a connection that owes an answer. */
#ifndef CALLHOOK_CANCEL_H
#define CALLHOOK_CANCEL_H

#include <stdbool.h>

#include <libpq-fe.h>

/*
 * Asks the server to end what it has not answered, and closes the connection:
 * a process of PostgreSQL's that waits for a standby does not notice that its
 * client is gone, and would take up a place until the standby is back. A
 * server that hangs answers this as little, so it is waited for by a thread;
 * `ends`: the program does, and waits for a moment.
 */
void cancel_and_close(PGconn *connection, bool ends);

#endif
