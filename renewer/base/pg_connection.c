/* A connection to PostgreSQL. */
#include "base/pg_connection.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

bool pg_connection_wait(PGconn *connection, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(connection), .events = events};
        int64_t left = deadline - clock_ms();
        int ready;

        if (left <= 0)
            return false;
        ready = poll(&fd, 1, (int)left + 1);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true; /* libpq finds what is wrong */
    }
}

/*
 * libpq's words on a connection hold names and addresses, no payload. While it
 * waits for an answer they end in a colon.
 */
static void say_why(PGconn *connection, char why[PG_CONNECTION_WHY])
{
    const char *text = connection ? PQerrorMessage(connection) : "";
    int length = (int)strcspn(text, "\n");
    bool whole = length >= 2 && strncmp(text + length - 2, ": ", 2) != 0;

    snprintf(why, PG_CONNECTION_WHY, "%.*s%s", length, text,
             whole ? "" : "no answer in time");
}

PGconn *pg_connection_begin(const char *conninfo)
{
    /* Later ones win, so that what is ours stands behind `dbname`. */
    const char *const keywords[] = {"dbname", "fallback_application_name",
                                    "tcp_user_timeout", NULL};
    const char *const values[] = {conninfo, "callhook-renewer", "15000", NULL};

    /*
     * A standby takes nothing: the next host of the list may. As a variable it
     * gives way to what the user says, wherever that is.
     */
    setenv("PGTARGETSESSIONATTRS", "read-write", 0);
    return PQconnectStartParams(keywords + (*conninfo ? 0 : 1),
                                values + (*conninfo ? 0 : 1), 1);
}

PGconn *pg_connection_begin_like(PGconn *other)
{
    PQconninfoOption *options = PQconninfo(other);
    const char *keywords[64] = {NULL};
    const char *values[64] = {NULL};
    PGconn *connection;
    size_t count = 0;

    for (PQconninfoOption *one = options; one && one->keyword; one++)
        if (one->val && *one->val && count < 63) {
            keywords[count] = one->keyword;
            values[count++] = one->val;
        }
    connection = PQconnectStartParams(keywords, values, 0);
    PQconninfoFree(options);
    return connection;
}

/* One may quote a payload. */
static void ignore_notice(void *nothing, const PGresult *notice)
{
    (void)nothing;
    (void)notice;
}

PGconn *pg_connection_complete(PGconn *connection, int64_t deadline,
                               char why[PG_CONNECTION_WHY])
{
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;

    if (!connection || PQstatus(connection) == CONNECTION_BAD)
        step = PGRES_POLLING_FAILED;
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!pg_connection_wait(
                connection, step == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                deadline))
            break;
        step = PQconnectPoll(connection);
    }
    if (step == PGRES_POLLING_OK && PQsetnonblocking(connection, 1) == 0)
        return connection;
    say_why(connection, why);
    PQfinish(connection);
    return NULL;
}

/* As a thread. */
static void *cancel(void *connection)
{
    PGcancel *owed = PQgetCancel(connection);
    char why[256];

    if (owed)
        PQcancel(owed, why, sizeof(why));
    PQfreeCancel(owed);
    PQfinish(connection);
    return NULL;
}

void pg_connection_cancel(PGconn *connection)
{
    struct timespec until;
    pthread_t thread;

    if (pthread_create(&thread, NULL, cancel, connection) != 0) {
        PQfinish(connection);
        return;
    }
    /* The time of day: TSan does not know the call with another clock. */
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (pthread_timedjoin_np(thread, NULL, &until) != 0)
        pthread_detach(thread);
}
