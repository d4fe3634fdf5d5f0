/* What the database says about all tenants, for people. */
#include "overview.h"

#include "memory.h"
#include "names.h"

static const char select_kept[] =
    "SELECT s.tenant_id, s.subscription_id, s.resource, s.change_type,"
    " split_part(s.notification_url, '?', 1),"
    " extract(epoch FROM s.announced_at)::bigint,"
    " extract(epoch FROM s.renewed_at)::bigint,"
    " extract(epoch FROM s.expires_at)::bigint,"
    " r.refusals, r.reason, extract(epoch FROM r.last_at)::bigint"
    " FROM callhook_store.subscriptions AS s"
    " LEFT JOIN callhook_store.refusals AS r"
    " ON r.subscription_id = s.subscription_id"
    " AND r.last_at > now() - interval '1 day'"
    " WHERE s.ended_at IS NULL ORDER BY s.tenant_id, s.subscription_no";

static const char select_runs[] = "SELECT tenant, extract(epoch FROM "
                                  "last_run_at)::bigint,"
                                  " extract(epoch FROM failed_at)::bigint,"
                                  " extract(epoch FROM retry_at)::bigint, "
                                  "failure"
                                  " FROM callhook_store.tenants";

/* Those that a run would look at. */
static const char select_waiting[] =
    "SELECT n.tenant_id, count(*),"
    " extract(epoch FROM min(n.received_at))::bigint"
    " FROM callhook_store.notifications AS n"
    " WHERE n.lifecycle_event IS NOT NULL AND n.subscription_id IS NOT NULL"
    " AND n.stored_at > now() - interval '3 days'"
    " AND NOT EXISTS (SELECT FROM callhook_store.lifecycle_handled AS h"
    " WHERE h.notification_id = n.notification_id)"
    " GROUP BY n.tenant_id";

static const char select_lacking[] =
    "SELECT tenant_id, resource, change_type,"
    " extract(epoch FROM"
    " min(begins_at) FILTER (WHERE ends_at IS NULL))::bigint,"
    " min(reason) FILTER (WHERE ends_at IS NULL), count(ends_at),"
    " extract(epoch FROM"
    " min(begins_at) FILTER (WHERE ends_at IS NOT NULL))::bigint"
    " FROM callhook_store.gaps WHERE closed_at IS NULL"
    " GROUP BY tenant_id, resource, change_type";

/*
 * No index names a subscription: most of them are among the last rows, and
 * older ones are only searched, in one pass, for those that are not.
 */
static const char select_last[] =
    "WITH live AS MATERIALIZED ("
    "SELECT subscription_id FROM callhook_store.subscriptions"
    " WHERE ended_at IS NULL AND subscription_id IS NOT NULL"
    "), recent AS MATERIALIZED ("
    "SELECT subscription_id, received_at FROM callhook_store.notifications"
    " WHERE received_at > now() - interval '31 days'"
    " ORDER BY received_at DESC LIMIT 50000"
    "), seen AS MATERIALIZED ("
    "SELECT subscription_id, max(received_at) AS at FROM recent"
    " GROUP BY subscription_id"
    "), older AS ("
    "SELECT n.subscription_id, max(n.received_at) AS at"
    " FROM callhook_store.notifications AS n"
    " WHERE n.received_at > now() - interval '31 days'"
    " AND n.received_at <= (SELECT min(received_at) FROM recent)"
    " AND (SELECT count(*) FROM recent) = 50000"
    " AND EXISTS (SELECT FROM live WHERE NOT EXISTS (SELECT FROM seen"
    " WHERE seen.subscription_id = live.subscription_id))"
    " AND n.subscription_id IN (SELECT subscription_id FROM live"
    " EXCEPT SELECT subscription_id FROM seen)"
    " GROUP BY n.subscription_id"
    ") SELECT l.subscription_id, extract(epoch FROM l.at)::bigint"
    " FROM (SELECT * FROM seen UNION ALL SELECT * FROM older) AS l"
    " JOIN live ON live.subscription_id = l.subscription_id"
    " ORDER BY l.subscription_id";

/* -- reading ----------------------------------------------------------- */

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static char *text_at(const PGresult *result, int row, int column)
{
    return memory_copy(PQgetvalue(result, row, column));
}

static void guid_at(char guid[37], const PGresult *result, int row, int column)
{
    snprintf(guid, 37, "%s", PQgetvalue(result, row, column));
}

/* Runs a statement, and makes room for what it found. */
static PGresult *select_all(struct database *database, const char *sql,
                            size_t size, void **room, size_t *count)
{
    PGresult *result = database_run(database, sql, 0, NULL);

    *count = result ? (size_t)PQntuples(result) : 0;
    *room = memory_new(*count, size);
    return result;
}

static bool load_kept(struct database *database, struct overview *overview)
{
    void *room;
    PGresult *result = select_all(database, select_kept, sizeof(struct kept),
                                  &room, &overview->kept_count);

    overview->kept = room;
    for (int i = 0; i < (int)overview->kept_count; i++) {
        struct kept *kept = &overview->kept[i];

        guid_at(kept->tenant_id, result, i, 0);
        guid_at(kept->id, result, i, 1);
        kept->resource = text_at(result, i, 2);
        kept->change_type = text_at(result, i, 3);
        kept->notification_url = text_at(result, i, 4);
        kept->announced_at = number_at(result, i, 5);
        kept->renewed_at = number_at(result, i, 6);
        kept->expires_at = number_at(result, i, 7);
        kept->refusals = number_at(result, i, 8);
        kept->refusal_reason = text_at(result, i, 9);
        kept->last_refused_at = number_at(result, i, 10);
    }
    PQclear(result);
    return result != NULL;
}

