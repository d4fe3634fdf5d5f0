/* The form for Prometheus: its text format, version 0.0.4. */
#include "status/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "status/verdict.h"

/* A sample; false: it is not known, and then there is none. */
typedef bool sample_function(const struct state *state, yajl_val of,
                             int64_t *value);

struct metric {
    const char *name;
    const char *type;
    const char *help;
    sample_function *sample;
};

/* -- samples of a tenant, and of a receiver ---------------------------- */

/* Without a subscription it is 0, long over, so that an alert fires. */
static bool get_expiry(const struct state *state, yajl_val tenant,
                       int64_t *value)
{
    *value = verdict_ends_at(tenant);
    return state->is_there;
}

static bool get_last_notification(const struct state *state, yajl_val tenant,
                                  int64_t *value)
{
    yajl_val *all;
    size_t count = state_list(tenant, "subscriptions", &all);

    (void)state;
    *value = state_time(json_member(tenant, "silence"), "last_notification_at");
    for (size_t i = 0; i < count; i++) {
        int64_t at = state_time(all[i], "last_notification_at");

        *value = at > *value ? at : *value;
    }
    return *value;
}

static bool get_silence(const struct state *state, yajl_val tenant,
                        int64_t *value)
{
    yajl_val alarm = json_member(json_member(tenant, "silence"), "alarm");

    (void)state;
    *value = YAJL_IS_TRUE(alarm);
    return *value || YAJL_IS_FALSE(alarm);
}

static bool get_gap(const struct state *state, yajl_val tenant, int64_t *value)
{
    *value = json_text(tenant, "gap_since") != NULL;
    return state->is_there;
}

static bool get_last_run(const struct state *state, yajl_val tenant,
                         int64_t *value)
{
    (void)state;
    *value = state_time(tenant, "last_run_at");
    return *value;
}

static bool get_up(const struct state *state, yajl_val receiver, int64_t *value)
{
    const char *condition = json_text(receiver, "state");

    (void)state;
    *value = condition && strcmp(condition, "live") == 0;
    return *value || (condition && strcmp(condition, "dead") == 0);
}

#define MEMBER(function, member)                                               \
    static bool function(const struct state *state, yajl_val of,               \
                         int64_t *value)                                       \
    {                                                                          \
        (void)state;                                                           \
        return json_number(of, member, value);                                 \
    }

MEMBER(get_waiting, "records_waiting")
MEMBER(get_missing, "calls_missing")
MEMBER(get_spool, "spool_bytes")
MEMBER(get_stored, "stored_today")
MEMBER(get_refused, "refused_today")
MEMBER(get_over_3s, "over_3s_today")

/* -- the format -------------------------------------------------------- */

static void print_label(FILE *stream, const char *text)
{
    for (; *text; text++)
        if (*text == '\n')
            fputs("\\n", stream);
        else if (*text == '"' || *text == '\\')
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
}

static void print_head(FILE *stream, const struct metric *metric)
{
    fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
            metric->name, metric->type);
}

/* `list` has objects, whose member and label is `key`. */
static void print_metric(FILE *stream, const struct state *state,
                         const struct metric *metric, const char *list,
                         const char *key)
{
    yajl_val *all;
    size_t count = state_list(state->tree, list, &all);

    print_head(stream, metric);
    for (size_t i = 0; i < count; i++) {
        const char *label = json_text(all[i], key);
        int64_t value;

        if (!label || !metric->sample(state, all[i], &value))
            continue;
        fprintf(stream, "%s{%s=\"", metric->name, key);
        print_label(stream, label);
        fprintf(stream, "\"} %" PRId64 "\n", value);
    }
}

static const struct metric of_tenants[] = {
    {"callhook_subscription_expiry_timestamp_seconds", "gauge",
     "When the live subscription ends; 0: there is none.", get_expiry},
    {"callhook_last_notification_timestamp_seconds", "gauge",
     "When the last notification came.", get_last_notification},
    {"callhook_silence_alarm", "gauge",
     "1: no notification for much longer than usual.", get_silence},
    {"callhook_gap_open", "gauge", "1: notifications may be missing now.",
     get_gap},
    {"callhook_records_waiting", "gauge", "Calls that wait for their record.",
     get_waiting},
    {"callhook_calls_missing", "gauge",
     "Calls whose record, or its newest version, is not stored.", get_missing},
    {"callhook_last_run_timestamp_seconds", "gauge",
     "When a run last worked on the tenant.", get_last_run},
};

static const struct metric of_receivers[] = {
    {"callhook_receiver_up", "gauge",
     "1: the receiver is live; 0: dead; none: it was stopped.", get_up},
    {"callhook_spool_bytes", "gauge", "Bytes in the spool.", get_spool},
    {"callhook_items_stored_total", "counter", "Items stored since 00:00 UTC.",
     get_stored},
    {"callhook_items_refused_total", "counter",
     "Items refused since 00:00 UTC.", get_refused},
    {"callhook_over_3s_total", "counter",
     "Answers since 00:00 UTC later than Graph waits for.", get_over_3s},
};

static const struct metric of_database = {"callhook_database_up", "gauge",
                                          "1: the database is there and takes "
                                          "writes.",
                                          NULL};

void metrics_print(FILE *stream, const struct state *state)
{
    const char *condition = json_text(state->tree, "database");

    for (size_t i = 0; i < sizeof(of_tenants) / sizeof(*of_tenants); i++)
        print_metric(stream, state, &of_tenants[i], "tenants", "tenant");
    for (size_t i = 0; i < sizeof(of_receivers) / sizeof(*of_receivers); i++)
        print_metric(stream, state, &of_receivers[i], "receivers", "host");
    print_head(stream, &of_database);
    fprintf(stream, "%s %d\n", of_database.name,
            condition && strcmp(condition, "live") == 0);
}
