/* The connection to PostgreSQL. */
#include "base/database.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/report.h"

/* The schema that this program knows; sql/install.sql writes the row. */
#define SCHEMA_MAJOR 1

#define CONNECT_MS 8000
#define STATEMENT_MS 15000

struct database {
    PGconn *connection; /* NULL: lost */
    pthread_mutex_t lock;
    const char *state_dir; /* NULL: faults are logged each time */
    bool failed;           /* a statement has */
    bool unreplicated;     /* somebody ended a wait for a standby */
};

static void tell(struct database *database, const char *what)
{
    database->failed = true;
    if (database->state_dir)
        report_database(database->state_dir, what);
    else
        log_line("database: %s", what);
}

/* What is missing, and what is there to be called, come with an upgrade. */
static bool is_undefined(const char *sqlstate)
{
    return strcmp(sqlstate, "42703") == 0 || strcmp(sqlstate, "42883") == 0 ||
           strcmp(sqlstate, "42P01") == 0;
}

/* The server's sentence, but where it quotes what it was given (class 22). */
static void tell_failure(struct database *database, const PGresult *result,
                         const char *sqlstate)
{
    static const char *const no_secrets[] = {NULL};
    const char *sentence = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = is_undefined(sqlstate) ? ": the schema is older than "
                                                "this program, run "
                                                "sql/install.sql"
                                              : "";
    struct fault fault = {0};
    char *what;

    if (sentence && strncmp(sqlstate, "22", 2) != 0)
        fault_quote(&fault, sentence, no_secrets);
    what = memory_print("a statement failed, SQLSTATE %s%s%s%s%s",
                        *sqlstate ? sqlstate : "unknown",
                        *fault.sentence ? ", \"" : "", fault.sentence,
                        *fault.sentence ? "\"" : "", hint);
    tell(database, what);
    free(what);
}

/*
 * Notices are not told, for they may quote a payload. One says what no result
 * does: when somebody ends a wait for a standby, the server warns, without a
 * SQLSTATE of its own, from src/backend/replication/syncrep.c, and goes on to
 * call that a commit.
 */
static void take_notice(void *context, const PGresult *notice)
{
    struct database *database = context;
    const char *file = PQresultErrorField(notice, PG_DIAG_SOURCE_FILE);

    if (file && strcmp(file, "syncrep.c") == 0)
        database->unreplicated = true;
}

/* The next result; NULL at the end, or when the time or the server is gone. */
static PGresult *next_result(PGconn *connection, int64_t deadline, bool *late)
{
    int left;

    while ((left = PQflush(connection)) > 0)
        if (!pg_connection_wait(connection, POLLIN | POLLOUT, deadline) ||
            !PQconsumeInput(connection))
            break;
    while (left == 0 && PQisBusy(connection)) {
        if (!pg_connection_wait(connection, POLLIN, deadline)) {
            left = 1;
            break;
        }
        if (!PQconsumeInput(connection))
            break;
    }
    *late = left != 0;
    return *late ? NULL : PQgetResult(connection);
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* What there is to say of a statement's end; NULL: it ended well. */
static const char *fault_of(const struct database *database, bool late)
{
    if (late)
        return "no answer in time";
    if (PQstatus(database->connection) != CONNECTION_OK)
        return "the connection is lost";
    return database->unreplicated ? "a wait for a standby was ended by somebody"
                                  : NULL;
}

/*
 * The last result of what was sent. The connection is dropped where it is not
 * sure that this was committed, and a good result does not count then.
 */
static PGresult *collect(struct database *database, int64_t deadline)
{
    PGresult *last = NULL;
    PGresult *result;
    const char *fault;
    bool late;

    while ((result = next_result(database->connection, deadline, &late))) {
        if (last && PQresultStatus(last) == PGRES_FATAL_ERROR)
            PQclear(result);
        else {
            PQclear(last);
            last = result;
        }
    }
    fault = fault_of(database, late);
    if (fault) {
        tell(database, fault);
        if (late)
            pg_connection_cancel(database->connection);
        else
            PQfinish(database->connection);
        database->connection = NULL;
    }
    if (fault && is_good(last)) {
        PQclear(last);
        last = NULL;
    }
    return last;
}

PGresult *database_try(struct database *database, const char *sql, int count,
                       const char *const *values, char sqlstate[SQLSTATE_SIZE])
{
    PGresult *result = NULL;

    *sqlstate = '\0';
    if (!database)
        return NULL;
    pthread_mutex_lock(&database->lock);
    if (database->connection) {
        if (PQsendQueryParams(database->connection, sql, count, NULL, values,
                              NULL, NULL, 0))
            result = collect(database, clock_ms() + STATEMENT_MS);
        else
            tell(database, "a statement could not be sent");
    }
    pthread_mutex_unlock(&database->lock);
    if (is_good(result))
        return result;
    if (result) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        snprintf(sqlstate, SQLSTATE_SIZE, "%s", state ? state : "");
        tell_failure(database, result, sqlstate);
    }
    PQclear(result);
    return NULL;
}

