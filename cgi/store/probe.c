/* Whether the database takes rows. */
#include "store/probe.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/guid.h"
#include "notification/copy_row.h"
#include "store/insert.h"

/* A row of now with nothing in it but what must be. */
static void make_row(struct buffer *row)
{
    int64_t wall = clock_wall();
    struct guid id;

    guid_make(&id, wall, 0);
    copy_row_begin(row);
    copy_row_guid(row, &id);
    copy_row_time(row, wall - CLOCK_EPOCH_SHIFT * 1000000);
    copy_row_guid(row, &GUID_NIL);
    for (int i = 3; i < COPY_ROW_FIELDS; i++)
        copy_row_null(row);
}

/* A fault that is of the row's making shows as well that rows are taken. */
static bool takes_row(struct database *database, int64_t deadline)
{
    struct buffer row = {0};

    make_row(&row);
    enum database_outcome outcome = insert_trial(database, &row, deadline);
    buffer_free(&row);
    return outcome == DATABASE_DONE || outcome == DATABASE_REFUSED ||
           (outcome == DATABASE_LATER && database_fault_is_odd(database));
}

static bool commits(struct database *database, int64_t deadline)
{
    static const char statement[] = DATABASE_LIMITS "SELECT "
                                                    "pg_catalog.pg_logical_"
                                                    "emit_message(true, "
                                                    "'callhook', '')";
    char query[256];

    snprintf(query, sizeof(query), statement,
             (long long)database->timeout_us / 1000);
    database->sqlstate[0] = '\0';
    return database_is_usable(database) &&
           PQsendQuery(database->connection, query) &&
           database_settle(database, DATABASE_DONE, deadline) == DATABASE_DONE;
}

bool probe_run(struct database *database, int64_t deadline)
{
    char host[128] = "";

    if (database->connection && PQhost(database->connection))
        snprintf(host, sizeof(host), "%s", PQhost(database->connection));
    if (takes_row(database, deadline) && commits(database, deadline))
        return true;
    snprintf(database->why, sizeof(database->why),
             "the database at %s takes no rows: %s", host,
             database_fault(database));
    return false;
}
