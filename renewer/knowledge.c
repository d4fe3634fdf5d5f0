/* Reads all that says what is due, in a few statements. */
#include "knowledge.h"

#include "memory.h"

/* $1 is a tenant_id, or null: of all tenants. */
#define OF_TENANT(column) "($1::uuid IS NULL OR " column " = $1::uuid)"

/* An ended one may turn out to live (Graph's 404 is not always true). */
static const char select_rows[] =
    "SELECT subscription_no, tenant_id, coalesce(subscription_id::text, ''),"
    " coalesce(resource, ''), coalesce(change_type, ''),"
    " coalesce(notification_url, ''), coalesce(lifecycle_url, ''),"
    " extract(epoch FROM announced_at)::bigint,"
    " extract(epoch FROM expires_at)::bigint,"
    " extract(epoch FROM renewed_at)::bigint,"
    " extract(epoch FROM alive_at)::bigint,"
    " extract(epoch FROM ended_at)::bigint"
    " FROM callhook_store.subscriptions"
    " WHERE " OF_TENANT("tenant_id") " AND (ended_at IS NULL OR ended_at > "
                                     "now() - interval '7 days'"
                                     " AND ended_at > announced_at)"
                                     " ORDER BY tenant_id, subscription_no";

static const char select_events[] =
    "SELECT n.notification_id, n.tenant_id, n.subscription_id,"
    " n.lifecycle_event, extract(epoch FROM n.received_at)::bigint"
    " FROM callhook_store.notifications AS n"
    " WHERE " OF_TENANT("n.tenant_id") " AND n.lifecycle_event IS NOT NULL AND "
                                       "n.subscription_id IS NOT NULL"
                                       " AND n.stored_at > now() - interval '3 "
                                       "days'"
                                       " AND NOT EXISTS (SELECT FROM "
                                       "callhook_store.lifecycle_handled AS h"
                                       " WHERE h.notification_id = "
                                       "n.notification_id)"
                                       " ORDER BY n.tenant_id, n.received_at "
                                       "LIMIT 10000";

/*
 * Strangers' made-up ids are among them: only for ids of ours are notifications
 * searched, which have no index on the subscription.
 */
static const char select_refusals[] =
    "SELECT coalesce(r.tenant_id::text, ''), r.subscription_id,"
    " extract(epoch FROM r.first_at)::bigint,"
    " extract(epoch FROM r.last_at)::bigint,"
    " EXISTS (SELECT FROM callhook_store.subscriptions AS s"
    " WHERE s.subscription_id = r.subscription_id)"
    " AND EXISTS (SELECT FROM callhook_store.notifications AS n"
    " WHERE n.subscription_id = r.subscription_id"
    " AND n.received_at >= greatest(r.first_at, now() - interval '1 day'))"
    " FROM callhook_store.refusals AS r"
    " WHERE r.last_at > now() - interval '1 day'"
    " AND (" OF_TENANT("r.tenant_id") " OR r.subscription_id IN"
                                      " (SELECT s.subscription_id FROM "
                                      "callhook_store.subscriptions AS s"
                                      " WHERE s.tenant_id = $1::uuid))";

static const char select_pasts[] = "SELECT tenant, extract(epoch FROM "
                                   "last_run_at)::bigint,"
                                   " extract(epoch FROM failed_at)::bigint,"
                                   " extract(epoch FROM retry_at)::bigint FROM "
                                   "callhook_store.tenants"
                                   " WHERE " OF_TENANT("tenant_id");

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static char *text_at(const PGresult *result, int row, int column)
{
    return memory_copy(PQgetvalue(result, row, column));
}

static void guid_at(char guid[GUID_SIZE], const PGresult *result, int row,
                    int column)
{
    snprintf(guid, GUID_SIZE, "%s", PQgetvalue(result, row, column));
}

static void read_row(struct row *row, const PGresult *result, int i)
{
    snprintf(row->no, sizeof(row->no), "%s", PQgetvalue(result, i, 0));
    guid_at(row->tenant_id, result, i, 1);
    guid_at(row->id, result, i, 2);
    row->resource = text_at(result, i, 3);
    row->change_type = text_at(result, i, 4);
    row->notification_url = text_at(result, i, 5);
    row->lifecycle_url = text_at(result, i, 6);
    row->announced_at = number_at(result, i, 7);
    row->expires_at = number_at(result, i, 8);
    row->renewed_at = number_at(result, i, 9);
    row->alive_at = number_at(result, i, 10);
    row->ended_at = number_at(result, i, 11);
}

