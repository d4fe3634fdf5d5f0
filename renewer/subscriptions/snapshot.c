/* Reads all that says what is due, in a few statements. */
#include "subscriptions/snapshot.h"

#include "base/guid.h"
#include "base/memory.h"
#include "base/result.h"

/*
 * In each, $1 is a tenant_id, or null: of all tenants. An ended subscription
 * may turn out to live (Graph's 404 is not always true).
 */
static const char select_rows[] =
    "SELECT subscription_no, tenant_id, subscription_id, resource,"
    " change_type, notification_url, lifecycle_url,"
    " extract(epoch FROM announced_at)::bigint AS announced_at,"
    " extract(epoch FROM expires_at)::bigint AS expires_at,"
    " extract(epoch FROM renewed_at)::bigint AS renewed_at,"
    " extract(epoch FROM alive_at)::bigint AS alive_at,"
    " extract(epoch FROM ended_at)::bigint AS ended_at"
    " FROM callhook_store.subscriptions AS s"
    " WHERE coalesce($1::uuid, tenant_id) = tenant_id"
    " AND (s.ended_at IS NULL OR s.ended_at > now() - interval '7 days'"
    " AND s.ended_at > s.announced_at) ORDER BY tenant_id, subscription_no";

static const char select_events[] =
    "SELECT notification_id, tenant_id, subscription_id, lifecycle_event,"
    " extract(epoch FROM received_at)::bigint AS received_at"
    " FROM callhook_store.notifications AS n"
    " WHERE coalesce($1::uuid, tenant_id) = tenant_id"
    " AND lifecycle_event IS NOT NULL AND subscription_id IS NOT NULL"
    " AND stored_at > now() - interval '3 days'"
    " AND received_at > now() - interval '31 days'"
    " AND NOT EXISTS (SELECT FROM callhook_store.lifecycle_handled AS h"
    " WHERE h.notification_id = n.notification_id)"
    " ORDER BY tenant_id, n.received_at LIMIT 10000";

/*
 * Strangers' made-up ids are among them: only for ids of ours are notifications
 * searched, which have no index on the subscription.
 */
static const char select_refusals[] =
    "SELECT tenant_id, subscription_id,"
    " extract(epoch FROM first_at)::bigint AS first_at,"
    " extract(epoch FROM last_at)::bigint AS last_at,"
    " r.refusals AS refused, ours.*"
    " FROM callhook_store.refusals AS r LEFT JOIN LATERAL ("
    " SELECT (SELECT count(*) FROM (SELECT FROM callhook_store.notifications"
    " AS n WHERE n.subscription_id = r.subscription_id AND n.received_at"
    " BETWEEN r.first_at - interval '1 day' AND r.first_at LIMIT 10000) AS few)"
    " AS trusted,"
    " EXISTS (SELECT FROM callhook_store.notifications AS n"
    " WHERE n.subscription_id = r.subscription_id AND n.received_at"
    " >= greatest(r.first_at, now() - interval '1 day')) AS trusted_since,"
    " EXISTS (SELECT FROM callhook_store.gaps AS g"
    " WHERE g.tenant_id = s.tenant_id AND g.reason = '" GAP_REFUSED "'"
    " AND g.noted_at > now() - interval '1 day') AS replaced_of_late"
    " FROM callhook_store.subscriptions AS s"
    " WHERE s.subscription_id = r.subscription_id LIMIT 1) AS ours ON true"
    " WHERE r.last_at > now() - interval '1 day'"
    " AND (coalesce($1::uuid, tenant_id) = tenant_id OR subscription_id IN"
    " (SELECT s.subscription_id FROM callhook_store.subscriptions AS s"
    " WHERE s.tenant_id = $1::uuid))";

static const char select_pasts[] =
    "SELECT tenant, extract(epoch FROM last_run_at)::bigint AS last_run_at,"
    " extract(epoch FROM failed_at)::bigint AS failed_at,"
    " extract(epoch FROM retry_at)::bigint AS retry_at,"
    " extract(epoch FROM looked_at)::bigint AS looked_at"
    " FROM callhook_store.tenants"
    " WHERE coalesce($1::uuid, tenant_id) = tenant_id";

/* "" for null; it belongs to the result. */
static char *text_at(const PGresult *result, int i, const char *column)
{
    return PQgetvalue(result, i, PQfnumber(result, column));
}

