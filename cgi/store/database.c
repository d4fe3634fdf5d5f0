/* The connection to PostgreSQL. */
#include "store/database.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* The schema that this program knows; sql/install.sql writes the row. */
#define SCHEMA_MAJOR 1

void database_close(struct database *database)
{
    if (database->connection)
        PQfinish(database->connection);
    database->connection = NULL;
    database->overdue = false;
}

bool database_is_usable(const struct database *database)
{
    return database->connection && !database->overdue;
}

void database_lose(struct database *database, const char *what)
{
    const char *why = PQerrorMessage(database->connection);

    log_cause(LOG_CONNECTION, "%s: %.*s", what, (int)strcspn(why, "\n"),
              *why ? why : "no answer in time");
    database_close(database);
}

/* Waits for the socket; false when the time is over. */
static bool wait_for(PGconn *connection, short events, int64_t deadline)
{
    struct pollfd fd = {.fd = PQsocket(connection), .events = events};

    for (;;) {
        int64_t left = deadline - clock_now();
        int ready;

        if (left <= 0)
            return false;
        ready = poll(&fd, 1, (int)(left / 1000) + 1);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true; /* libpq finds what is wrong */
    }
}

bool database_has_stirred(struct database *database, int64_t deadline)
{
    return wait_for(database->connection, POLLIN, deadline);
}

/* Sends what libpq still holds; false: see database_result. */
static bool flush(struct database *database, int64_t deadline)
{
    PGconn *connection = database->connection;
    int left;

    while ((left = PQflush(connection)) > 0) {
        if (!wait_for(connection, POLLIN | POLLOUT, deadline)) {
            database->overdue = true;
            return false;
        }
        if (!PQconsumeInput(connection))
            left = -1;
        if (left < 0)
            break;
    }
    if (left < 0)
        database_lose(database, "the connection to the database is lost");
    return left == 0;
}

PGresult *database_result(struct database *database, int64_t deadline)
{
    PGconn *connection = database->connection;
    PGresult *result = NULL;

    if (!database_is_usable(database) || !flush(database, deadline))
        return NULL;
    while (PQisBusy(connection)) {
        if (!wait_for(connection, POLLIN, deadline)) {
            database->overdue = true;
            return NULL;
        }
        if (!PQconsumeInput(connection))
            break;
    }
    if (!PQisBusy(connection))
        result = PQgetResult(connection);
    if (!result && PQstatus(connection) != CONNECTION_OK)
        database_lose(database, "the connection to the database is lost");
    return result;
}

enum database_outcome database_sort_fault(struct database *database,
                                          const PGresult *result)
{
    /* class 22: data, 23: constraints, 44: check options, 54: limits, P0:
     * an exception of a trigger, 53: resources, and so on */
    static const char content[][3] = {"22", "23", "44", "54", "P0"};
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    snprintf(database->sqlstate, sizeof(database->sqlstate), "%s",
             sqlstate ? sqlstate : "");
    for (size_t i = 0; i < sizeof(content) / sizeof(content[0]); i++)
        if (strncmp(database->sqlstate, content[i], 2) == 0)
            return DATABASE_REFUSED;
    return DATABASE_LATER;
}

const char *database_fault(const struct database *database)
{
    if (database->overdue)
        return "no answer in time";
    return database->sqlstate[0] ? database->sqlstate : "no SQLSTATE";
}

bool database_fault_is_odd(const struct database *database)
{
    /* connection, resources, operator, system, state, rights, names */
    static const char general[][3] = {"08", "25", "28", "3D", "3F", "40",
                                      "42", "53", "55", "57", "58"};

    for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
        if (strncmp(database->sqlstate, general[i], 2) == 0)
            return false;
    return database_is_usable(database) && database->sqlstate[0];
}

enum database_outcome database_settle(struct database *database,
                                      enum database_outcome outcome,
                                      int64_t deadline)
{
    PGresult *result;

    while ((result = database_result(database, deadline))) {
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            outcome = database_sort_fault(database, result);
        PQclear(result);
    }
    /* A connection that ended may have ended after the commit. */
    return database_is_usable(database) ? outcome : DATABASE_DOUBT;
}

enum database_outcome database_call(struct database *database,
                                    const char *statement, int count,
                                    const char *const *values, int64_t deadline)
{
    database->sqlstate[0] = '\0';
    if (!PQsendQueryParams(database->connection, statement, count, NULL, values,
                           NULL, NULL, 0))
        return DATABASE_DOUBT;
    return database_settle(database, DATABASE_DONE, deadline);
}

/* Runs one command that returns no rows of interest. */
static bool command(struct database *database, int sent, int64_t deadline)
{
    database->sqlstate[0] = '\0';
    if (sent &&
        database_settle(database, DATABASE_DONE, deadline) == DATABASE_DONE)
        return true;
    if (database->connection)
        database_lose(database, "the session cannot be set up");
    return false;
}

static bool start(struct database *database)
{
    static const char *const names[] = {
        "fallback_application_name", "client_encoding",
        "tcp_user_timeout",          "keepalives_idle",
        "keepalives_interval",       "keepalives_count",
        "connect_timeout",           NULL};
    const char *const values[] = {"callhook",
                                  "UTF8",
                                  "5000",
                                  "5",
                                  "2",
                                  "3",
                                  getenv("PGCONNECT_TIMEOUT") ? NULL : "2",
                                  NULL};

    /* Waits itself, since only so it goes on to the next host in time. */
    database->connection = PQconnectdbParams(names, values, 0);
    if (database->connection &&
        PQstatus(database->connection) == CONNECTION_OK &&
        PQsetnonblocking(database->connection, 1) == 0)
        return true;
    database_lose(database, "the database cannot be reached");
    return false;
}

/* A newer schema may give the tables another meaning. */
static bool check_version(struct database *database, int64_t deadline)
{
    PGconn *connection = database->connection;
    PGresult *result;
    int major = 0;

    if (!PQsendQuery(connection, "SELECT callhook_store.schema_major()")) {
        database_lose(database, "the session cannot be set up");
        return false;
    }
    result = database_result(database, deadline);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        major = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    database_settle(database, DATABASE_DONE, deadline);
    if (major >= 1 && major <= SCHEMA_MAJOR)
        return true;
    if (major > SCHEMA_MAJOR)
        log_cause(LOG_CONNECTION,
                  "the database has schema version %d, this program knows %d",
                  major, SCHEMA_MAJOR);
    else if (database->connection)
        database_lose(database, "the schema callhook_store cannot be used");
    database_close(database);
    return false;
}

bool database_connect(struct database *database)
{
    char settings[256];

    database_close(database);
    if (!start(database))
        return false;
    int64_t deadline = clock_now() + database->timeout_us;
    /* Lock waits must not outlive the client that has given up on them. */
    snprintf(settings, sizeof(settings),
             "SET search_path = ''; SET statement_timeout = %lld; "
             "SET synchronous_commit = on; "
             "SET idle_in_transaction_session_timeout = 10000",
             (long long)database->timeout_us / 1000);
    return command(database, PQsendQuery(database->connection, settings),
                   deadline) &&
           check_version(database, deadline);
}
