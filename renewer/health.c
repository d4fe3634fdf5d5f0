/* What needs a hand for a tenant, in plain words. */
#include "health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "memory.h"
#include "span.h"

/* With less left there is time for one more try, or for none. */
#define SOON_SECONDS 3600

#define SENTENCE_MAX 800

__attribute__((format(printf, 2, 3))) static void say(
    struct sentences *sentences, const char *format, ...)
{
    char text[SENTENCE_MAX];
    size_t count = ++sentences->count;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    sentences->all =
        memory_resize(sentences->all, count * sizeof(*sentences->all));
    sentences->all[count - 1] = memory_copy(text);
}

const char *health_state(const struct overview *overview,
                         const struct kept *kept)
{
    if (!*kept->id)
        return "announced";
    return overview_is_live(overview, kept) ? "live" : "expired";
}

/* Of a life that is shorter than four hours: a quarter of it. */
static int64_t soon(const struct kept *kept)
{
    int64_t quarter = (kept->expires_at - kept->renewed_at) / 4;

    return quarter < SOON_SECONDS ? quarter : SOON_SECONDS;
}

static void look_at_times(struct health *health,
                          const struct overview *overview,
                          const struct tenant *tenant, const struct kept *kept)
{
    int64_t left = kept->expires_at - overview->now;
    int64_t age = overview->now - kept->renewed_at;
    char span[SPAN_SIZE];

    if (left <= soon(kept)) {
        span_write(span, left);
        say(&health->needs,
            "the subscription ends in %s: is there a line for "
            "callhook-renewer in cron? callhook-renewer check looks for "
            "faults",
            span);
    } else if (age > 2 * 60 * (int64_t)tenant->renew_every_minutes) {
        span_ago(span, age);
        say(&health->needs,
            "it was renewed %s and should be every %ld min: is there a line "
            "for callhook-renewer in cron? callhook-renewer check looks for "
            "faults",
            span, tenant->renew_every_minutes);
    }
}

static void look_at_refusals(struct health *health,
                             const struct overview *overview,
                             const struct kept *kept)
{
    bool unknown = strcmp(kept->refusal_reason, "unknown") == 0;
    char span[SPAN_SIZE];

    if (!kept->refusals)
        return;
    span_ago(span, overview->now - kept->last_refused_at);
    say(&health->needs,
        "the receiver refused %" PRId64 " items of it, the last one %s, for "
        "%s: if all are refused the next run replaces it; else somebody else "
        "sends under its id",
        kept->refusals, span,
        unknown ? "it did not know the subscription then"
                : "their secret or tenant is not the subscription's");
}

/* There is none that delivers: what became of it? */
static void say_none(struct health *health, const struct overview *overview,
                     const struct kept *last)
{
    char span[SPAN_SIZE];

    if (!last) {
        say(&health->needs, "there is no subscription: nothing is delivered "
                            "until a run creates one");
    } else if (!*last->id) {
        span_ago(span, overview->now - last->announced_at);
        say(&health->needs,
            "a subscription was asked for %s and Graph has not shown it "
            "since: the next run looks again",
            span);
    } else {
        span_ago(span, overview->now - last->expires_at);
        say(&health->needs,
            "the subscription ended %s, nothing is delivered: is there a "
            "line for callhook-renewer in cron?",
            span);
    }
}

static void look_at_subscriptions(struct health *health,
                                  const struct overview *overview,
                                  const struct tenant *tenant)
{
    const struct kept *kept = NULL;
    const struct kept *last = NULL;
    size_t live = 0;

    while ((kept = overview_next(overview, tenant, kept))) {
        last = kept;
        if (!overview_is_live(overview, kept))
            continue;
        live++;
        look_at_times(health, overview, tenant, kept);
        look_at_refusals(health, overview, kept);
    }
    if (live == 0)
        say_none(health, overview, last);
    if (live > 1)
        say(&health->notes, "there are %zu: the next run leaves one", live);
}

static void look_at_run(struct health *health, const struct overview *overview,
                        const struct last_run *run)
{
    char since[SPAN_SIZE], wait[SPAN_SIZE];

    if (!run->failed_at)
        return;
    span_write(since, overview->now - run->failed_at);
    say(&health->needs,
        "runs have failed for %s: %s: callhook-renewer check looks for the "
        "cause",
        since, run->failure);
    if (run->retry_at > overview->now) {
        span_in(wait, run->retry_at - overview->now);
        say(&health->notes, "Graph asked to be left alone: next try %s", wait);
    }
}

static void look_at_gaps(struct health *health, const struct overview *overview,
                         const struct lacking *lacking)
{
    char span[SPAN_SIZE];

    if (lacking->lasts_since) {
        span_write(span, overview->now - lacking->lasts_since);
        say(&health->needs,
            "changes may be missing for %s now (%s): the gap ends when a "
            "subscription lives again",
            span, lacking->reason);
    }
    if (lacking->unsearched) {
        span_ago(span, overview->now - lacking->unsearched_since);
        say(&health->notes,
            "%" PRId64 " gaps have not been searched for missing calls yet, "
            "the oldest began %s",
            lacking->unsearched, span);
    }
}

static void look_at_waiting(struct health *health,
                            const struct overview *overview,
                            const struct waiting *waiting)
{
    char span[SPAN_SIZE];

    span_ago(span, overview->now - waiting->oldest_at);
    say(&health->notes,
        "%" PRId64 " lifecycle items wait for the next run, the oldest came "
        "%s",
        waiting->items, span);
}

void health_find(struct health *health, const struct overview *overview,
                 const struct tenant *tenant)
{
    const struct last_run *run = overview_run(overview, tenant);
    const struct lacking *lacking = overview_lacking(overview, tenant);
    const struct waiting *waiting = overview_waiting(overview, tenant);

    *health = (struct health){0};
    if (run)
        look_at_run(health, overview, run);
    else
        say(&health->needs, "there has been no run for this tenant: is there a "
                            "line for callhook-renewer in cron?");
    if (run || overview_next(overview, tenant, NULL))
        look_at_subscriptions(health, overview, tenant);
    if (lacking)
        look_at_gaps(health, overview, lacking);
    if (waiting)
        look_at_waiting(health, overview, waiting);
}

static void sentences_free(struct sentences *sentences)
{
    for (size_t i = 0; i < sentences->count; i++)
        free(sentences->all[i]);
    free(sentences->all);
}

void health_free(struct health *health)
{
    sentences_free(&health->needs);
    sentences_free(&health->notes);
    *health = (struct health){0};
}
