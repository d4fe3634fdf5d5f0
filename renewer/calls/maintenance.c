/* What a run does once for all tenants, in the database alone. */
#include "calls/maintenance.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/pg_list.h"
#include "base/report.h"
#include "calls/day_tables.h"

#define NUMBER_SIZE 24

/* Rows in a statement: one takes about a second. */
#define FOLD_BATCH 50000
#define RETAIN_BATCH 10000

/*
 * Repeats a statement, which returns how many rows it dealt with, until that
 * is less than a batch. Returns their sum; -1: the database failed.
 */
static int64_t repeat(struct database *database, const char *sql, int count,
                      const char *const *values, int64_t batch,
                      int64_t deadline)
{
    int64_t number, total = 0;

    do {
        PGresult *result = database_run(database, sql, count, values);

        number = -1;
        if (result && PQntuples(result) == 1)
            number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        PQclear(result);
        total += number;
    } while (number >= batch && clock_ms() < deadline);
    return number < 0 ? -1 : total;
}

/* Several tenants of the configuration may be one tenant of Microsoft's. */
static bool set_reading(struct database *database,
                        const struct settings *settings)
{
    struct pg_list all = {.brackets = "{}"}, read = {.brackets = "{}"};
    PGresult *result;

    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];

        pg_list_add(&all, tenant->tenant_id);
        if (tenant->records)
            pg_list_add(&read, tenant->tenant_id);
    }
    const char *const values[] = {pg_list_end(&all), pg_list_end(&read)};
    result = database_run(database,
                          "SELECT callhook_store.set_reading(t, t = ANY (r))"
                          " FROM (SELECT DISTINCT unnest($1::uuid[]),"
                          " $2::uuid[]) AS s (t, r)",
                          2, values);
    pg_list_free(&all);
    pg_list_free(&read);
    PQclear(result);
    return result != NULL;
}

bool maintenance_begin(struct database *database,
                       const struct settings *settings, int64_t deadline)
{
    char batch[NUMBER_SIZE];
    const char *const values[] = {batch};
    int64_t folded;

    snprintf(batch, sizeof(batch), "%d", FOLD_BATCH);
    if (!set_reading(database, settings))
        return false;
    folded = repeat(database,
                    "SELECT callhook_store.fold_notifications($1::integer)", 1,
                    values, FOLD_BATCH, deadline);
    if (folded > 0)
        log_detail("%lld notifications are folded into calls",
                   (long long)folded);
    if (folded < 0)
        return false;
    return repeat(database,
                  "SELECT callhook_store.count_earlier_hours($1::integer)", 1,
                  values, FOLD_BATCH, deadline) >= 0;
}

/*
 * Whether what is too old may be removed: the database's clock says how old
 * things are, and Graph's must agree with it. False: the database failed, or
 * the clocks do not agree, which is told.
 */
static bool may_remove(struct database *database, const char *state_dir,
                       bool *may)
{
    PGresult *result = database_run(database,
                                    "SELECT told, doubt FROM "
                                    "callhook_store.clock_doubt()",
                                    0, NULL);
    bool told = result && *PQgetvalue(result, 0, 0) == 't';
    bool doubted = result && !PQgetisnull(result, 0, 1);
    bool good = result && !doubted;

    if (doubted) {
        char *line = memory_print("database: %s: nothing is removed",
                                  PQgetvalue(result, 0, 1));

        report_line(state_dir, REPORT_CLOCK, line);
        free(line);
    } else if (told) {
        report_end(state_dir, REPORT_CLOCK, 0);
    }
    *may = told && !doubted;
    PQclear(result);
    return good;
}

static bool retain(struct database *database, long days, int64_t deadline)
{
    char numbers[2][NUMBER_SIZE];
    const char *const values[] = {numbers[0], numbers[1]};
    int64_t removed;

    snprintf(numbers[0], NUMBER_SIZE, "%ld", days);
    snprintf(numbers[1], NUMBER_SIZE, "%d", RETAIN_BATCH);
    removed = repeat(database,
                     "SELECT callhook_store.retain($1::integer, $2::integer)",
                     2, values, RETAIN_BATCH, deadline);
    if (removed > 0)
        log_detail("%lld rows and calls over %ld days old are removed",
                   (long long)removed, days);
    return removed >= 0;
}

bool maintenance_end(struct database *database, const struct settings *settings,
                     int64_t deadline)
{
    bool good = database_do(database, "SELECT callhook_store.make_partitions()",
                            0, NULL) &&
                day_tables_refresh(database, deadline);
    bool may;

    good = may_remove(database, settings->state_dir, &may) && good;
    if (!may)
        return good; /* till Graph is asked again */
    good = repeat(database, "SELECT callhook_store.drop_idle_consumers()", 0,
                  NULL, INT64_MAX, deadline) >= 0 &&
           repeat(database, "SELECT callhook_store.drop_gone_receivers()", 0,
                  NULL, INT64_MAX, deadline) >= 0 &&
           good;
    if (settings->retention_days > 0)
        good = retain(database, settings->retention_days, deadline) && good;
    return good;
}
