/* The secrets that the renewer wrote down. */
#include "store/secret_store.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

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

bool secret_store_read(struct secrets *secrets, struct database *database,
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
        database_lose(database, "the database does not take a command");
        return false;
    }
    PGresult *result = database_result(database, deadline);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQnfields(result) == 3) {
        take_secrets(result, secrets);
        read = true;
    } else if (result) {
        database_sort_fault(database, result);
        log_cause(LOG_STATEMENT, "the secrets cannot be read: %s",
                  database_fault(database));
    }
    PQclear(result);
    database_settle(database, DATABASE_DONE, deadline);
    return read;
}
