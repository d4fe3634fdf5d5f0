/* The command `subscriptions`: what Graph has of this application. */
#include "commands/commands.h"

#include <sysexits.h>

#include "base/datetime.h"
#include "base/log.h"
#include "graph/session.h"
#include "subscriptions/decision.h"
#include "subscriptions/plan.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription.h"

#define TENANT_MS 20000

static void print_text(const char *name, const char *text)
{
    printf("    %-17s", name);
    log_print(text);
    putchar('\n');
}

static void print_one(const struct subscription *one, bool own)
{
    char expires[DATETIME_SIZE];

    datetime_write(expires, one->expires_at);
    printf("  %s  %s\n", one->id, own ? "own" : "foreign");
    print_text("resource", one->resource);
    print_text("change type", one->change_type);
    print_text("notification URL", one->notification_url);
    if (*one->lifecycle_url)
        print_text("lifecycle URL", one->lifecycle_url);
    print_text("expires", expires);
}

static bool print_all(struct session *session, const void *settings)
{
    struct graph *graph = &session->graph;
    struct snapshot snapshot;
    struct subscriptions listed;
    struct plan plan;
    bool good = subscription_list(graph, &listed) == DONE;

    snapshot_load(session->database, graph->tenant->tenant_id, &snapshot);
    plan_make(&plan, &snapshot, settings, graph->tenant);
    if (good)
        printf("%s: %zu\n", graph->tenant->name, listed.count);
    else
        fault_log(&graph->fault, graph->tenant->name);
    for (size_t i = 0; i < listed.count; i++)
        print_one(&listed.all[i], decision_is_own(&plan, &listed.all[i]));
    plan_free(&plan);
    snapshot_free(&snapshot);
    subscriptions_free(&listed);
    return good;
}

int subscriptions_command(const struct settings *settings,
                          const struct words *words)
{
    (void)words;
    return session_each(settings, NULL, TENANT_MS, print_all, settings) ? EX_OK
                                                                        : 1;
}
