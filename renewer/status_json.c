/* The JSON object that `status --json` prints; its keys stay as they are. */
#include <sysexits.h>
#include <yajl/yajl_gen.h>

#include "clock.h"
#include "datetime.h"
#include "log.h"
#include "status.h"
#include "token.h"

static void must(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        die(EX_SOFTWARE, "yajl: status %d", (int)status);
}

static void put_text(yajl_gen gen, const char *text)
{
    must(yajl_gen_string(gen, (const unsigned char *)text, strlen(text)));
}

static void put_key(yajl_gen gen, const char *key)
{
    put_text(gen, key);
}

/* "" is null. */
static void put_member(yajl_gen gen, const char *key, const char *text)
{
    put_key(gen, key);
    if (*text)
        put_text(gen, text);
    else
        must(yajl_gen_null(gen));
}

static void put_number(yajl_gen gen, const char *key, int64_t number)
{
    put_key(gen, key);
    must(yajl_gen_integer(gen, number));
}

static void put_bool(yajl_gen gen, const char *key, bool value)
{
    put_key(gen, key);
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

static void put_sentences(yajl_gen gen, const char *key,
                          const struct sentences *sentences)
{
    put_key(gen, key);
    must(yajl_gen_array_open(gen));
    for (size_t i = 0; i < sentences->count; i++)
        put_text(gen, sentences->all[i]);
    must(yajl_gen_array_close(gen));
}

static void put_kept(yajl_gen gen, const struct overview *overview,
                     const struct kept *kept)
{
    must(yajl_gen_map_open(gen));
    put_member(gen, "subscription_id", kept->id);
    put_member(gen, "state", health_state(overview, kept));
    put_member(gen, "notification_url", kept->notification_url);
    put_time(gen, "announced_at", kept->announced_at);
    put_time(gen, "renewed_at", kept->renewed_at);
    put_time(gen, "expires_at", kept->expires_at);
    put_time(gen, "last_notification_at", kept->last_item_at);
    put_number(gen, "refusals", kept->refusals);
    put_member(gen, "refusal_reason", kept->refusal_reason);
    put_time(gen, "last_refused_at", kept->last_refused_at);
    must(yajl_gen_map_close(gen));
}

static void put_subscriptions(yajl_gen gen, const struct overview *overview,
                              const struct tenant *tenant)
{
    const struct kept *kept = NULL;

    put_key(gen, "subscriptions");
    must(yajl_gen_array_open(gen));
    while ((kept = overview_next(overview, tenant, kept)))
        put_kept(gen, overview, kept);
    must(yajl_gen_array_close(gen));
}

static void put_run(yajl_gen gen, const struct overview *overview,
                    const struct tenant *tenant)
{
    char nothing[] = "";
    const struct last_run none = {.failure = nothing};
    const struct last_run *run = overview_run(overview, tenant);

    if (!run)
        run = &none;
    put_time(gen, "last_run_at", run->ran_at);
    put_time(gen, "failed_since", run->failed_at);
    put_member(gen, "failure", run->failure);
    put_time(gen, "retry_at", run->retry_at);
}

static void put_backlog(yajl_gen gen, const struct overview *overview,
                        const struct tenant *tenant)
{
    static const struct waiting idle;
    static const struct lacking complete;
    const struct waiting *waiting = overview_waiting(overview, tenant);
    const struct lacking *lacking = overview_lacking(overview, tenant);

    if (!waiting)
        waiting = &idle;
    if (!lacking)
        lacking = &complete;
    put_number(gen, "lifecycle_waiting", waiting->items);
    put_time(gen, "lifecycle_waiting_since", waiting->oldest_at);
    put_time(gen, "gap_since", lacking->lasts_since);
    put_number(gen, "gaps_unsearched", lacking->unsearched);
    put_time(gen, "gaps_unsearched_since", lacking->unsearched_since);
}

static void put_tenant(yajl_gen gen, const struct status *status,
                       const struct tenant *tenant, const struct health *health)
{
    must(yajl_gen_map_open(gen));
    put_member(gen, "tenant", tenant->name);
    put_bool(gen, "ok", status->health && health->needs.count == 0);
    put_member(gen, "tenant_id", tenant->tenant_id);
    put_member(gen, "resource", tenant->resource);
    put_member(gen, "change_type", tenant->change_type);
    put_time(gen, "token_expires_at",
             token_kept_until(tenant, status->settings->state_dir));
    put_run(gen, &status->overview, tenant);
    put_subscriptions(gen, &status->overview, tenant);
    put_backlog(gen, &status->overview, tenant);
    put_sentences(gen, "needs", &health->needs);
    put_sentences(gen, "notes", &health->notes);
    must(yajl_gen_map_close(gen));
}

static void put_status(yajl_gen gen, const struct status *status)
{
    static const struct health unknown;
    const struct settings *settings = status->settings;

    must(yajl_gen_map_open(gen));
    put_bool(gen, "ok", status->health && status->in_need == 0);
    put_time(gen, "at", clock_wall());
    put_member(gen, "database_fault", status->database_fault);
    put_key(gen, "tenants");
    must(yajl_gen_array_open(gen));
    for (size_t i = 0; i < settings->tenant_count; i++)
        put_tenant(gen, status, &settings->tenants[i],
                   status->health ? &status->health[i] : &unknown);
    must(yajl_gen_array_close(gen));
    must(yajl_gen_map_close(gen));
}

void status_print_json(const struct status *status)
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
