/* The connection to PostgreSQL. */
#include "database.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "store.h"

/* The schema that this program knows; sql/install.sql writes the row. */
#define SCHEMA_MAJOR 1

void database_close(struct database *database)
{
    if (database->connection)
        PQfinish(database->connection);
    database->connection = NULL;
}

/* Tells why there is no connection; libpq's words hold no payload here. */
static void lose(struct database *database, const char *what)
{
    const char *why = PQerrorMessage(database->connection);

    log_cause(LOG_CONNECTION, "%s: %.*s", what, (int)strcspn(why, "\n"),
              *why ? why : "no answer in time");
    database_close(database);
}

/* Waits for the socket; false when the time is over. */
static bool wait_for(PGconn *connection, short events, int64_t deadline)
{
    for (;;) {
        /* libpq may change the socket while it connects */
        struct pollfd fd = {.fd = PQsocket(connection), .events = events};
        int64_t left = deadline - clock_now();
        int ready;

        if (left <= 0 || fd.fd < 0)
            return false;
        ready = poll(&fd, 1, (int)(left / 1000) + 1);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

bool database_flush(struct database *database, int64_t deadline)
{
    PGconn *connection = database->connection;
    int left;

    while ((left = PQflush(connection)) > 0) {
        if (!wait_for(connection, POLLIN | POLLOUT, deadline) ||
            !PQconsumeInput(connection)) {
            left = -1;
            break;
        }
    }
    if (left < 0)
        lose(database, "the connection to the database is lost");
    return left == 0;
}

PGresult *database_result(struct database *database, int64_t deadline)
{
    PGconn *connection = database->connection;

    if (!connection || !database_flush(database, deadline))
        return NULL;
    while (PQisBusy(connection)) {
        if (!wait_for(connection, POLLIN, deadline) ||
            !PQconsumeInput(connection)) {
            lose(database, "the connection to the database is lost");
            return NULL;
        }
    }
    return PQgetResult(connection);
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
    if (!database->connection)
        return DATABASE_DOUBT;
    if (PQstatus(database->connection) != CONNECTION_OK) {
        lose(database, "the connection to the database is lost");
        return DATABASE_DOUBT;
    }
    return outcome;
}

/* Runs one command that returns no rows of interest. */
static bool command(struct database *database, int sent, int64_t deadline)
{
    if (!sent) {
        lose(database, "the database does not take a command");
        return false;
    }
    database->sqlstate[0] = '\0';
    database_settle(database, DATABASE_DONE, deadline);
    if (!database->connection)
        return false;
    if (!database->sqlstate[0])
        return true;
    lose(database, "the session cannot be set up");
    return false;
}

static bool start(struct database *database, int64_t deadline)
{
    static const char *const names[] = {"fallback_application_name",
                                        "client_encoding", "tcp_user_timeout",
                                        "keepalives_idle", NULL};
    static const char *const values[] = {"callhook", "UTF8", "5000", "30",
                                         NULL};
    PGconn *connection = PQconnectStartParams(names, values, 0);
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;

    if (!connection)
        return false;
    database->connection = connection;
    if (PQstatus(connection) == CONNECTION_BAD)
        step = PGRES_POLLING_FAILED;
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!wait_for(connection,
                      step == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                      deadline))
            break;
        step = PQconnectPoll(connection);
    }
    if (step == PGRES_POLLING_OK && PQsetnonblocking(connection, 1) == 0)
        return true;
    lose(database, "the database cannot be reached");
    return false;
}

/* A newer schema may give the tables another meaning. */
static bool check_version(struct database *database, int64_t deadline)
{
    PGconn *connection = database->connection;
    PGresult *result;
    int major = 0;

    if (!PQsendQuery(connection, "SELECT callhook_store.schema_major()")) {
        lose(database, "the database does not take a command");
        return false;
    }
    result = database_result(database, deadline);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        major = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    database_settle(database, DATABASE_DONE, deadline);
    if (!database->connection)
        return false;
    if (major >= 1 && major <= SCHEMA_MAJOR)
        return true;
    if (major > SCHEMA_MAJOR)
        log_cause(LOG_CONNECTION,
                  "the database has schema version %d, this program knows %d",
                  major, SCHEMA_MAJOR);
    else
        lose(database, "the schema callhook_store cannot be used");
    database_close(database);
    return false;
}

bool database_connect(struct database *database, int64_t deadline)
{
    char settings[256];

    database_close(database);
    if (!start(database, deadline))
        return false;
    /* Lock waits must not outlive the client that has given up on them. */
    snprintf(settings, sizeof(settings),
             "SET search_path = ''; SET statement_timeout = %lld; "
             "SET synchronous_commit = on; "
             "SET idle_in_transaction_session_timeout = 10000",
             (long long)database->timeout_us / 1000);
    return command(database, PQsendQuery(database->connection, settings),
                   deadline) &&
           check_version(database, deadline) &&
           command(database,
                   PQsendPrepare(database->connection, STORE_INSERT_NAME,
                                 STORE_INSERT, 0, NULL),
                   deadline);
}

static void copy_guid(struct guid *guid, const PGresult *result, int row,
                      int column)
{
    if (PQgetlength(result, row, column) == (int)sizeof(*guid))
        memcpy(guid, PQgetvalue(result, row, column), sizeof(*guid));
}

/* Columns: digest, tenant, subscription (null: announced only). */
static void take_secrets(const PGresult *result, struct secrets *secrets)
{
    int rows = PQntuples(result);

    secrets->by_digest = memory_new((size_t)rows, sizeof(struct secret));
    for (int i = 0; i < rows; i++) {
        struct secret *secret = &secrets->by_digest[secrets->count];
        if (PQgetlength(result, i, 0) != (int)sizeof(secret->digest))
            continue;
        memcpy(&secret->digest, PQgetvalue(result, i, 0),
               sizeof(secret->digest));
        copy_guid(&secret->tenant_id, result, i, 1);
        secret->announced = PQgetisnull(result, i, 2);
        copy_guid(&secret->subscription_id, result, i, 2);
        secrets->count++;
    }
    secrets_index(secrets);
}

bool database_read_secrets(struct database *database, struct secrets *secrets,
                           int64_t age_s, int64_t deadline)
{
    static const char query[] = "SELECT secret_sha256, tenant_id, "
                                "subscription_id "
                                "FROM callhook_store.good_secrets($1::bigint)";
    char age[24];
    const char *const values[] = {age};
    bool read = false;

    *secrets = (struct secrets){.read_at = clock_now()};
    snprintf(age, sizeof(age), "%lld", (long long)age_s);
    if (!PQsendQueryParams(database->connection, query, 1, NULL, values, NULL,
                           NULL, 1)) {
        lose(database, "the database does not take a command");
        return false;
    }
    PGresult *result = database_result(database, deadline);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQnfields(result) == 3) {
        take_secrets(result, secrets);
        read = true;
    } else if (result) {
        database_sort_fault(database, result);
        log_cause(LOG_STATEMENT, "the secrets cannot be read: SQLSTATE %s",
                  database->sqlstate);
    }
    PQclear(result);
    database_settle(database, DATABASE_DONE, deadline);
    return read;
}
