/*
 * The connection to PostgreSQL: one, shared by the threads of a run. Every
 * statement has a deadline; one that is missed closes the connection for good,
 * and the run goes on as it does without a database.
 */
#ifndef RENEWER_DATABASE_H
#define RENEWER_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/pg_connection.h"

struct database;

/* Room for why there is none. */
#define DATABASE_WHY PG_CONNECTION_WHY

/*
 * Connects to `conninfo` ("" = the PG... environment). NULL: `why` says what
 * happened. A schema that is not ours, or newer, counts as no database.
 */
struct database *database_open(const char *conninfo, char why[DATABASE_WHY]);

/*
 * A second connection to the same database, for a transaction of more than one
 * statement. NULL: it has been told why.
 */
struct database *database_open_beside(struct database *database);

/* The same for a command that only has to log why there is none. */
struct database *database_open_or_log(const char *conninfo);

void database_close(struct database *database);

/* For a run: faults are told once an hour, see report.h. */
void database_report_to(struct database *database, const char *state_dir);

/* Whether no statement has failed yet. */
bool database_is_well(const struct database *database);

/* False for NULL, too, and once a connection is lost. */
bool database_is_there(struct database *database);

/* How many hosts `conninfo` named. */
int database_host_count(struct database *database);

#define SQLSTATE_SIZE 6

/*
 * Runs one statement in a transaction of its own, with text parameters (NULL
 * is null). The result is PGRES_COMMAND_OK or PGRES_TUPLES_OK; NULL: it failed
 * and has been told, by its SQLSTATE ("": there was no answer). PQclear() it.
 */
PGresult *database_try(struct database *database, const char *sql, int count,
                       const char *const *values, char sqlstate[SQLSTATE_SIZE]);

/* The same where it does not matter why it failed. */
PGresult *database_run(struct database *database, const char *sql, int count,
                       const char *const *values);

/*
 * The parameters of a statement and before them their number:
 * database_run(database, sql, DATABASE_VALUES(a, database_number(b).text)).
 */
#define DATABASE_VALUES(...)                                                   \
    (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),        \
        (const char *const[])                                                  \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

/* A value, so that its text can stand among a statement's. */
struct database_number {
    char text[24];
};

struct database_number database_number(int64_t number);

/* Runs a statement whose rows are of no interest; false: it failed. */
bool database_do(struct database *database, const char *sql, int count,
                 const char *const *values);

#endif
