/*
 * The two ways of storing rows. COPY costs PostgreSQL half of what INSERT
 * does, but knows no ON CONFLICT; so rows that are stored for the first time
 * go by COPY, and rows of a batch in doubt or of the spool by INSERT.
 */
#include "store/insert.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const char copy_statement[] = "COPY callhook_store.notifications "
                                     "(" COPY_ROW_COLUMNS ") "
                                     "FROM STDIN (FORMAT binary)";

static const char insert_statement[] =
    "INSERT INTO callhook_store.notifications (" COPY_ROW_COLUMNS ") VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";

/* The signature, no flags, no header extension; then the trailer. */
static const char copy_head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
static const char copy_tail[] = {'\377', '\377'};

/* libpq refused to send: the connection is not what it should be. */
static enum database_outcome give_up(struct database *database)
{
    log_cause(LOG_STATEMENT, "libpq does not send a batch");
    database_close(database);
    return DATABASE_DOUBT;
}

/* Takes the result of a statement that was sent, up to the idle state. */
static enum database_outcome finish(struct database *database, PGresult *result,
                                    int64_t deadline)
{
    enum database_outcome outcome = DATABASE_DOUBT;

    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        outcome = DATABASE_DONE;
    else if (result)
        outcome = database_sort_fault(database, result);
    PQclear(result);
    return database_settle(database, outcome, deadline);
}

/* Sends the statement, between what else there is. */
static void begin_copy(struct database *database, const char *before,
                       const char *after)
{
    char query[512];
    int n = snprintf(query, sizeof(query), "%s" DATABASE_LIMITS, before,
                     (long long)database->timeout_us / 1000);

    snprintf(query + n, sizeof(query) - (size_t)n, "%s%s", copy_statement,
             after);
    database->sqlstate[0] = '\0';
    if (!PQsendQuery(database->connection, query))
        give_up(database);
}

void insert_copy_begin(struct database *database)
{
    begin_copy(database, "", "");
}

enum database_outcome insert_trial(struct database *database,
                                   const struct buffer *rows, int64_t deadline)
{
    begin_copy(database, "BEGIN; ", "; ROLLBACK");
    enum database_outcome outcome = insert_copy(database, rows, deadline);
    /* after a fault the rest of the query was not looked at */
    if (database_is_usable(database) &&
        PQtransactionStatus(database->connection) != PQTRANS_IDLE &&
        (!PQsendQuery(database->connection, "ROLLBACK") ||
         database_settle(database, DATABASE_DONE, deadline) != DATABASE_DONE))
        return give_up(database);
    return outcome;
}

enum database_outcome insert_copy(struct database *database,
                                  const struct buffer *rows, int64_t deadline)
{
    PGconn *connection = database->connection;
    PGresult *result;

    /* of the settings first */
    while (PQresultStatus(result = database_result(database, deadline)) ==
           PGRES_COMMAND_OK)
        PQclear(result);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        return finish(database, result, deadline);
    PQclear(result);
    /* What libpq cannot send at once it keeps, and flushes later. */
    if (PQputCopyData(connection, copy_head, sizeof(copy_head)) != 1 ||
        (rows->length &&
         PQputCopyData(connection, rows->data, (int)rows->length) != 1) ||
        PQputCopyData(connection, copy_tail, sizeof(copy_tail)) != 1 ||
        PQputCopyEnd(connection, NULL) != 1)
        return give_up(database);
    return finish(database, database_result(database, deadline), deadline);
}

/* Sends a row down the pipeline; `prepared`: the statement has gone before. */
static bool send_row(PGconn *connection, const struct insert_row *row,
                     bool prepared)
{
    static const int formats[COPY_ROW_FIELDS] = {1, 1, 1, 1, 1, 1,
                                                 1, 1, 1, 1, 1};
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];

    if (!copy_row_fields(row->bytes, row->length, values, lengths))
        return false;
    return prepared ? PQsendQueryPrepared(connection, "", COPY_ROW_FIELDS,
                                          values, lengths, formats, 0)
                    : PQsendQueryParams(connection, insert_statement,
                                        COPY_ROW_FIELDS, NULL, values, lengths,
                                        formats, 0);
}

/*
 * Rows that are there already leave nothing in the log, so that the COMMIT
 * would wait for no standby; and who stored them may have been cancelled while
 * it waited for one. With a mark it waits, and for what stands before it too.
 */
static bool send_mark(PGconn *connection)
{
    static const char mark[] = "SELECT "
                               "pg_catalog.pg_logical_emit_message(true, "
                               "'callhook', '')";

    return PQsendQueryParams(connection, mark, 0, NULL, NULL, NULL, NULL, 0);
}

/* Sends every row; `each`: a transaction of its own. */
static bool send_rows(struct database *database, const struct insert_row *rows,
                      size_t count, bool each)
{
    PGconn *connection = database->connection;

    if (!PQenterPipelineMode(connection))
        return false;
    if (!each && (!database_send_limits(database) ||
                  !PQsendPrepare(connection, "", insert_statement, 0, NULL)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (each && !database_send_limits(database))
            return false;
        if (!send_row(connection, &rows[i], !each))
            return false;
        if (each && (!send_mark(connection) || !PQpipelineSync(connection)))
            return false;
    }
    return each || (send_mark(connection) && PQpipelineSync(connection));
}

enum database_outcome insert_rows(struct database *database,
                                  const struct insert_row *rows, size_t count,
                                  int64_t deadline)
{
    if (!send_rows(database, rows, count, false))
        return give_up(database);
    enum database_outcome outcome =
        database_take_transaction(database, NULL, deadline);
    database_leave_pipeline(database);
    return outcome;
}

enum database_outcome insert_each(struct database *database,
                                  const struct insert_row *rows, size_t count,
                                  struct insert_result *results,
                                  int64_t deadline)
{
    enum database_outcome worst = DATABASE_DONE;

    if (!send_rows(database, rows, count, true))
        return give_up(database);
    for (size_t i = 0; i < count; i++) {
        struct insert_result *result = &results[i];
        result->outcome = database_take_transaction(database, NULL, deadline);
        memcpy(result->sqlstate, database->sqlstate, sizeof(result->sqlstate));
        if (result->outcome > worst)
            worst = result->outcome;
    }
    database_leave_pipeline(database);
    return worst;
}
