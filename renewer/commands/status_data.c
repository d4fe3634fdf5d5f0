/* What the database says about all tenants, for people. */
#include "commands/status_data.h"

#include <strings.h>
#include <sysexits.h>

#include <yajl/yajl_gen.h>

#include "base/change_type.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/resource.h"

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
        char *resource = resource_key(tenant->resource);
        char *change_type = change_type_key(tenant->change_type);

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

bool status_data_load(struct status_data *status_data,
                      struct database *database,
                      const struct settings *settings, bool with_last)
{
    char *tenants = list_tenants(settings);

    *status_data =
        (struct status_data){.tenants = ask(database, select_tenants, tenants)};
    free(tenants);
    if (status_data->tenants && with_last)
        status_data->subscriptions =
            ask(database, select_subscriptions, "true");
    status_data->last_known = status_data->subscriptions != NULL;
    if (status_data->tenants && !status_data->last_known)
        status_data->subscriptions =
            ask(database, select_subscriptions, "false");
    if (!status_data->subscriptions) {
        status_data_free(status_data);
        return false;
    }
    status_data->now = result_number(status_data->tenants, 0, "now");
    return true;
}

void status_data_free(struct status_data *status_data)
{
    PQclear(status_data->tenants);
    PQclear(status_data->subscriptions);
    *status_data = (struct status_data){0};
}

int status_data_next(const struct status_data *status_data,
                     const struct tenant *tenant, int after)
{
    const PGresult *all = status_data->subscriptions;
    int count = PQntuples(all);

    /* The first column is the tenant_id: there may be thousands of rows. */
    for (int i = after + 1; i < count; i++)
        if (strcmp(PQgetvalue(all, i, 0), tenant->tenant_id) == 0 &&
            resource_is_same(tenant->resource,
                             result_text(all, i, "resource")) &&
            change_type_is_same(tenant->change_type,
                                result_text(all, i, "change_type")))
            return i;
    return -1;
}
