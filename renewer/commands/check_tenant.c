/* `check`: what a run needs for one tenant, at Microsoft and in the database.
 */
#include "commands/check_tenant.h"

#include "auth/token.h"
#include "auth/token_cache.h"
#include "base/clock.h"
#include "base/datetime.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/report.h"
#include "base/resource.h"
#include "commands/finding.h"
#include "graph/session.h"
#include "status/state.h"
#include "subscriptions/subscription.h"

/* For the token, and then for the list. */
#define TENANT_MS 12000

/* Graph's Date has whole seconds, and its answer takes some. */
#define SKEW_TOLD 60
#define SKEW_FAULT 300

/* -- what to do about a fault ------------------------------------------ */

static const struct advice {
    const char *code; /* some part of the fault's */
    const char *text;
} token_advices[] = {
    /* Microsoft identity platform: authentication and authorization errors. */
    {"AADSTS7000215", "client_secret_file does not hold the secret's value (is "
                      "it the secret's id?)"},
    {"AADSTS7000222", "the secret has expired: make a new one in Entra and put "
                      "it into client_secret_file"},
    {"AADSTS700027", "the certificate is not registered with the application, "
                     "has expired, or the key is another's"},
    {"AADSTS700024", "the assertion is not valid now: is this machine's clock "
                     "right?"},
    {"AADSTS700016", "the tenant has no such application: are tenant_id and "
                     "client_id right, and has an administrator consented?"},
    {"AADSTS90002", "there is no such tenant: are tenant_id and cloud right?"},
    {"AADSTS90038", "the tenant is in another cloud: see to `cloud`"},
    {"AADSTS53003", "a policy of conditional access forbids it"},
    {"invalid_client", "the secret or the certificate is wrong or has expired"},
    {"unauthorized_client", "the application may not do this, or is not in the "
                            "tenant: are tenant_id and client_id right?"},
    {"invalid_scope", "does `cloud` fit the tenant and login_url?"},
    {"invalid_resource", "does `cloud` fit the tenant and login_url?"},
    {"invalid_request", "are tenant_id and login_url right?"},
    {"temporarily_unavailable", "try again later"},
};

static const char *advise_on_token(const struct fault *fault)
{
    for (size_t i = 0; i < sizeof(token_advices) / sizeof(*token_advices); i++)
        if (strstr(fault->code, token_advices[i].code))
            return token_advices[i].text;
    if (fault->status == 0)
        return "see to the files that the settings name, DNS, the firewall, "
               "`proxy` and `ca_file`";
    if (fault->status == 429 || fault->status >= 500)
        return "try again later";
    return "is login_url right?";
}

static const char *advise_on_graph(const struct fault *fault)
{
    if (fault->status == 0)
        return "see to DNS, the firewall, `proxy` and `ca_file`";
    if (fault->status == 401)
        return "Graph does not take the token: do `cloud` and graph_url fit "
               "each other?";
    if (fault->status == 403)
        return "the application lacks the permission, or the administrator's "
               "consent";
    if (fault->status == 429 || fault->status >= 500)
        return "try again later";
    return "is graph_url right?";
}

/* -- Microsoft --------------------------------------------------------- */

