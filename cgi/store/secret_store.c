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
    PGresult *rows = NULL;

    *secrets = (struct secrets){.read_at = clock_now()};
    snprintf(age, sizeof(age), "%lld", (long long)age_s);
    bool read = database_query(database, query, 1, values, true, &rows,
                               deadline) == DATABASE_DONE &&
                PQnfields(rows) == 3;
    if (read)
        take_secrets(rows, secrets);
    else
        log_cause(LOG_STATEMENT, "the secrets cannot be read: %s",
                  database_fault(database));
    PQclear(rows);
    return read;
}
