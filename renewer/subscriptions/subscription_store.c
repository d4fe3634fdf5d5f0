/* What the renewer knows, in PostgreSQL. */
#include "subscriptions/subscription_store.h"

#include <string.h>

#include "base/memory.h"
#include "base/resource.h"

static const char undefined_function[] = "42883";

bool subscription_store_take_turn(struct database *database,
                                  const struct tenant *tenant, const char *run,
                                  bool *taken)
{
    char sqlstate[SQLSTATE_SIZE];
    PGresult *result = database_try(
        database, "SELECT callhook_store.take_turn($1, $2::uuid, $3)",
        DATABASE_VALUES(tenant->name, tenant->tenant_id, run), sqlstate);
    bool is_older = !result && strcmp(sqlstate, undefined_function) == 0;

    *taken = is_older || (result && *PQgetvalue(result, 0, 0) == 't');
    PQclear(result);
    return result || is_older;
}

void subscription_store_end_turn(struct database *database,
                                 const struct tenant *tenant, const char *run)
{
    database_do(database, "SELECT callhook_store.end_turn($1, $2)",
                DATABASE_VALUES(tenant->name, run));
}

/*
 * Those that Graph refused go when their secrets are good no more: there is one
 * for each run in which it does.
 */
bool subscription_store_announce(struct database *database,
                                 const struct tenant *tenant,
                                 const char *secret_sha256_hex,
                                 const char *simulated_id, char no[24])
{
    static const char sql[] =
        "WITH refused AS (DELETE FROM callhook_store.subscriptions"
        " WHERE tenant_id = $2::uuid AND subscription_id IS NULL"
        " AND ended_at < now() - interval '1 day')"
        " INSERT INTO callhook_store.subscriptions (tenant, tenant_id, "
        "resource,"
        " change_type, notification_url, lifecycle_url, secret_sha256,"
        " subscription_id, expires_at, ended_at)"
        " VALUES ($1, $2::uuid, $3, $4, $5, $6, decode($7, 'hex'), $8::uuid,"
        " CASE WHEN $8 IS NOT NULL THEN now() END,"
        " CASE WHEN $8 IS NOT NULL THEN now() END)"
        " RETURNING subscription_no";
    PGresult *result = database_run(
        database, sql,
        DATABASE_VALUES(tenant->name, tenant->tenant_id, tenant->resource,
                        tenant->change_type, tenant->notification_url,
                        tenant->lifecycle_url, secret_sha256_hex,
                        simulated_id));
    bool good = result && PQntuples(result) == 1;

    if (good)
        snprintf(no, 24, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return good;
}

bool subscription_store_alive(struct database *database,
                              const struct tenant *tenant, const char *no,
                              const struct subscription *shown, bool renewed)
{
    static const char sql[] =
        "UPDATE callhook_store.subscriptions SET tenant = $2,"
        " subscription_id = $3::uuid, expires_at = to_timestamp($4::bigint),"
        " alive_at = now(), ended_at = NULL, renewed_at ="
        " CASE WHEN $5::boolean OR renewed_at IS NULL THEN now()"
        " ELSE renewed_at END,"
        " notification_url = coalesce(nullif($6, ''), notification_url),"
        " lifecycle_url = coalesce(nullif($7, ''), lifecycle_url)"
        " WHERE subscription_no = $1::bigint";

    return database_do(database, sql,
                       DATABASE_VALUES(no, tenant->name, shown->id,
                                       database_number(shown->expires_at).text,
                                       renewed ? "true" : "false",
                                       shown->notification_url,
                                       shown->lifecycle_url));
}

bool subscription_store_end(struct database *database, const char *no)
{
    return database_do(database,
                       "UPDATE callhook_store.subscriptions"
                       " SET ended_at = now()"
                       " WHERE subscription_no = $1::bigint"
                       " AND ended_at IS NULL",
                       1, &no);
}

/* The key of gaps is the subscription's, as Graph tells them apart. */
bool subscription_store_note_gap(struct database *database,
                                 const struct tenant *tenant,
                                 const char *reason, int64_t begins_at,
                                 int64_t ends_at)
{
    static const char sql[] =
        "INSERT INTO callhook_store.gaps (tenant_id, resource, change_type,"
        " tenant, reason, begins_at, ends_at) VALUES ($1::uuid, $2, $3, $4, $5,"
        " CASE WHEN $6::bigint = 0 AND $7::bigint = 0 THEN now()"
        " ELSE to_timestamp($6::bigint) END, CASE WHEN $7::bigint > 0"
        " THEN to_timestamp(greatest($6::bigint, $7::bigint)) END)"
        " ON CONFLICT DO NOTHING";
    char *resource = resource_key(tenant->resource);
    bool good = database_do(
        database, sql,
        DATABASE_VALUES(tenant->tenant_id, resource, tenant->change_type,
                        tenant->name, reason, database_number(begins_at).text,
                        database_number(ends_at).text));

    free(resource);
    return good;
}

bool subscription_store_close_gap(struct database *database,
                                  const struct tenant *tenant)
{
    static const char sql[] = "UPDATE callhook_store.gaps SET ends_at = "
                              "greatest(now(), begins_at)"
                              " WHERE tenant_id = $1::uuid AND resource = $2 "
                              "AND change_type = $3"
                              " AND ends_at IS NULL";
    char *resource = resource_key(tenant->resource);
    bool good = database_do(
        database, sql,
        DATABASE_VALUES(tenant->tenant_id, resource, tenant->change_type));

    free(resource);
    return good;
}

bool subscription_store_handled(struct database *database,
                                const char *notification_id)
{
    return database_do(database,
                       "INSERT INTO callhook_store.lifecycle_handled"
                       " (notification_id)"
                       " VALUES ($1::uuid) ON CONFLICT DO NOTHING",
                       1, &notification_id);
}

bool subscription_store_forget_refusals(struct database *database,
                                        const char *id)
{
    return database_do(database,
                       "DELETE FROM callhook_store.refusals"
                       " WHERE subscription_id = $1::uuid",
                       1, &id);
}

bool subscription_store_past(struct database *database,
                             const struct tenant *tenant, const char *failure,
                             long retry_after, bool looked)
{
    static const char sql[] =
        "INSERT INTO callhook_store.tenants AS t (tenant, tenant_id,"
        " last_run_at, failed_at, failure, retry_at, looked_at)"
        " VALUES ($1, $2::uuid, now(),"
        " CASE WHEN $3::text IS NOT NULL THEN now() END, $3,"
        " CASE WHEN $4::bigint > 0"
        " THEN now() + make_interval(secs => $4::bigint) END,"
        " CASE WHEN $5::boolean THEN now() END)"
        " ON CONFLICT (tenant) DO UPDATE SET tenant_id = excluded.tenant_id,"
        " last_run_at = excluded.last_run_at,"
        " failed_at = CASE WHEN excluded.failed_at IS NOT NULL"
        " THEN coalesce(t.failed_at, excluded.failed_at) END,"
        " failure = excluded.failure, retry_at = excluded.retry_at,"
        " looked_at = coalesce(excluded.looked_at, t.looked_at)";

    return database_do(database, sql,
                       DATABASE_VALUES(tenant->name, tenant->tenant_id, failure,
                                       database_number(retry_after).text,
                                       looked ? "t" : "f"));
}
