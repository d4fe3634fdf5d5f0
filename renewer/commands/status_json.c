/* The JSON object that `status --json` prints; its keys stay as they are. */
#include <sysexits.h>
#include <yajl/yajl_gen.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/datetime.h"
#include "base/log.h"
#include "commands/status.h"

/* Columns of a result that are members under the same name. */
struct member {
    const char *name;
    enum { TEXT, NUMBER, TIME } kind;
};

static const struct member of_subscription[] = {
    {"subscription_id", TEXT},      {"state", TEXT},
    {"notification_url", TEXT},     {"announced_at", TIME},
    {"renewed_at", TIME},           {"expires_at", TIME},
    {"last_notification_at", TIME}, {"refusals", NUMBER},
    {"refusal_reason", TEXT},       {"last_refused_at", TIME}};

static const struct member of_run[] = {{"last_run_at", TIME},
                                       {"failed_since", TIME},
                                       {"failure", TEXT},
                                       {"retry_at", TIME}};

static const struct member of_backlog[] = {{"lifecycle_waiting", NUMBER},
                                           {"lifecycle_waiting_since", TIME},
                                           {"gap_since", TIME},
                                           {"gaps_unsearched", NUMBER},
                                           {"gaps_unsearched_since", TIME}};

static const struct member of_records[] = {{"records_waiting", NUMBER},
                                           {"records_waiting_since", TIME},
                                           {"records_failed", NUMBER},
                                           {"records_gone", NUMBER},
                                           {"calls_missing", NUMBER}};

static const struct member of_lists[] = {{"listed_until", TIME},
                                         {"last_listed_at", TIME}};

static void must(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        die(EX_SOFTWARE, "yajl: status %d", (int)status);
}

static void put_text(yajl_gen gen, const char *text)
{
    must(yajl_gen_string(gen, (const unsigned char *)text, strlen(text)));
}

/* "" is null. */
static void put_member(yajl_gen gen, const char *key, const char *text)
{
    put_text(gen, key);
    if (*text)
        put_text(gen, text);
    else
        must(yajl_gen_null(gen));
}

static void put_bool(yajl_gen gen, const char *key, bool value)
{
    put_text(gen, key);
    must(yajl_gen_bool(gen, value));
}

/* 0 is null. */
static void put_time(yajl_gen gen, const char *key, int64_t seconds)
{
    char text[DATETIME_SIZE] = "";

    if (seconds)
        datetime_write(text, seconds);
    put_member(gen, key, text);
}

/* Without a result all is 0 or null. */
static void put_members(yajl_gen gen, const struct member *members,
                        size_t count, const PGresult *result, int row)
{
    for (const struct member *one = members; one < members + count; one++) {
        if (one->kind == TEXT) {
            put_member(gen, one->name, result_text(result, row, one->name));
        } else if (one->kind == TIME) {
            put_time(gen, one->name, result_number(result, row, one->name));
        } else {
            put_text(gen, one->name);
            must(yajl_gen_integer(gen, result_number(result, row, one->name)));
        }
    }
}

#define PUT_MEMBERS(gen, members, result, row)                                 \
    put_members(gen, members, sizeof(members) / sizeof(*(members)), result, row)

static void put_sentences(yajl_gen gen, const char *key,
                          const struct status_findings *status_findings,
                          enum kind kind)
{
    put_text(gen, key);
    must(yajl_gen_array_open(gen));
    for (size_t i = 0; i < status_findings->count; i++)
        if (status_findings->all[i].kind == kind)
            put_text(gen, status_findings->all[i].text);
    must(yajl_gen_array_close(gen));
}

static void put_subscriptions(yajl_gen gen,
                              const struct status_data *status_data,
                              const struct tenant *tenant)
{
    const PGresult *all = status_data->subscriptions;

    put_text(gen, "subscriptions");
    must(yajl_gen_array_open(gen));
    for (int i = -1; (i = status_data_next(status_data, tenant, i)) >= 0;) {
        must(yajl_gen_map_open(gen));
        PUT_MEMBERS(gen, of_subscription, all, i);
        must(yajl_gen_map_close(gen));
    }
    must(yajl_gen_array_close(gen));
}

static void put_tenant(yajl_gen gen, const struct status *status, size_t i)
{
    static const struct status_findings unknown;
    const struct tenant *tenant = &status->settings->tenants[i];
    const struct status_findings *status_findings =
        status->status_findings ? &status->status_findings[i] : &unknown;
    const PGresult *all = status->status_data.tenants;
    int row = (int)i;

    must(yajl_gen_map_open(gen));
    put_member(gen, "tenant", tenant->name);
    put_bool(gen, "ok", status->status_findings && status_findings->needs == 0);
    put_member(gen, "tenant_id", tenant->tenant_id);
    put_member(gen, "resource", tenant->resource);
    put_member(gen, "change_type", tenant->change_type);
    put_time(gen, "token_expires_at",
             token_kept_until(tenant, status->settings->state_dir));
    PUT_MEMBERS(gen, of_run, all, row);
    put_subscriptions(gen, &status->status_data, tenant);
    PUT_MEMBERS(gen, of_backlog, all, row);
    PUT_MEMBERS(gen, of_records, tenant->records ? all : NULL, row);
    PUT_MEMBERS(gen, of_lists, tenant->reconcile ? all : NULL, row);
    put_sentences(gen, "needs", status_findings, NEED);
    put_sentences(gen, "notes", status_findings, NOTE);
    must(yajl_gen_map_close(gen));
}

static void put_status(yajl_gen gen, const struct status *status)
{
    must(yajl_gen_map_open(gen));
    put_bool(gen, "ok", status->status_findings && status->in_need == 0);
    put_time(gen, "at", clock_wall());
    put_member(gen, "database_fault", status->database_fault);
    put_text(gen, "tenants");
    must(yajl_gen_array_open(gen));
    for (size_t i = 0; i < status->settings->tenant_count; i++)
        put_tenant(gen, status, i);
    must(yajl_gen_array_close(gen));
    must(yajl_gen_map_close(gen));
}

void status_json_print(const struct status *status)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *bytes;
    size_t length;

    if (!gen)
        die(EX_OSERR, "out of memory");
    put_status(gen, status);
    must(yajl_gen_get_buf(gen, &bytes, &length));
    fwrite(bytes, 1, length, stdout);
    putchar('\n');
    yajl_gen_free(gen);
}
