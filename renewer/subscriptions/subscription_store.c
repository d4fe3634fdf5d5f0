/* What the renewer knows, in PostgreSQL. */
#include "subscriptions/subscription_store.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/resource.h"

/* Room for a number as a parameter. */
#define NUMBER_SIZE 24

static const char *number(char text[NUMBER_SIZE], int64_t value)
{
    snprintf(text, NUMBER_SIZE, "%" PRId64, value);
    return text;
}

/* A statement whose rows are of no interest. */
static bool run(struct database *database, const char *sql, int count,
                const char *const *values)
{
    PGresult *result = database_run(database, sql, count, values);

    PQclear(result);
    return result != NULL;
}

bool subscription_store_announce(struct database *database,
                                 const struct tenant *tenant,
                                 const char *secret_sha256_hex, char no[24])
{
    static const char sql[] =
        "INSERT INTO callhook_store.subscriptions (tenant, tenant_id, resource,"
        " change_type, notification_url, lifecycle_url, secret_sha256)"
        " VALUES ($1, $2::uuid, $3, $4, $5, $6, decode($7, 'hex'))"
        " RETURNING subscription_no";
    const char *const values[] = {
        tenant->name,        tenant->tenant_id,        tenant->resource,
        tenant->change_type, tenant->notification_url, tenant->lifecycle_url,
        secret_sha256_hex};
    PGresult *result = database_run(database, sql, 7, values);
    bool good = result && PQntuples(result) == 1;

    if (good)
        snprintf(no, 24, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return good;
}

bool subscription_store_announce_ended(struct database *database,
                                       const struct tenant *tenant,
                                       const char *id,
                                       const char *secret_sha256_hex)
{
    static const char sql[] =
        "INSERT INTO callhook_store.subscriptions (tenant, tenant_id,"
        " subscription_id, resource, change_type, notification_url,"
        " lifecycle_url, secret_sha256, announced_at, expires_at, ended_at)"
        " VALUES ($1, $2::uuid, $3::uuid, $4, $5, $6, $7, decode($8, 'hex'),"
        " now(), now(), now())";
    const char *const values[] = {
        tenant->name,          tenant->tenant_id,   id,
        tenant->resource,      tenant->change_type, tenant->notification_url,
        tenant->lifecycle_url, secret_sha256_hex};

    return run(database, sql, 8, values);
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
    char expires[NUMBER_SIZE];
    const char *const values[] = {no,
                                  tenant->name,
                                  shown->id,
                                  number(expires, shown->expires_at),
                                  renewed ? "true" : "false",
                                  shown->notification_url,
                                  shown->lifecycle_url};

    return run(database, sql, 7, values);
}

bool subscription_store_end(struct database *database, const char *no)
{
    return run(database,
               "UPDATE callhook_store.subscriptions SET ended_at = now()"
               " WHERE subscription_no = $1::bigint AND ended_at IS NULL",
               1, &no);
}

/*
 * A statement on callhook_store.gaps, whose key is the subscription's as Graph
 * tells them apart: in $1, $2 and $3.
 */
static bool run_on_gaps(struct database *database, const struct tenant *tenant,
                        const char *sql, int count, const char **values)
{
    char *resource = resource_key(tenant->resource);

    values[0] = tenant->tenant_id;
    values[1] = resource;
    values[2] = tenant->change_type; /* in order, see settings_keys.c */
    bool good = run(database, sql, count, values);
    free(resource);
    return good;
}

bool subscription_store_open_gap(struct database *database,
                                 const struct tenant *tenant,
                                 const char *reason, int64_t begins_at)
{
    static const char sql[] =
        "INSERT INTO callhook_store.gaps (tenant_id, resource, change_type,"
        " tenant, reason, begins_at) VALUES ($1::uuid, $2, $3, $4, $5,"
        " coalesce(to_timestamp(nullif($6::bigint, 0)), now()))"
        " ON CONFLICT DO NOTHING";
    char begins[NUMBER_SIZE];
    const char *values[] = {NULL,         NULL,   NULL,
                            tenant->name, reason, number(begins, begins_at)};

    return run_on_gaps(database, tenant, sql, 6, values);
}

bool subscription_store_close_gap(struct database *database,
                                  const struct tenant *tenant)
{
    static const char sql[] = "UPDATE callhook_store.gaps SET ends_at = "
                              "greatest(now(), begins_at)"
                              " WHERE tenant_id = $1::uuid AND resource = $2 "
                              "AND change_type = $3"
                              " AND ends_at IS NULL";
    const char *values[3];

    return run_on_gaps(database, tenant, sql, 3, values);
}

bool subscription_store_note_gap(struct database *database,
                                 const struct tenant *tenant,
                                 const char *reason, int64_t begins_at,
                                 int64_t ends_at)
{
    static const char sql[] =
        "INSERT INTO callhook_store.gaps (tenant_id, resource, change_type,"
        " tenant, reason, begins_at, ends_at) VALUES ($1::uuid, $2, $3, $4, $5,"
        " to_timestamp($6::bigint),"
        " to_timestamp(greatest($6::bigint, $7::bigint)))";
    char begins[NUMBER_SIZE], ends[NUMBER_SIZE];
    const char *values[] = {NULL,
                            NULL,
                            NULL,
                            tenant->name,
                            reason,
                            number(begins, begins_at),
                            number(ends, ends_at)};

    return run_on_gaps(database, tenant, sql, 7, values);
}

bool subscription_store_handled(struct database *database,
                                const char *notification_id)
{
    return run(database,
               "INSERT INTO callhook_store.lifecycle_handled (notification_id)"
               " VALUES ($1::uuid) ON CONFLICT DO NOTHING",
               1, &notification_id);
}

bool subscription_store_forget_refusals(struct database *database,
                                        const char *id)
{
    return run(database,
               "DELETE FROM callhook_store.refusals"
               " WHERE subscription_id = $1::uuid",
               1, &id);
}

bool subscription_store_past(struct database *database,
                             const struct tenant *tenant, const char *failure,
                             long retry_after)
{
    static const char sql[] =
        "INSERT INTO callhook_store.tenants AS t (tenant, tenant_id,"
        " last_run_at, failed_at, failure, retry_at)"
        " VALUES ($1, $2::uuid, now(),"
        " CASE WHEN $3::text IS NOT NULL THEN now() END, $3,"
        " CASE WHEN $4::bigint > 0"
        " THEN now() + make_interval(secs => $4::bigint) END)"
        " ON CONFLICT (tenant) DO UPDATE SET tenant_id = excluded.tenant_id,"
        " last_run_at = excluded.last_run_at,"
        " failed_at = CASE WHEN excluded.failed_at IS NOT NULL"
        " THEN coalesce(t.failed_at, excluded.failed_at) END,"
        " failure = excluded.failure, retry_at = excluded.retry_at";
    char seconds[NUMBER_SIZE];
    const char *const values[] = {tenant->name, tenant->tenant_id, failure,
                                  number(seconds, retry_after)};

    return run(database, sql, 4, values);
}

bool subscription_store_make_partitions(struct database *database)
{
    return run(database, "SELECT callhook_store.make_partitions()", 0, NULL);
}
