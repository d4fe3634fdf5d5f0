/* The connection to PostgreSQL. */
#include "store/database.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/cancel.h"

/* The schema that this program knows; sql/install.sql writes the row. */
#define SCHEMA_MAJOR 1

void database_close(struct database *database)
{
    if (database->connection && database->overdue && !database->unreplicated)
        cancel_and_close(database->connection, true);
    else
        PQfinish(database->connection);
    database->connection = NULL;
    database->overdue = false;
    database->unreplicated = false;
}

bool database_is_usable(const struct database *database)
{
    return database->connection && !database->overdue;
}

/* Closes, and keeps why; libpq's words hold no payload here. */
static void fail(struct database *database, const char *what)
{
    const char *why = PQerrorMessage(database->connection);

    snprintf(database->why, sizeof(database->why), "%s: %.*s", what,
             (int)strcspn(why, "\n"), *why ? why : "no answer in time");
    database_close(database);
}

/* A connection that was in use is lost. */
static void lose(struct database *database)
{
    fail(database, "the connection to the database is lost");
    log_cause(LOG_CONNECTION, "%s", database->why);
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
        lose(database);
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
        lose(database);
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
    static const char *const known[] = {"25006, the server is read-only",
                                        "42501, a right is missing: callhook "
                                        "--check names it",
                                        "53100, the disk of the server is "
                                        "full"};

    if (database->unreplicated)
        return "a wait for a standby was ended";
    if (database->overdue)
        return "no answer in time";
    if (!database->sqlstate[0])
        return "no SQLSTATE";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strncmp(known[i], database->sqlstate, 5) == 0)
            return known[i];
    return database->sqlstate;
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

bool database_send_limits(struct database *database)
{
    static const char limits[] =
        "SELECT pg_catalog.set_config('synchronous_commit', 'on', true), "
        "pg_catalog.set_config('statement_timeout', $1, true)";
    char timeout[24];
    const char *const values[] = {timeout};

    snprintf(timeout, sizeof(timeout), "%lld",
             (long long)database->timeout_us / 1000);
    return PQsendQueryParams(database->connection, limits, 1, NULL, values,
                             NULL, NULL, 0);
}

enum database_outcome database_take_transaction(struct database *database,
                                                PGresult **rows,
                                                int64_t deadline)
{
    enum database_outcome outcome = DATABASE_DONE;
    bool synced = false;

    while (!synced && database_is_usable(database)) {
        PGresult *result = database_result(database, deadline);
        switch (PQresultStatus(result)) {
        case PGRES_PIPELINE_SYNC:
            synced = true;
            break;
        case PGRES_FATAL_ERROR:
            /* of no result at all, too: between rows, or no connection */
            if (result)
                outcome = database_sort_fault(database, result);
            break;
        case PGRES_TUPLES_OK:
            if (rows) {
                PQclear(*rows);
                *rows = result;
                result = NULL;
            }
            break;
        default:
            break;
        }
        PQclear(result);
    }
    /* A notice may have come with the end: see take_notice. */
    return synced && database_is_usable(database) ? outcome : DATABASE_DOUBT;
}

void database_leave_pipeline(struct database *database)
{
    if (database_is_usable(database) &&
        !PQexitPipelineMode(database->connection))
        database_close(database);
}

enum database_outcome database_query(struct database *database,
                                     const char *statement, int count,
                                     const char *const *values, bool binary,
                                     PGresult **rows, int64_t deadline)
{
    PGconn *connection = database->connection;
    enum database_outcome outcome;

    database->sqlstate[0] = '\0';
    if (!PQenterPipelineMode(connection) || !database_send_limits(database) ||
        !PQsendQueryParams(connection, statement, count, NULL, values, NULL,
                           NULL, binary) ||
        !PQpipelineSync(connection)) {
        lose(database);
        return DATABASE_DOUBT;
    }
    outcome = database_take_transaction(database, rows, deadline);
    database_leave_pipeline(database);
    return outcome;
}

enum database_outcome database_call(struct database *database,
                                    const char *statement, int count,
                                    const char *const *values, int64_t deadline)
{
    return database_query(database, statement, count, values, false, NULL,
                          deadline);
}

/*
 * A notice is never told, for it may quote what a row holds. One matters: when
 * somebody ends a wait for a standby, the server warns, without a SQLSTATE of
 * its own, and goes on to call that a commit. Its file is PostgreSQL's
 * src/backend/replication/syncrep.c. The rows are there, and lost with it.
 */
static void take_notice(void *context, const PGresult *notice)
{
    struct database *database = context;
    const char *file = PQresultErrorField(notice, PG_DIAG_SOURCE_FILE);

    if (file && strcmp(file, "syncrep.c") == 0) {
        log_cause(LOG_STATEMENT, "a wait for a standby was ended by somebody");
        database->overdue = true;
        database->unreplicated = true;
    }
}

/*
 * What a session may be given: a pooler passes on no options, and hands the
 * session to others afterwards. Durability, limits and names are the matter
 * of each transaction.
 */
static bool start(struct database *database, const struct host *host)
{
    const char *const keywords[] = {"host",
                                    "hostaddr",
                                    "port",
                                    "client_encoding",
                                    "fallback_application_name",
                                    "tcp_user_timeout",
                                    "keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    NULL};
    const char *const values[] = {host->name, host->address, host->port, "UTF8",
                                  "callhook", "5000",        "5",        "2",
                                  "3",        NULL};

    database->connection = PQconnectdbParams(keywords, values, 0);
    if (database->connection &&
        PQstatus(database->connection) == CONNECTION_OK &&
        PQsetnonblocking(database->connection, 1) == 0) {
        PQsetNoticeReceiver(database->connection, take_notice, database);
        return true;
    }
    fail(database, "the database cannot be reached");
    return false;
}

/* libpq keeps no message of what fails in a pipeline. */
static const char *schema_fault(const struct database *database)
{
    if (strcmp(database->sqlstate, "3F000") == 0)
        return "3F000, sql/install.sql has not been run in this database";
    if (strcmp(database->sqlstate, "42501") == 0)
        return "42501, the role has no right to it: GRANT callhook_receiver "
               "to the role";
    return database_fault(database);
}

/* A newer schema may give the tables another meaning. */
static bool check_version(struct database *database, int64_t deadline)
{
    PGresult *rows = NULL;
    int major = 0;

    database_query(database, "SELECT callhook_store.schema_major()", 0, NULL,
                   false, &rows, deadline);
    if (PQntuples(rows) == 1)
        major = (int)strtol(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    if (major >= 1 && major <= SCHEMA_MAJOR)
        return true;
    if (major > SCHEMA_MAJOR) {
        snprintf(database->why, sizeof(database->why),
                 "the database has schema version %d, this program knows %d",
                 major, SCHEMA_MAJOR);
        database_close(database);
    } else if (database->connection) {
        snprintf(database->why, sizeof(database->why),
                 "the schema callhook_store cannot be used: %s",
                 schema_fault(database));
        database_close(database);
    }
    return false;
}

void database_prepare(void)
{
    setenv("PGTARGETSESSIONATTRS", "read-write", false);
    setenv("PGCONNECT_TIMEOUT", "2", false);
}

bool database_connect(struct database *database, const struct host *host)
{
    database_close(database);
    return start(database, host) &&
           check_version(database, clock_now() + database->timeout_us);
}