static void copy_guid(char guid[GUID_SIZE], const PGresult *result, int i,
                      const char *column)
{
    snprintf(guid, GUID_SIZE, "%s", text_at(result, i, column));
}

static void read_row(void *place, const PGresult *result, int i)
{
    struct row *row = place;

    snprintf(row->no, sizeof(row->no), "%s",
             text_at(result, i, "subscription_no"));
    copy_guid(row->tenant_id, result, i, "tenant_id");
    copy_guid(row->id, result, i, "subscription_id");
    row->resource = text_at(result, i, "resource");
    row->change_type = text_at(result, i, "change_type");
    row->notification_url = text_at(result, i, "notification_url");
    row->lifecycle_url = text_at(result, i, "lifecycle_url");
    row->announced_at = result_number(result, i, "announced_at");
    row->expires_at = result_number(result, i, "expires_at");
    row->renewed_at = result_number(result, i, "renewed_at");
    row->alive_at = result_number(result, i, "alive_at");
    row->ended_at = result_number(result, i, "ended_at");
}

static void read_event(void *place, const PGresult *result, int i)
{
    struct event *event = place;

    copy_guid(event->notification_id, result, i, "notification_id");
    copy_guid(event->tenant_id, result, i, "tenant_id");
    copy_guid(event->subscription_id, result, i, "subscription_id");
    event->name = text_at(result, i, "lifecycle_event");
    event->received_at = result_number(result, i, "received_at");
}

static void read_refusal(void *place, const PGresult *result, int i)
{
    struct refusal *refusal = place;

    copy_guid(refusal->tenant_id, result, i, "tenant_id");
    copy_guid(refusal->subscription_id, result, i, "subscription_id");
    refusal->first_at = result_number(result, i, "first_at");
    refusal->last_at = result_number(result, i, "last_at");
    refusal->refused = result_number(result, i, "refused");
    refusal->trusted = result_number(result, i, "trusted");
    refusal->trusted_since = *text_at(result, i, "trusted_since") == 't';
    refusal->replaced_of_late = *text_at(result, i, "replaced_of_late") == 't';
}

static void read_past(void *place, const PGresult *result, int i)
{
    struct past *past = place;

    past->tenant = text_at(result, i, "tenant");
    past->last_run_at = result_number(result, i, "last_run_at");
    past->failed_at = result_number(result, i, "failed_at");
    past->retry_at = result_number(result, i, "retry_at");
    past->looked_at = result_number(result, i, "looked_at");
}

static const struct source {
    const char *sql;
    size_t size;
    void (*read)(void *place, const PGresult *result, int i);
} sources[SNAPSHOT_SOURCES] = {
    {select_rows, sizeof(struct row), read_row},
    {select_events, sizeof(struct event), read_event},
    {select_refusals, sizeof(struct refusal), read_refusal},
    {select_pasts, sizeof(struct past), read_past},
};

/* All that the result holds, each read into a struct of the source's. */
static void *read_all(const struct source *source, const PGresult *result,
                      size_t *count)
{
    char *all;

    *count = (size_t)PQntuples(result);
    all = memory_new(*count, source->size);
    for (size_t i = 0; i < *count; i++)
        source->read(all + i * source->size, result, (int)i);
    return all;
}

bool snapshot_load(struct database *database, const char *tenant_id,
                   struct snapshot *snapshot)
{
    PGresult *result = database_run(
        database, "SELECT extract(epoch FROM now())::bigint AS now", 0, NULL);
    PGresult **results = snapshot->results;

    *snapshot = (struct snapshot){.now = result_number(result, 0, "now")};
    PQclear(result);
    for (size_t i = 0; result && i < SNAPSHOT_SOURCES; i++)
        result = results[i] =
            database_run(database, sources[i].sql, 1, &tenant_id);
    snapshot->rows = read_all(&sources[0], results[0], &snapshot->row_count);
    snapshot->events =
        read_all(&sources[1], results[1], &snapshot->event_count);
    snapshot->refusals =
        read_all(&sources[2], results[2], &snapshot->refusal_count);
    snapshot->pasts = read_all(&sources[3], results[3], &snapshot->past_count);
    return result != NULL;
}

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->rows);
    free(snapshot->events);
    free(snapshot->refusals);
    free(snapshot->pasts);
    for (size_t i = 0; i < SNAPSHOT_SOURCES; i++)
        PQclear(snapshot->results[i]);
    *snapshot = (struct snapshot){0};
}