static bool load_runs(struct database *database, struct overview *overview)
{
    void *room;
    PGresult *result =
        select_all(database, select_runs, sizeof(struct last_run), &room,
                   &overview->run_count);

    overview->runs = room;
    for (int i = 0; i < (int)overview->run_count; i++) {
        struct last_run *run = &overview->runs[i];

        run->tenant = text_at(result, i, 0);
        run->ran_at = number_at(result, i, 1);
        run->failed_at = number_at(result, i, 2);
        run->retry_at = number_at(result, i, 3);
        run->failure = text_at(result, i, 4);
    }
    PQclear(result);
    return result != NULL;
}

static bool load_waiting(struct database *database, struct overview *overview)
{
    void *room;
    PGresult *result =
        select_all(database, select_waiting, sizeof(struct waiting), &room,
                   &overview->waiting_count);

    overview->waiting = room;
    for (int i = 0; i < (int)overview->waiting_count; i++) {
        struct waiting *waiting = &overview->waiting[i];

        guid_at(waiting->tenant_id, result, i, 0);
        waiting->items = number_at(result, i, 1);
        waiting->oldest_at = number_at(result, i, 2);
    }
    PQclear(result);
    return result != NULL;
}

static bool load_lacking(struct database *database, struct overview *overview)
{
    void *room;
    PGresult *result =
        select_all(database, select_lacking, sizeof(struct lacking), &room,
                   &overview->lacking_count);

    overview->lacking = room;
    for (int i = 0; i < (int)overview->lacking_count; i++) {
        struct lacking *lacking = &overview->lacking[i];

        guid_at(lacking->tenant_id, result, i, 0);
        lacking->resource = text_at(result, i, 1);
        lacking->change_type = text_at(result, i, 2);
        lacking->lasts_since = number_at(result, i, 3);
        lacking->reason = text_at(result, i, 4);
        lacking->unsearched = number_at(result, i, 5);
        lacking->unsearched_since = number_at(result, i, 6);
    }
    PQclear(result);
    return result != NULL;
}

static bool load_now(struct database *database, struct overview *overview)
{
    PGresult *result = database_run(
        database, "SELECT extract(epoch FROM now())::bigint", 0, NULL);

    if (result)
        overview->now = number_at(result, 0, 0);
    PQclear(result);
    return result != NULL;
}

bool overview_load(struct database *database, struct overview *overview)
{
    *overview = (struct overview){0};
    return load_now(database, overview) && load_kept(database, overview) &&
           load_runs(database, overview) && load_waiting(database, overview) &&
           load_lacking(database, overview);
}

/* The row of this id in a result that is ordered by it; -1: there is none. */
static int find_row(const PGresult *result, const char *id)
{
    int low = 0, high = PQntuples(result);

    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(PQgetvalue(result, middle, 0), id);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

bool overview_load_last(struct database *database, struct overview *overview)
{
    PGresult *result = database_run(database, select_last, 0, NULL);

    for (size_t i = 0; result && i < overview->kept_count; i++) {
        int row = find_row(result, overview->kept[i].id);

        if (row >= 0)
            overview->kept[i].last_item_at = number_at(result, row, 1);
    }
    PQclear(result);
    return result != NULL;
}

/* -- finding ----------------------------------------------------------- */

static bool is_kind(const struct tenant *tenant, const char *tenant_id,
                    const char *resource, const char *change_type)
{
    return strcmp(tenant->tenant_id, tenant_id) == 0 &&
           names_same_resource(tenant->resource, resource) &&
           names_same_change_type(tenant->change_type, change_type);
}

const struct kept *overview_next(const struct overview *overview,
                                 const struct tenant *tenant,
                                 const struct kept *after)
{
    const struct kept *one = after ? after + 1 : overview->kept;

    for (; one < overview->kept + overview->kept_count; one++)
        if (is_kind(tenant, one->tenant_id, one->resource, one->change_type))
            return one;
    return NULL;
}

const struct last_run *overview_run(const struct overview *overview,
                                    const struct tenant *tenant)
{
    for (size_t i = 0; i < overview->run_count; i++)
        if (strcmp(overview->runs[i].tenant, tenant->name) == 0)
            return &overview->runs[i];
    return NULL;
}

const struct waiting *overview_waiting(const struct overview *overview,
                                       const struct tenant *tenant)
{
    for (size_t i = 0; i < overview->waiting_count; i++)
        if (strcmp(overview->waiting[i].tenant_id, tenant->tenant_id) == 0)
            return &overview->waiting[i];
    return NULL;
}

const struct lacking *overview_lacking(const struct overview *overview,
                                       const struct tenant *tenant)
{
    for (size_t i = 0; i < overview->lacking_count; i++) {
        const struct lacking *one = &overview->lacking[i];

        if (is_kind(tenant, one->tenant_id, one->resource, one->change_type))
            return one;
    }
    return NULL;
}

bool overview_is_live(const struct overview *overview, const struct kept *kept)
{
    return *kept->id && kept->expires_at > overview->now;
}

/* -- the end ----------------------------------------------------------- */

void overview_free(struct overview *overview)
{
    for (size_t i = 0; i < overview->kept_count; i++) {
        free(overview->kept[i].resource);
        free(overview->kept[i].change_type);
        free(overview->kept[i].notification_url);
        free(overview->kept[i].refusal_reason);
    }
    for (size_t i = 0; i < overview->run_count; i++) {
        free(overview->runs[i].tenant);
        free(overview->runs[i].failure);
    }
    for (size_t i = 0; i < overview->lacking_count; i++) {
        free(overview->lacking[i].resource);
        free(overview->lacking[i].change_type);
        free(overview->lacking[i].reason);
    }
    free(overview->kept);
    free(overview->runs);
    free(overview->waiting);
    free(overview->lacking);
    *overview = (struct overview){0};
}
