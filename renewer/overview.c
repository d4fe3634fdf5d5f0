/* What the database says about all tenants, for people. */
#include "overview.h"

#include <strings.h>
#include <sysexits.h>

#include <yajl/yajl_gen.h>

#include "log.h"
#include "memory.h"
#include "names.h"

static const char select_tenants[] = "SELECT * FROM "
                                     "callhook_store.tenant_status($1)";
static const char select_subscriptions[] = "SELECT * FROM "
                                           "callhook_store.kept_subscriptions($"
                                           "1)";

static void put(yajl_gen gen, const char *text)
{
    yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

/* [["contoso", its tenant_id, resource, change type], ...] */
static char *list_tenants(const struct settings *settings)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *bytes = NULL;
    size_t length = 0;
    char *text;

    if (!gen)
        die(EX_OSERR, "out of memory");
    yajl_gen_array_open(gen);
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        char *resource = names_resource(tenant->resource);
        char *change_type = names_change_type(tenant->change_type);

        yajl_gen_array_open(gen);
        put(gen, tenant->name);
        put(gen, tenant->tenant_id);
        put(gen, resource);
        put(gen, change_type);
        yajl_gen_array_close(gen);
        free(resource);
        free(change_type);
    }
    yajl_gen_array_close(gen);
    yajl_gen_get_buf(gen, &bytes, &length);
    text = memory_copy_bytes((const char *)bytes, length);
    yajl_gen_free(gen);
    return text;
}

static PGresult *ask(struct database *database, const char *sql,
                     const char *value)
{
    return database_run(database, sql, 1, &value);
}

bool overview_load(struct overview *overview, struct database *database,
                   const struct settings *settings, bool with_last)
{
    char *tenants = list_tenants(settings);

    *overview =
        (struct overview){.tenants = ask(database, select_tenants, tenants)};
    free(tenants);
    if (overview->tenants && with_last)
        overview->subscriptions = ask(database, select_subscriptions, "true");
    overview->last_known = overview->subscriptions != NULL;
    if (overview->tenants && !overview->last_known)
        overview->subscriptions = ask(database, select_subscriptions, "false");
    if (!overview->subscriptions) {
        overview_free(overview);
        return false;
    }
    overview->now = result_number(overview->tenants, 0, "now");
    return true;
}

void overview_free(struct overview *overview)
{
    PQclear(overview->tenants);
    PQclear(overview->subscriptions);
    *overview = (struct overview){0};
}

int overview_next(const struct overview *overview, const struct tenant *tenant,
                  int after)
{
    const PGresult *all = overview->subscriptions;
    int count = PQntuples(all);

    /* The first column is the tenant_id: there may be thousands of rows. */
    for (int i = after + 1; i < count; i++)
        if (strcmp(PQgetvalue(all, i, 0), tenant->tenant_id) == 0 &&
            names_same_resource(tenant->resource,
                                result_text(all, i, "resource")) &&
            names_same_change_type(tenant->change_type,
                                   result_text(all, i, "change_type")))
            return i;
    return -1;
}

bool overview_has_calls(const struct tenant *tenant)
{
    static const char call_records[] = "communications/callRecords";
    const char *resource = tenant->resource + (*tenant->resource == '/');

    return strncasecmp(resource, call_records, sizeof(call_records) - 1) == 0;
}
