/* The figures of reports: days and months that something was stored for. */
#include "calls/day_tables.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

/* Records in a statement: a second or two. */
#define FILL_BATCH "500"

#define DAY_SIZE 32
#define TENANT_SIZE 40

/* False: the database failed. `more` is what the statement says. */
static bool fill(struct database *database, bool *more)
{
    static const char *const values[] = {FILL_BATCH};
    PGresult *result = database_run(
        database, "SELECT callhook_store.fill_facts($1::integer)", 1, values);
    bool good = result != NULL;

    *more = good && PQntuples(result) == 1 && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return good;
}

/*
 * Repeats a statement that makes the newest dirty one before the one that it
 * names, until none is left.
 */
static bool refresh(struct database *database, const char *sql,
                    const char *what, int64_t deadline)
{
    char before[DAY_SIZE] = "infinity";
    char tenant[TENANT_SIZE] = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    const char *const values[] = {before, tenant};
    bool more = true;
    long made = 0;

    while (more && clock_ms() < deadline) {
        PGresult *result = database_run(database, sql, 2, values);

        if (!result)
            return false;
        more = PQntuples(result) == 1;
        if (more) {
            snprintf(before, sizeof(before), "%s", PQgetvalue(result, 0, 0));
            snprintf(tenant, sizeof(tenant), "%s", PQgetvalue(result, 0, 1));
            made++;
        }
        PQclear(result);
    }
    if (made)
        log_detail("figures of %ld %s are made anew", made, what);
    return true;
}

bool day_tables_refresh(struct database *database, int64_t deadline)
{
    bool more = true;

    while (more && clock_ms() < deadline)
        if (!fill(database, &more))
            return false;
    return refresh(database,
                   "SELECT * FROM callhook_store.refresh_day($1::date,"
                   " $2::uuid)",
                   "days", deadline) &&
           refresh(database,
                   "SELECT * FROM callhook_store.refresh_month($1::date,"
                   " $2::uuid)",
                   "months", deadline);
}
