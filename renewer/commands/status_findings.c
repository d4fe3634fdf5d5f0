/* What needs a hand for a tenant, in plain words. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/memory.h"
#include "base/resource.h"
#include "commands/status.h"

/* With less left there is time for one more try, or for none. */
#define SOON_SECONDS 3600

/*
 * Calls are to be listed every hour, all of 30 days once in 7 days; runs may
 * be an hour apart, and a run may not come to all tenants.
 */
#define LIST_SECONDS (6 * 3600)
#define FULL_LIST_SECONDS (9 * 86400)

#define SENTENCE_MAX 800

/* A tenant that is looked at: its row of what is known, and what is found. */
struct look {
    const struct status_data *status_data;
    const struct tenant *tenant;
    int row;
    int64_t now;
    struct status_findings *status_findings;
};

__attribute__((format(printf, 3, 4))) static void say(const struct look *look,
                                                      enum kind kind,
                                                      const char *format, ...)
{
    struct status_findings *status_findings = look->status_findings;
    char text[SENTENCE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    status_findings->all =
        memory_resize(status_findings->all, (status_findings->count + 1) *
                                                sizeof(*status_findings->all));
    status_findings->all[status_findings->count++] =
        (struct sentence){kind, memory_copy(text)};
    status_findings->needs += kind == NEED;
}

static int64_t number(const struct look *look, const char *column)
{
    return result_number(look->status_data->tenants, look->row, column);
}

static struct span ago(const struct look *look, const PGresult *result, int row,
                       const char *column)
{
    return duration_ago(look->now - result_number(result, row, column));
}

/* -- subscriptions ----------------------------------------------------- */

static void look_at_times(const struct look *look, int subscription)
{
    const PGresult *all = look->status_data->subscriptions;
    int64_t expires_at = result_number(all, subscription, "expires_at");
    int64_t renewed_at = result_number(all, subscription, "renewed_at");
    int64_t age = look->now - renewed_at;
    int64_t soon = (expires_at - renewed_at) / 4; /* if its life is short */

    if (soon > SOON_SECONDS)
        soon = SOON_SECONDS;
    if (expires_at - look->now <= soon)
        say(look, NEED,
            "the subscription ends in %s: is there a line for "
            "callhook-renewer in cron? callhook-renewer check looks for "
            "faults",
            duration_of(expires_at - look->now).text);
    else if (age > 2 * 60 * (int64_t)look->tenant->renew_every_minutes)
        say(look, NEED,
            "it was renewed %s and should be every %ld min: is there a line "
            "for callhook-renewer in cron? callhook-renewer check looks for "
            "faults",
            duration_ago(age).text, look->tenant->renew_every_minutes);
}

static void look_at_refusals(const struct look *look, int subscription)
{
    const PGresult *all = look->status_data->subscriptions;
    bool unknown = strcmp(result_text(all, subscription, "refusal_reason"),
                          "unknown") == 0;

    if (result_number(all, subscription, "refusals"))
        say(look, NEED,
            "the receiver refused %s items of it, the last one %s, for %s: "
            "if all are refused the next run replaces it; else somebody else "
            "sends under its id",
            result_text(all, subscription, "refusals"),
            ago(look, all, subscription, "last_refused_at").text,
            unknown ? "it did not know the subscription then"
                    : "their secret or tenant is not the subscription's");
}

/* There is none that delivers: what became of the last one? */
static void say_none(const struct look *look, int last)
{
    const PGresult *all = look->status_data->subscriptions;

    if (last < 0)
        say(look, NEED,
            "there is no subscription: nothing is delivered until a run "
            "creates one");
    else if (strcmp(result_text(all, last, "state"), "announced") == 0)
        say(look, NEED,
            "a subscription was asked for %s and Graph has not shown it "
            "since: the next run looks again",
            ago(look, all, last, "announced_at").text);
    else
        say(look, NEED,
            "the subscription ended %s, nothing is delivered: is there a "
            "line for callhook-renewer in cron?",
            ago(look, all, last, "expires_at").text);
}

static void look_at_subscriptions(const struct look *look)
{
    const PGresult *all = look->status_data->subscriptions;
    int last = -1, live = 0, i = -1;

    while ((i = status_data_next(look->status_data, look->tenant, i)) >= 0) {
        last = i;
        if (strcmp(result_text(all, i, "state"), "live") != 0)
            continue;
        live++;
        look_at_times(look, i);
        look_at_refusals(look, i);
    }
    if (live == 0)
        say_none(look, last);
    if (live > 1)
        say(look, NOTE, "there are %d: the next run leaves one", live);
}

/* -- the rest ---------------------------------------------------------- */

static void look_at_run(const struct look *look)
{
    const PGresult *all = look->status_data->tenants;
    int64_t retry_at = number(look, "retry_at");

    if (!number(look, "last_run_at"))
        say(look, NEED,
            "there has been no run for this tenant: is there a line for "
            "callhook-renewer in cron?");
    if (!number(look, "failed_since"))
        return;
    say(look, NEED,
        "runs have failed for %s: %s: callhook-renewer check looks for the "
        "cause",
        duration_of(look->now - number(look, "failed_since")).text,
        result_text(all, look->row, "failure"));
    if (retry_at > look->now)
        say(look, NOTE, "Graph asked to be left alone: next try %s",
            duration_in(retry_at - look->now).text);
}

static void look_at_gaps(const struct look *look)
{
    const PGresult *all = look->status_data->tenants;

    if (number(look, "gap_since"))
        say(look, NEED,
            "changes may be missing for %s now (%s): the gap ends when a "
            "subscription lives again",
            duration_of(look->now - number(look, "gap_since")).text,
            result_text(all, look->row, "gap_reason"));
    if (number(look, "gaps_unsearched"))
        say(look, NOTE,
            "%s gaps have not been searched for missing calls yet, the "
            "oldest began %s",
            result_text(all, look->row, "gaps_unsearched"),
            ago(look, all, look->row, "gaps_unsearched_since").text);
    if (number(look, "lifecycle_waiting"))
        say(look, NOTE,
            "%s lifecycle items wait for the next run, the oldest came %s",
            result_text(all, look->row, "lifecycle_waiting"),
            ago(look, all, look->row, "lifecycle_waiting_since").text);
}

static void look_at_records(const struct look *look)
{
    int64_t waiting = number(look, "records_waiting");
    int64_t failed = number(look, "records_failed");
    int64_t for_good = number(look, "records_failed_for_good");
    int64_t gone = number(look, "records_gone");
    int64_t outdated = number(look, "calls_missing") - waiting - failed;

    if (failed > for_good)
        say(look, NEED,
            "%" PRId64 " records cannot be read: record_error in "
            "callhook.calls says why; they are tried again for 30 days",
            failed - for_good);
    if (waiting)
        say(look, NOTE,
            "%" PRId64 " calls wait for their records, the oldest came %s",
            waiting,
            duration_ago(look->now - number(look, "records_waiting_since"))
                .text);
    if (outdated)
        say(look, NOTE,
            "%" PRId64 " records are stored in an older version than Graph's",
            outdated);
    if (for_good || gone)
        say(look, NOTE,
            "%" PRId64 " records are given up: %" PRId64 " failed for 30 "
            "days, %" PRId64 " are gone at Graph",
            for_good + gone, for_good, gone);
}

static void look_at_lists(const struct look *look)
{
    int64_t until = number(look, "listed_until");
    int64_t in_full = number(look, "last_listed_at");

    if (until && look->now - until > LIST_SECONDS)
        say(look, NEED,
            "Graph's calls were last listed %s and should be every hour: "
            "callhook-renewer reconcile %s says what is wrong",
            duration_ago(look->now - until).text, look->tenant->name);
    if (!in_full)
        say(look, NOTE,
            "Graph's calls of 30 days have not been listed in full yet");
    else if (look->now - in_full > FULL_LIST_SECONDS)
        say(look, NOTE, "Graph's calls of 30 days were last listed in full %s",
            duration_ago(look->now - in_full).text);
}

void status_findings_find(struct status_findings *status_findings,
                          const struct status_data *status_data,
                          const struct settings *settings, size_t i)
{
    const struct tenant *tenant = &settings->tenants[i];
    const struct look look = {status_data, tenant, (int)i, status_data->now,
                              status_findings};

    *status_findings = (struct status_findings){0};
    look_at_run(&look);
    if (number(&look, "last_run_at") ||
        status_data_next(status_data, tenant, -1) >= 0)
        look_at_subscriptions(&look);
    look_at_gaps(&look);
    if (resource_is_call_records(tenant->resource) && tenant->records)
        look_at_records(&look);
    if (resource_is_call_records(tenant->resource) && tenant->reconcile)
        look_at_lists(&look);
}

void status_findings_free(struct status_findings *status_findings)
{
    for (size_t i = 0; i < status_findings->count; i++)
        free(status_findings->all[i].text);
    free(status_findings->all);
}
