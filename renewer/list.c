/* The commands `subscriptions` and `unsubscribe`. */
#include "commands.h"

#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "database.h"
#include "datetime.h"
#include "due.h"
#include "graph.h"
#include "knowledge.h"
#include "log.h"
#include "names.h"
#include "renew.h"
#include "state.h"
#include "store.h"
#include "subscription.h"

#define TENANT_MS 20000
#define CONNECT_MS 8000

/* What the database knows, if it is there; else nothing, and it is told. */
static struct database *look_up(const struct settings *settings,
                                struct knowledge *knowledge)
{
    char why[300];
    struct database *database = database_open(
        settings->database, clock_ms() + CONNECT_MS, why, sizeof(why));

    *knowledge = (struct knowledge){0};
    if (!database)
        log_line("database: %s", why);
    else
        knowledge_load(database, NULL, knowledge);
    return database;
}

static const struct row *row_of(const struct knowledge *knowledge,
                                const char *id)
{
    return due_row_of(knowledge->rows, knowledge->row_count, id);
}

static bool is_own(const struct tenant *tenant,
                   const struct knowledge *knowledge,
                   const struct subscription *one)
{
    return row_of(knowledge, one->id) || renew_is_under_our_url(tenant, one);
}

static void print_text(const char *name, const char *text)
{
    printf("    %-17s", name);
    print_plain(text);
    putchar('\n');
}

static void print_one(const struct tenant *tenant,
                      const struct knowledge *knowledge,
                      const struct subscription *one)
{
    char expires[DATETIME_SIZE];

    datetime_write(expires, one->expires_at);
    printf("  %s  %s\n", one->id,
           is_own(tenant, knowledge, one) ? "own" : "foreign");
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

int command_subscriptions(const struct settings *settings,
                          const struct words *words)
{
    struct http *http = http_open();
    struct knowledge knowledge;
    struct database *database = look_up(settings, &knowledge);
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
                print_one(tenant, &knowledge, &listed.all[j]);
        } else {
            fault_log(&fault, tenant->name);
            status = 1;
        }
        subscriptions_free(&listed);
        graph_close(&graph);
    }
    database_close(database);
    knowledge_free(&knowledge);
    http_close(http);
    return status;
}

/* Deletes one and writes down that it ended. */
static bool delete_one(struct graph *graph, struct database *database,
                       const struct knowledge *knowledge, const char *id)
{
    const struct row *row = row_of(knowledge, id);
    struct fault fault = {0};

    if (subscription_delete(graph, id, &fault) != DONE) {
        fault_log(&fault, graph->tenant->name);
        return false;
    }
    printf("%s: subscription %s is deleted\n", graph->tenant->name, id);
    if (!row || row->ended_at)
        return true;
    return store_end(database, row->no) &&
           (!due_is_wanted(graph->tenant, row) ||
            store_open_gap(database, graph->tenant, "it was unsubscribed", 0));
}

/* Every own one of the tenant's resource. */
static bool delete_own(struct graph *graph, struct database *database,
                       const struct knowledge *knowledge)
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
            !is_own(graph->tenant, knowledge, one))
            continue;
        count++;
        good = delete_one(graph, database, knowledge, one->id) && good;
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
    struct knowledge knowledge;
    struct database *database = look_up(settings, &knowledge);
    bool good = id ? delete_one(&graph, database, &knowledge, id)
                   : delete_own(&graph, database, &knowledge);

    /* That it ended is not written down then; the next run will find out. */
    good = good && database;
    graph_close(&graph);
    database_close(database);
    knowledge_free(&knowledge);
    http_close(http);
    return good;
}

int command_unsubscribe(const struct settings *settings,
                        const struct words *words)
{
    const struct tenant *tenant = settings_tenant(settings, words->all[0]);
    char id[GUID_SIZE];
    bool one = words->count > 1;
    bool good, held;

    if (one && !names_guid(id, words->all[1])) {
        log_line("that is no subscription id");
        return EX_USAGE;
    }
    int lock = state_lock(settings->state_dir, tenant->name, &held);
    if (held)
        log_line("%s: a run is working on it, try again", tenant->name);
    good = lock >= 0 && unsubscribe(settings, tenant, one ? id : NULL);
    if (lock >= 0)
        close(lock);
    return good ? EX_OK : 1;
}
