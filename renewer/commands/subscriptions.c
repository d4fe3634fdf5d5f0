/* The commands `subscriptions` and `unsubscribe`. */
#include "base/guid.h"
#include "commands/commands.h"

#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/database.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "graph/graph.h"
#include "subscriptions/plan.h"
#include "subscriptions/renew.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription.h"
#include "subscriptions/subscription_store.h"

#define TENANT_MS 20000
#define CONNECT_MS 8000

/* What the database knows, if it is there; else nothing, and it is told. */
static struct database *look_up(const struct settings *settings,
                                struct snapshot *snapshot)
{
    char why[300];
    struct database *database = database_open(
        settings->database, clock_ms() + CONNECT_MS, why, sizeof(why));

    *snapshot = (struct snapshot){0};
    if (!database)
        log_line("database: %s", why);
    else
        snapshot_load(database, NULL, snapshot);
    return database;
}

static const struct row *row_of(const struct snapshot *snapshot, const char *id)
{
    return plan_row_of(snapshot->rows, snapshot->row_count, id);
}

static bool is_own(const struct tenant *tenant, const struct snapshot *snapshot,
                   const struct subscription *one)
{
    return row_of(snapshot, one->id) || renew_is_under_our_url(tenant, one);
}

static void print_text(const char *name, const char *text)
{
    printf("    %-17s", name);
    log_print(text);
    putchar('\n');
}

static void print_one(const struct tenant *tenant,
                      const struct snapshot *snapshot,
                      const struct subscription *one)
{
    char expires[DATETIME_SIZE];

    datetime_write(expires, one->expires_at);
    printf("  %s  %s\n", one->id,
           is_own(tenant, snapshot, one) ? "own" : "foreign");
    print_text("resource", one->resource);
    print_text("change type", one->change_type);
    print_text("notification URL", one->notification_url);
    if (*one->lifecycle_url)
        print_text("lifecycle URL", one->lifecycle_url);
    print_text("expires", expires);
}

static struct graph open_graph(const struct settings *settings,
                               const struct tenant *tenant, struct http *http)
{
    return (struct graph){.tenant = tenant,
                          .state_dir = settings->state_dir,
                          .http = http,
                          .deadline = clock_ms() + TENANT_MS};
}

int subscriptions_command(const struct settings *settings,
                          const struct words *words)
{
    struct http *http = http_open();
    struct snapshot snapshot;
    struct database *database = look_up(settings, &snapshot);
    int status = database ? EX_OK : 1;

    (void)words;
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        struct graph graph = open_graph(settings, tenant, http);
        struct subscriptions listed;
        struct fault fault = {0};

        if (subscription_list(&graph, &listed, &fault) == DONE) {
            printf("%s: %zu\n", tenant->name, listed.count);
            for (size_t j = 0; j < listed.count; j++)
                print_one(tenant, &snapshot, &listed.all[j]);
        } else {
            fault_log(&fault, tenant->name);
            status = 1;
        }
        subscriptions_free(&listed);
        graph_close(&graph);
    }
    database_close(database);
    snapshot_free(&snapshot);
    http_close(http);
    return status;
}

/* Deletes one and writes down that it ended. */
static bool delete_one(struct graph *graph, struct database *database,
                       const struct snapshot *snapshot, const char *id)
{
    const struct row *row = row_of(snapshot, id);
    struct fault fault = {0};

    if (subscription_delete(graph, id, &fault) != DONE) {
        fault_log(&fault, graph->tenant->name);
        return false;
    }
    printf("%s: subscription %s is deleted\n", graph->tenant->name, id);
    if (!row || row->ended_at)
        return true;
    return subscription_store_end(database, row->no) &&
           (!plan_is_wanted(graph->tenant, row) ||
            subscription_store_open_gap(database, graph->tenant,
                                        "it was unsubscribed", 0));
}

/* Every own one of the tenant's resource. */
static bool delete_own(struct graph *graph, struct database *database,
                       const struct snapshot *snapshot)
{
    struct subscriptions listed;
    struct fault fault = {0};
    size_t count = 0;
    bool good = true;

    if (subscription_list(graph, &listed, &fault) != DONE) {
        fault_log(&fault, graph->tenant->name);
        good = false;
    }
    for (size_t i = 0; i < listed.count; i++) {
        const struct subscription *one = &listed.all[i];

        if (!renew_is_wanted(graph->tenant, one) ||
            !is_own(graph->tenant, snapshot, one))
            continue;
        count++;
        good = delete_one(graph, database, snapshot, one->id) && good;
    }
    if (good && count == 0)
        printf("%s: there is no subscription of ours\n", graph->tenant->name);
    subscriptions_free(&listed);
    return good;
}

/* With the tenant's lock: a run must not create one at the same time. */
static bool unsubscribe(const struct settings *settings,
                        const struct tenant *tenant, const char *id)
{
    struct http *http = http_open();
    struct graph graph = open_graph(settings, tenant, http);
    struct snapshot snapshot;
    struct database *database = look_up(settings, &snapshot);
    bool good = id ? delete_one(&graph, database, &snapshot, id)
                   : delete_own(&graph, database, &snapshot);

    /* That it ended is not written down then; the next run will find out. */
    good = good && database;
    graph_close(&graph);
    database_close(database);
    snapshot_free(&snapshot);
    http_close(http);
    return good;
}

int unsubscribe_command(const struct settings *settings,
                        const struct words *words)
{
    const struct tenant *tenant = settings_tenant(settings, words->all[0]);
    char id[GUID_SIZE];
    bool one = words->count > 1;
    bool good, held;

    if (one && !guid_read(id, words->all[1])) {
        log_line("that is no subscription id");
        return EX_USAGE;
    }
    int lock = state_dir_lock(settings->state_dir, tenant->name, &held);
    if (held)
        log_line("%s: a run is working on it, try again", tenant->name);
    good = lock >= 0 && unsubscribe(settings, tenant, one ? id : NULL);
    if (lock >= 0)
        close(lock);
    return good ? EX_OK : 1;
}