PGresult *database_run(struct database *database, const char *sql, int count,
                       const char *const *values)
{
    char sqlstate[SQLSTATE_SIZE];

    return database_try(database, sql, count, values, sqlstate);
}

bool database_do(struct database *database, const char *sql, int count,
                 const char *const *values)
{
    PGresult *result = database_run(database, sql, count, values);

    PQclear(result);
    return result != NULL;
}

struct database_number database_number(int64_t number)
{
    struct database_number it;

    snprintf(it.text, sizeof(it.text), "%" PRId64, number);
    return it;
}

bool database_is_there(struct database *database)
{
    bool there = false;

    if (database) {
        pthread_mutex_lock(&database->lock);
        there = database->connection != NULL;
        pthread_mutex_unlock(&database->lock);
    }
    return there;
}

/* Sets up the session and looks at the schema's version. */
static bool prepare(struct database *database, int64_t deadline,
                    char why[DATABASE_WHY])
{
    static const char setup[] =
        "SET search_path = pg_catalog, pg_temp;"
        "SET client_encoding = 'UTF8'; SET datestyle = 'ISO';"
        "SET timezone = 'UTC'; SET statement_timeout = '14s';"
        "SET lock_timeout = '5s'; SET synchronous_commit = on;"
        "SET default_transaction_isolation = 'read committed';"
        "SET default_transaction_deferrable = off;"
        "SET standard_conforming_strings = on;"
        "SET intervalstyle = 'postgres'; SET array_nulls = on;"
        "SET bytea_output = 'hex'; SET transform_null_equals = off;"
        "SELECT callhook_store.schema_major()";
    PGresult *result = NULL;
    bool good = false;

    if (PQsendQuery(database->connection, setup))
        result = collect(database, deadline);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
        long major = strtol(PQgetvalue(result, 0, 0), NULL, 10);

        good = major == SCHEMA_MAJOR;
        if (!good)
            snprintf(why, DATABASE_WHY,
                     "the schema has version %ld, this program needs %d", major,
                     SCHEMA_MAJOR);
    } else {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        snprintf(why, DATABASE_WHY,
                 "the schema of callhook cannot be used, SQLSTATE %s; "
                 "is sql/install.sql run, and callhook_renewer granted?",
                 sqlstate ? sqlstate : "unknown");
    }
    PQclear(result);
    return good;
}

/* Goes on with a connection that is being made. */
static struct database *open_in_time(PGconn *begun, char why[DATABASE_WHY])
{
    int64_t deadline = clock_ms() + CONNECT_MS;
    PGconn *connection = pg_connection_complete(begun, deadline, why);
    struct database *database;

    if (!connection)
        return NULL;
    database = memory_new(1, sizeof(*database));
    database->connection = connection;
    PQsetNoticeReceiver(connection, take_notice, database);
    pthread_mutex_init(&database->lock, NULL);
    if (prepare(database, deadline, why))
        return database;
    database_close(database);
    return NULL;
}

struct database *database_open(const char *conninfo, char why[DATABASE_WHY])
{
    return open_in_time(pg_connection_begin(conninfo), why);
}

struct database *database_open_beside(struct database *database)
{
    char why[DATABASE_WHY] = "";
    PGconn *begun = NULL;
    struct database *beside;

    pthread_mutex_lock(&database->lock);
    if (database->connection)
        begun = pg_connection_begin_like(database->connection);
    pthread_mutex_unlock(&database->lock);
    beside = open_in_time(begun, why);
    if (beside) {
        beside->state_dir = database->state_dir;
    } else {
        pthread_mutex_lock(&database->lock);
        tell(database, why);
        pthread_mutex_unlock(&database->lock);
    }
    return beside;
}

struct database *database_open_or_log(const char *conninfo)
{
    char why[DATABASE_WHY];
    struct database *database = database_open(conninfo, why);

    if (!database)
        log_line("database: %s", why);
    return database;
}

void database_report_to(struct database *database, const char *state_dir)
{
    database->state_dir = state_dir;
}

int database_host_count(struct database *database)
{
    PQconninfoOption *options = PQconninfo(database->connection);
    int count = 1;

    for (PQconninfoOption *one = options; one && one->keyword; one++)
        if (one->val && strcmp(one->keyword, "host") == 0)
            for (const char *s = one->val; *s; s++)
                count += *s == ',';
    PQconninfoFree(options);
    return count;
}

bool database_is_well(const struct database *database)
{
    return !database->failed;
}

void database_close(struct database *database)
{
    if (!database)
        return;
    PQfinish(database->connection);
    pthread_mutex_destroy(&database->lock);
    free(database);
}
