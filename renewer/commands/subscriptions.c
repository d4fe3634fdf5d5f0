/* The command `subscriptions`: what Graph has of this application. */
#include "commands/commands.h"

#include <sysexits.h>

#include "base/database.h"
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

static bool print_all(struct graph *graph, const struct plan *plan)
{
    struct subscriptions listed;
    struct fault fault = {0};
    bool good = subscription_list(graph, &listed, &fault) == DONE;

    if (good)
        printf("%s: %zu\n", graph->tenant->name, listed.count);
    else
        fault_log(&fault, graph->tenant->name);
    for (size_t i = 0; i < listed.count; i++)
        print_one(&listed.all[i], decision_is_own(plan, &listed.all[i]));
    subscriptions_free(&listed);
    return good;
}

int subscriptions_command(const struct settings *settings,
                          const struct words *words)
{
    struct http *http = http_open();
    struct database *database = database_open_or_log(settings->database);
    struct snapshot snapshot = {0};
    bool good = database;

    (void)words;
    if (database)
        snapshot_load(database, NULL, &snapshot);
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        struct session session;
        struct plan plan;

        session_open(&session, settings, tenant, database, http, TENANT_MS);
        plan_make(&plan, &snapshot, settings, tenant);
        good = print_all(&session.graph, &plan) && good;
        plan_free(&plan);
        session_close(&session);
    }
    snapshot_free(&snapshot);
    database_close(database);
    http_close(http);
    return good ? EX_OK : 1;
}
