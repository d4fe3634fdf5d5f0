/* Renewing one subscription, and renewing without a database. */
#include "subscriptions/renew.h"

#include "subscriptions/plan.h"

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
                                struct subscription *renewed)
{
    const char *url = subscription_is_under(one, graph->tenant)
                          ? NULL
                          : graph->tenant->notification_url;
    enum outcome outcome = subscription_renew(graph, one->id, url, renewed);

    if (outcome == ABSENT) {
        struct subscription found;

        outcome = subscription_get(graph, one->id, &found);
        if (outcome == DONE) {
            subscription_free(&found);
            outcome = subscription_renew(graph, one->id, url, renewed);
        }
    }
    if (outcome == DONE && !is_extended(graph, one, renewed)) {
        fault_say(&graph->fault, "renew subscription",
                  "Graph says that it did, and the expiry is as before");
        subscription_free(renewed);
        outcome = LATER;
    }
    return outcome;
}

struct subscription renew_of_row(const struct row *row)
{
    struct subscription one = {.notification_url = row->notification_url,
                               .expires_at = row->expires_at};

    snprintf(one.id, sizeof(one.id), "%s", row->id);
    return one;
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

enum outcome renew_without_notes(struct graph *graph)
{
    struct subscriptions listed;
    enum outcome worst = subscription_list(graph, &listed);
    struct fault fault = graph->fault;

    for (size_t i = 0; i < listed.count; i++) {
        const struct subscription *one = &listed.all[i];
        struct subscription renewed;
        enum outcome outcome;

        if (!plan_wants(graph->tenant, one->resource, one->change_type) ||
            !subscription_is_under(one, graph->tenant) ||
            !seems_old(graph, one))
            continue;
        outcome = renew_subscription(graph, one, &renewed);
        if (outcome == DONE) {
            subscription_free(&renewed);
        } else {
            worst = outcome;
            fault = graph->fault;
        }
    }
    graph->fault = fault;
    subscriptions_free(&listed);
    return worst;
}
