/* Renewing one subscription, and renewing without a database. */
#include "subscriptions/renew.h"

#include "base/change_type.h"
#include "base/resource.h"
#include "subscriptions/plan.h"

bool renew_is_wanted(const struct tenant *tenant,
                     const struct subscription *one)
{
    return resource_is_same(one->resource, tenant->resource) &&
           change_type_is_same(one->change_type, tenant->change_type);
}

bool renew_is_under_our_url(const struct tenant *tenant,
                            const struct subscription *one)
{
    return strcmp(one->notification_url, tenant->notification_url) == 0;
}

bool renew_is_own(const struct tenant *tenant, const struct snapshot *snapshot,
                  const struct subscription *one)
{
    return plan_row_of(snapshot->rows, snapshot->row_count, one->id) ||
           renew_is_under_our_url(tenant, one);
}

static bool is_extended(const struct graph *graph,
                        const struct subscription *before,
                        const struct subscription *after)
{
    int64_t asked =
        graph_now(graph) + (int64_t)graph->tenant->lifetime_minutes * 60;

    return after->expires_at > before->expires_at ||
           before->expires_at > asked - 60;
}

enum outcome renew_subscription(struct graph *graph,
                                const struct subscription *one,
                                struct subscription *renewed,
                                struct fault *fault)
{
    const char *url = renew_is_under_our_url(graph->tenant, one)
                          ? NULL
                          : graph->tenant->notification_url;
    enum outcome outcome =
        subscription_renew(graph, one->id, url, renewed, fault);

    if (outcome == ABSENT) {
        struct subscription found;

        outcome = subscription_get(graph, one->id, &found, fault);
        if (outcome == DONE) {
            subscription_free(&found);
            outcome = subscription_renew(graph, one->id, url, renewed, fault);
        }
    }
    if (outcome == DONE && !is_extended(graph, one, renewed)) {
        fault_say(fault, "renew subscription",
                  "Graph says that it did, and the expiry is as before");
        subscription_free(renewed);
        outcome = LATER;
    }
    return outcome;
}

/* Without our notes: when it was renewed follows from when it ends. */
static bool seems_old(const struct graph *graph, const struct subscription *one)
{
    const struct tenant *tenant = graph->tenant;
    int64_t left = one->expires_at - graph_now(graph);
    int64_t full = (int64_t)tenant->lifetime_minutes * 60;
    int64_t wait = (int64_t)tenant->renew_every_minutes * 60;

    return left > 0 && left < full - wait;
}

enum outcome renew_blindly(struct graph *graph, struct fault *fault)
{
    struct subscriptions listed;
    enum outcome worst = subscription_list(graph, &listed, fault);

    for (size_t i = 0; i < listed.count; i++) {
        const struct subscription *one = &listed.all[i];
        struct subscription renewed;
        struct fault why = {0};
        enum outcome outcome;

        if (!renew_is_wanted(graph->tenant, one) ||
            !renew_is_under_our_url(graph->tenant, one) ||
            !seems_old(graph, one))
            continue;
        outcome = renew_subscription(graph, one, &renewed, &why);
        if (outcome == DONE) {
            subscription_free(&renewed);
        } else {
            worst = outcome;
            *fault = why;
        }
    }
    subscriptions_free(&listed);
    return worst;
}
