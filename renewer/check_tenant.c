/* `check`: what a run needs for one tenant, at Microsoft and in the database.
 */
#include "check_tenant.h"

#include <strings.h>

#include "advice.h"
#include "clock.h"
#include "graph.h"
#include "report.h"
#include "span.h"
#include "subscription.h"
#include "token.h"
#include "tokenfile.h"

#define TOKEN_MS 12000
#define GRAPH_MS 12000

/* Graph's Date has whole seconds, and its answer takes some. */
#define SKEW_TOLD 60
#define SKEW_FAULT 300

static const char role[] = "CallRecords.Read.All";

/* Subscriptions to other resources need other roles, which Graph knows. */
static bool needs_role(const struct tenant *tenant)
{
    static const char call_records[] = "communications/callRecords";
    const char *resource = tenant->resource + (*tenant->resource == '/');

    return strncasecmp(resource, call_records, sizeof(call_records) - 1) == 0;
}

static void report_consent(const struct tenant *tenant)
{
    report_note(tenant->name,
                "an administrator of the tenant consents at "
                "%s/%s/adminconsent?client_id=%s",
                tenant->login_url, tenant->tenant_id, tenant->client_id);
}

/*
 * Asks for a new token, so that the secret is tested and a role that has just
 * been granted is in it; runs then use the new one, too.
 */
static bool get_new_token(struct graph *graph, struct fault *fault)
{
    const struct tenant *tenant = graph->tenant;
    struct token kept;
    enum outcome outcome;

    if (!tokenfile_read(&kept, tenant, graph->state_dir, clock_wall()))
        kept.text = NULL;
    outcome = token_get(&graph->token, tenant, graph->state_dir, graph->http,
                        clock_ms() + TOKEN_MS, kept.text, fault);
    token_free(&kept);
    return outcome == DONE;
}

static bool check_token(struct graph *graph)
{
    const char *name = graph->tenant->name;
    struct fault fault = {0};
    char what[600], span[SPAN_SIZE];

    if (!get_new_token(graph, &fault)) {
        fault_print(&fault, what, sizeof(what));
        report_fault(name, "%s: %s", what, advice_token(&fault));
        return false;
    }
    span_write(span, graph->token.expires_at - clock_wall());
    report_ok(name, "token: good for %s", span);
    return true;
}

/* Whether it is there, as far as that can be told. */
static bool check_role(const struct graph *graph)
{
    const struct tenant *tenant = graph->tenant;

    if (!needs_role(tenant))
        return true;
    if (token_has_role(graph->token.text, role)) {
        report_ok(tenant->name, "role: %s is in the token", role);
        return true;
    }
    report_fault(tenant->name,
                 "role: %s is not in the token: give the application this "
                 "permission (of type application) in Entra, and consent",
                 role);
    report_consent(tenant);
    return false;
}

static void check_clock(const struct graph *graph)
{
    const char *name = graph->tenant->name;
    int64_t skew = graph->skew;
    int64_t distance = skew < 0 ? -skew : skew;
    const char *direction = skew < 0 ? "ahead of" : "behind";
    char span[SPAN_SIZE];

    span_write(span, distance);
    if (distance > SKEW_FAULT)
        report_fault(name,
                     "clock: this machine's is %s %s Graph's: set it, by NTP",
                     span, direction);
    else if (distance > SKEW_TOLD)
        report_note(name,
                    "clock: this machine's is %s %s Graph's; over 5 min would "
                    "be a fault",
                    span, direction);
    else
        report_ok(name, "clock: within a minute of Graph's");
}

static bool check_list(struct graph *graph, struct subscriptions *listed,
                       bool has_role)
{
    const struct tenant *tenant = graph->tenant;
    struct fault fault = {0};
    char what[600];

    graph->deadline = clock_ms() + GRAPH_MS;
    if (subscription_list(graph, listed, &fault) == DONE) {
        report_ok(tenant->name, "Graph: lists %zu subscriptions",
                  listed->count);
        return true;
    }
    fault_print(&fault, what, sizeof(what));
    report_fault(tenant->name, "Graph: %s: %s", what, advice_graph(&fault));
    if (fault.status == 403 && has_role)
        report_consent(tenant);
    return false;
}

static bool is_listed(const struct subscriptions *listed, const char *id)
{
    for (size_t i = 0; i < listed->count; i++)
        if (strcmp(listed->all[i].id, id) == 0)
            return true;
    return false;
}

/* `listed` NULL: Graph did not answer. */
static void check_stored(const struct tenant *tenant,
                         const struct overview *overview,
                         const struct subscriptions *listed)
{
    const struct kept *kept = NULL;
    size_t live = 0;

    while ((kept = overview_next(overview, tenant, kept))) {
        char span[SPAN_SIZE];

        if (!overview_is_live(overview, kept))
            continue;
        live++;
        span_in(span, kept->expires_at - overview->now);
        if (listed && !is_listed(listed, kept->id))
            report_note(tenant->name,
                        "stored: Graph does not list subscription %s; the "
                        "next run looks for it",
                        kept->id);
        else
            report_ok(tenant->name, "stored: subscription %s, ends %s",
                      kept->id, span);
    }
    if (live == 0)
        report_note(tenant->name, "stored: there is no live subscription yet; "
                                  "the next run creates one");
}

void check_tenant(const struct settings *settings, const struct tenant *tenant,
                  struct http *http, const struct overview *overview)
{
    struct graph graph = {
        .tenant = tenant, .state_dir = settings->state_dir, .http = http};
    struct subscriptions listed = {0};
    bool answered = false;

    if (check_token(&graph)) {
        bool has_role = check_role(&graph);

        answered = check_list(&graph, &listed, has_role);
    }
    if (answered)
        check_clock(&graph);
    if (overview)
        check_stored(tenant, overview, answered ? &listed : NULL);
    subscriptions_free(&listed);
    graph_close(&graph);
}