static void report_consent(const struct tenant *tenant)
{
    finding_say(NOTED, tenant->name,
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

    if (!token_cache_read(&kept, tenant, graph->state_dir, clock_wall()))
        kept.text = NULL;
    outcome = token_get(&graph->token, tenant, graph->state_dir, graph->http,
                        graph->deadline, kept.text, fault);
    access_token_free(&kept);
    return outcome == DONE;
}

static bool check_token(struct graph *graph)
{
    const char *name = graph->tenant->name;
    struct fault fault = {0};
    char what[FAULT_SIZE];

    if (!get_new_token(graph, &fault)) {
        fault_print(&fault, what);
        finding_say(FAULTY, name, "%s: %s", what, advise_on_token(&fault));
        return false;
    }
    finding_say(FINE, name, "token: good for %s",
                duration_of(graph->token.expires_at - clock_wall()).text);
    return true;
}

/* Whether it is there; `what` wants it. */
static bool has_role(const struct graph *graph, const char *role,
                     const char *what)
{
    const char *name = graph->tenant->name;

    if (access_token_has_role(graph->token.text, role)) {
        finding_say(FINE, name, "role: %s is in the token", role);
        return true;
    }
    finding_say(FAULTY, name,
                "role: %s is not in the token, and %s needs it: give the "
                "application this permission (of type application) in Entra, "
                "and consent",
                role, what);
    return false;
}

/* Whether those are there that Graph wants for the subscription. */
static bool check_roles(const struct graph *graph)
{
    const struct tenant *tenant = graph->tenant;
    bool calls = !resource_is_call_records(tenant->resource) ||
                 has_role(graph, "CallRecords.Read.All", tenant->resource);
    bool pstn = !tenant->pstn ||
                has_role(graph, "CallRecord-PstnCalls.Read.All", "`pstn`");

    if (!calls || !pstn)
        report_consent(tenant);
    return calls;
}

static void check_clock(const struct graph *graph)
{
    const char *name = graph->tenant->name;
    int64_t skew = graph->skew;
    int64_t distance = skew < 0 ? -skew : skew;
    const char *direction = skew < 0 ? "ahead of" : "behind";

    if (distance > SKEW_FAULT)
        finding_say(FAULTY, name,
                    "clock: this machine's is %s %s Graph's: set it, by NTP",
                    duration_of(distance).text, direction);
    else if (distance > SKEW_TOLD)
        finding_say(NOTED, name,
                    "clock: this machine's is %s %s Graph's; over 5 min would "
                    "be a fault",
                    duration_of(distance).text, direction);
    else
        finding_say(FINE, name, "clock: within a minute of Graph's");
}

static bool check_list(struct graph *graph, struct subscriptions *listed,
                       bool has_roles)
{
    const struct tenant *tenant = graph->tenant;
    char what[FAULT_SIZE];

    graph->deadline = clock_ms() + TENANT_MS;
    if (subscription_list(graph, listed) == DONE) {
        finding_say(FINE, tenant->name, "Graph: lists %zu subscriptions",
                    listed->count);
        return true;
    }
    fault_print(&graph->fault, what);
    finding_say(FAULTY, tenant->name, "Graph: %s: %s", what,
                advise_on_graph(&graph->fault));
    if (graph->fault.status == 403 && has_roles)
        report_consent(tenant);
    return false;
}

static void check_record_at(struct graph *graph, const char *url)
{
    struct transfer transfer = {
        .step = "read call record", .method = "GET", .url = url};
    char what[FAULT_SIZE];

    if (graph_send(graph, &transfer) == DONE) {
        finding_say(FINE, graph->tenant->name,
                    "Graph: a call record can be read");
    } else {
        fault_print(&transfer.fault, what);
        finding_say(FAULTY, graph->tenant->name, "Graph: %s: %s", what,
                    advise_on_graph(&transfer.fault));
    }
    transfer_free(&transfer);
}

/* Reads the first record of the last day that there is, as a trial. */
static void check_record(struct graph *graph)
{
    char since[DATETIME_SIZE], until[DATETIME_SIZE];
    struct transfer transfer = {.step = "list calls", .method = "GET"};
    yajl_val tree, *all;
    const char *id = NULL;

    datetime_write(since, graph_now(graph) - 86400);
    datetime_write(until, graph_now(graph));
    char *url = memory_print("%s/v1.0/communications/callRecords"
                             "?$filter=startDateTime%%20ge%%20%s%%20and%%20"
                             "startDateTime%%20lt%%20%s",
                             graph->tenant->graph_url, since, until);
    transfer.url = url;
    graph->deadline = clock_ms() + TENANT_MS;
    graph_send(graph, &transfer);
    tree = json_parse(transfer.answer, transfer.answer_length);
    if (state_list(tree, "value", &all))
        id = json_text(all[0], "id");
    if (id) {
        char *one = memory_print("%s/v1.0/communications/callRecords/%.64s",
                                 graph->tenant->graph_url, id);

        check_record_at(graph, one);
        free(one);
    } else if (transfer.outcome == DONE) {
        finding_say(NOTED, graph->tenant->name,
                    "Graph: no call of the last day to read as a trial");
    } else {
        char what[FAULT_SIZE];

        fault_print(&transfer.fault, what);
        finding_say(FAULTY, graph->tenant->name, "Graph: %s: %s", what,
                    advise_on_graph(&transfer.fault));
    }
    yajl_tree_free(tree);
    transfer_free(&transfer);
    free(url);
}

/* What the last run failed at, and what Graph said. */
static void check_last_run(const struct settings *settings,
                           const struct tenant *tenant, yajl_val known)
{
    char *subject, *calls;
    const char *failure = json_text(known, "failure");
    int64_t since = state_time(known, "failed_since");

    if (failure)
        finding_say(FAULTY, tenant->name, "last runs failed, since %s: %s",
                    duration_ago(clock_wall() - since).text, failure);
    subject = memory_print("%s" REPORT_CALLS, tenant->name);
    calls = report_last(settings->state_dir, subject);
    if (calls)
        finding_say(FAULTY, tenant->name, "last runs failed: %s", calls);
    free(calls);
    free(subject);
}

/* `listed` NULL: Graph did not answer. */
static void check_stored(const struct tenant *tenant, yajl_val known,
                         const struct subscriptions *listed)
{
    yajl_val *all;
    size_t count = state_list(known, "subscriptions", &all);
    size_t live = 0;

    for (size_t i = 0; i < count; i++) {
        const char *id = json_text(all[i], "subscription_id");
        int64_t expires_at = state_time(all[i], "expires_at");

        if (strcmp(json_text(all[i], "state"), "live") != 0)
            continue;
        live++;
        if (listed && !subscriptions_hold(listed, id))
            finding_say(NOTED, tenant->name,
                        "stored: Graph does not list subscription %s; the next "
                        "run looks for it",
                        id);
        else
            finding_say(FINE, tenant->name, "stored: subscription %s, ends %s",
                        id, duration_in(expires_at - clock_wall()).text);
    }
    if (live == 0)
        finding_say(NOTED, tenant->name,
                    "stored: there is no live subscription yet; the next run "
                    "creates one");
}

void check_tenant(const struct settings *settings, const struct tenant *tenant,
                  struct http *http, yajl_val known)
{
    struct session session;
    struct graph *graph = &session.graph;
    struct subscriptions listed = {0};
    bool answered = false;

    session_open(&session, settings, tenant, NULL, http, TENANT_MS);
    if (check_token(graph)) {
        bool has_roles = check_roles(graph);

        answered = check_list(graph, &listed, has_roles);
        if (answered && tenant->records &&
            resource_is_call_records(tenant->resource))
            check_record(graph);
    }
    if (answered)
        check_clock(graph);
    if (known)
        check_last_run(settings, tenant, known);
    if (known)
        check_stored(tenant, known, answered ? &listed : NULL);
    subscriptions_free(&listed);
    session_close(&session);
}