static bool load_rows(struct database *database, const char *tenant_id,
                      struct knowledge *knowledge)
{
    PGresult *result = database_run(database, select_rows, 1, &tenant_id);
    int count = result ? PQntuples(result) : 0;

    knowledge->rows = memory_new((size_t)count, sizeof(struct row));
    knowledge->row_count = (size_t)count;
    for (int i = 0; i < count; i++)
        read_row(&knowledge->rows[i], result, i);
    PQclear(result);
    return result != NULL;
}

static bool load_events(struct database *database, const char *tenant_id,
                        struct knowledge *knowledge)
{
    PGresult *result = database_run(database, select_events, 1, &tenant_id);
    int count = result ? PQntuples(result) : 0;

    knowledge->events = memory_new((size_t)count, sizeof(struct event));
    knowledge->event_count = (size_t)count;
    for (int i = 0; i < count; i++) {
        struct event *event = &knowledge->events[i];

        guid_at(event->notification_id, result, i, 0);
        guid_at(event->tenant_id, result, i, 1);
        guid_at(event->subscription_id, result, i, 2);
        event->name = text_at(result, i, 3);
        event->received_at = number_at(result, i, 4);
    }
    PQclear(result);
    return result != NULL;
}

static bool load_refusals(struct database *database, const char *tenant_id,
                          struct knowledge *knowledge)
{
    PGresult *result = database_run(database, select_refusals, 1, &tenant_id);
    int count = result ? PQntuples(result) : 0;

    knowledge->refusals = memory_new((size_t)count, sizeof(struct refusal));
    knowledge->refusal_count = (size_t)count;
    for (int i = 0; i < count; i++) {
        struct refusal *refusal = &knowledge->refusals[i];

        guid_at(refusal->tenant_id, result, i, 0);
        guid_at(refusal->subscription_id, result, i, 1);
        refusal->first_at = number_at(result, i, 2);
        refusal->last_at = number_at(result, i, 3);
        refusal->trusted_since = *PQgetvalue(result, i, 4) == 't';
    }
    PQclear(result);
    return result != NULL;
}

static bool load_pasts(struct database *database, const char *tenant_id,
                       struct knowledge *knowledge)
{
    PGresult *result = database_run(database, select_pasts, 1, &tenant_id);
    int count = result ? PQntuples(result) : 0;

    knowledge->pasts = memory_new((size_t)count, sizeof(struct past));
    knowledge->past_count = (size_t)count;
    for (int i = 0; i < count; i++) {
        struct past *past = &knowledge->pasts[i];

        past->tenant = text_at(result, i, 0);
        past->last_run_at = number_at(result, i, 1);
        past->failed_at = number_at(result, i, 2);
        past->retry_at = number_at(result, i, 3);
    }
    PQclear(result);
    return result != NULL;
}

static bool load_now(struct database *database, struct knowledge *knowledge)
{
    PGresult *result = database_run(
        database, "SELECT extract(epoch FROM now())::bigint", 0, NULL);

    if (result)
        knowledge->now = number_at(result, 0, 0);
    PQclear(result);
    return result != NULL;
}

bool knowledge_load(struct database *database, const char *tenant_id,
                    struct knowledge *knowledge)
{
    *knowledge = (struct knowledge){0};
    return load_now(database, knowledge) &&
           load_rows(database, tenant_id, knowledge) &&
           load_events(database, tenant_id, knowledge) &&
           load_refusals(database, tenant_id, knowledge) &&
           load_pasts(database, tenant_id, knowledge);
}

static void row_free(struct row *row)
{
    free(row->resource);
    free(row->change_type);
    free(row->notification_url);
    free(row->lifecycle_url);
}

void knowledge_free(struct knowledge *knowledge)
{
    for (size_t i = 0; i < knowledge->row_count; i++)
        row_free(&knowledge->rows[i]);
    for (size_t i = 0; i < knowledge->event_count; i++)
        free(knowledge->events[i].name);
    for (size_t i = 0; i < knowledge->past_count; i++) {
        free(knowledge->pasts[i].tenant);
    }
    free(knowledge->rows);
    free(knowledge->events);
    free(knowledge->refusals);
    free(knowledge->pasts);
    *knowledge = (struct knowledge){0};
}
