/* What a run does once for all tenants, in the database alone. */
#include "chores.h"

#include <string.h>

#include "clock.h"
#include "literal.h"
#include "log.h"
#include "store.h"

#define NUMBER_SIZE 24

/* Rows in a statement: one takes about a second. */
#define FOLD_BATCH 50000
#define RETAIN_BATCH 10000

/* The first and only number that a statement returns; -1: it failed. */
static int64_t run_batch(struct database *database, const char *sql, int count,
                         const char *const *values)
{
    PGresult *result = database_run(database, sql, count, values);
    int64_t number = -1;

    if (result && PQntuples(result) == 1)
        number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return number;
}

/* Several tenants of the configuration may be one tenant of Microsoft's. */
static bool reads_records(const struct settings *settings,
                          const char *tenant_id)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (settings->tenants[i].records &&
            strcmp(settings->tenants[i].tenant_id, tenant_id) == 0)
            return true;
    return false;
}

static bool set_reading(struct database *database,
                        const struct settings *settings)
{
    struct literal ids = {0}, reads = {0};
    PGresult *result;

    for (size_t i = 0; i < settings->tenant_count; i++) {
        const char *id = settings->tenants[i].tenant_id;

        literal_add(&ids, id);
        literal_add(&reads, reads_records(settings, id) ? "true" : "false");
    }
    const char *const values[] = {literal_end(&ids), literal_end(&reads)};
    result = database_run(database,
                          "SELECT callhook_store.set_reading(tenant, reads)"
                          " FROM unnest($1::uuid[], $2::boolean[])"
                          " AS t (tenant, reads)",
                          2, values);
    literal_free(&ids);
    literal_free(&reads);
    PQclear(result);
    return result != NULL;
}

bool chores_begin(struct database *database, const struct settings *settings,
                  int64_t deadline)
{
    char batch[NUMBER_SIZE];
    const char *const values[] = {batch};
    int64_t folded, total = 0;

    snprintf(batch, sizeof(batch), "%d", FOLD_BATCH);
    if (!set_reading(database, settings))
        return false;
    do {
        folded = run_batch(database,
                           "SELECT "
                           "callhook_store.fold_notifications($1::integer)",
                           1, values);
        total += folded;
    } while (folded >= FOLD_BATCH && clock_ms() < deadline);
    if (total > 0)
        log_detail("%lld notifications are folded into calls",
                   (long long)total);
    return folded >= 0;
}

static bool retain(struct database *database, long days, int64_t deadline)
{
    char numbers[2][NUMBER_SIZE];
    const char *const values[] = {numbers[0], numbers[1]};
    int64_t removed, total = 0;

    snprintf(numbers[0], NUMBER_SIZE, "%ld", days);
    snprintf(numbers[1], NUMBER_SIZE, "%d", RETAIN_BATCH);
    do {
        removed = run_batch(database,
                            "SELECT callhook_store.retain($1::integer, "
                            "$2::integer)",
                            2, values);
        total += removed;
    } while (removed >= RETAIN_BATCH && clock_ms() < deadline);
    if (total > 0)
        log_detail("%lld rows and calls over %ld days old are removed",
                   (long long)total, days);
    return removed >= 0;
}

bool chores_end(struct database *database, const struct settings *settings,
                int64_t deadline)
{
    bool good = store_make_partitions(database);

    if (settings->retention_days > 0)
        good = retain(database, settings->retention_days, deadline) && good;
    return good;
}
