/*
 * The two ways of storing rows. COPY costs PostgreSQL half of what INSERT
 * does, but knows no ON CONFLICT; so rows that are stored for the first time
 * go by COPY, and rows of a batch in doubt or of the spool by INSERT.
 */
#include "store/insert.h"

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

void insert_copy_begin(struct database *database)
{
    if (!PQsendQuery(database->connection, copy_statement))
        give_up(database);
}

enum database_outcome insert_copy(struct database *database,
                                  const struct buffer *rows, int64_t deadline)
{
    PGconn *connection = database->connection;
    PGresult *result = database_result(database, deadline);
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
 * Sends every row; `each`: a transaction of its own. A pooler may give each
 * transaction another session, so that none relies on a statement that an
 * earlier one has prepared.
 */
static bool send_rows(PGconn *connection, const struct insert_row *rows,
                      size_t count, bool each)
{
    if (!PQenterPipelineMode(connection))
        return false;
    if (!each && !PQsendPrepare(connection, "", insert_statement, 0, NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!send_row(connection, &rows[i], !each) ||
            (each && !PQpipelineSync(connection)))
            return false;
    return each || PQpipelineSync(connection);
}

/*
 * Takes the results of one transaction up to its PIPELINE_SYNC. An error can
 * come with any row, or at the commit.
 */
static enum database_outcome take_transaction(struct database *database,
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
        default:
            break;
        }
        PQclear(result);
    }
    return synced ? outcome : DATABASE_DOUBT;
}

/* Back to plain commands; a connection that cannot is of no use. */
static void leave_pipeline(struct database *database)
{
    if (database_is_usable(database) &&
        !PQexitPipelineMode(database->connection))
        database_close(database);
}

enum database_outcome insert_rows(struct database *database,
                                  const struct insert_row *rows, size_t count,
                                  int64_t deadline)
{
    if (!send_rows(database->connection, rows, count, false))
        return give_up(database);
    enum database_outcome outcome = take_transaction(database, deadline);
    leave_pipeline(database);
    return outcome;
}

enum database_outcome insert_each(struct database *database,
                                  const struct insert_row *rows, size_t count,
                                  struct insert_result *results,
                                  int64_t deadline)
{
    enum database_outcome worst = DATABASE_DONE;

    if (!send_rows(database->connection, rows, count, true))
        return give_up(database);
    for (size_t i = 0; i < count; i++) {
        struct insert_result *result = &results[i];
        result->outcome = take_transaction(database, deadline);
        memcpy(result->sqlstate, database->sqlstate, sizeof(result->sqlstate));
        if (result->outcome > worst)
            worst = result->outcome;
    }
    leave_pipeline(database);
    return worst;
}
