/* The second half of a run: lists of calls, logs, call records. */
#include "calls/call_pass.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/report.h"
#include "base/resource.h"
#include "base/state_dir.h"
#include "calls/call_list.h"
#include "calls/phone_logs.h"
#include "calls/record_queue.h"
#include "graph/graph.h"
#include "http/http.h"

/* Tenants at a time. Each has many requests under way, and memory is short. */
#define VISITORS 4

/* Less is not worth a visit; who is not reached is among the next run's first.
 */
#define VISIT_MS 10000

struct visits {
    const struct settings *settings;
    struct database *database;
    const struct tenant **tenants; /* in the order of their turns */
    size_t count;                  /* those whose visit is over are NULL */
    size_t next;
    int64_t deadline;
    pthread_mutex_t lock;
};

/* -- a tenant's turn --------------------------------------------------- */

/* Tells why a step was not DONE. */
static bool is_done(const struct graph *graph, enum outcome outcome,
                    const struct fault *fault)
{
    char what[600];
    char *line;

    if (outcome == DONE)
        return true;
    fault_print(fault, what, sizeof(what));
    line = memory_print("%s: %s", graph->tenant->name, what);
    report_line(graph->state_dir, graph->tenant->name, line);
    free(line);
    return false;
}

/* When half of the time is over that is left. */
static int64_t halfway(int64_t deadline)
{
    int64_t now = clock_ms();

    return now + (deadline - now) / 2;
}

/*
 * Lists may take half of the time, for what they find is to be read as well,
 * and logs half of the rest.
 */
static bool work(struct graph *graph, struct database *database,
                 int64_t deadline)
{
    const struct tenant *tenant = graph->tenant;
    struct fault fault;
    bool good = true;

    if (tenant->reconcile) {
        struct call_list list = {.graph = graph, .database = database};

        graph->deadline = halfway(deadline);
        good = is_done(graph, reconcile(&list, 0), &list.fault);
    }
    graph->deadline = tenant->records ? halfway(deadline) : deadline;
    if (tenant->pstn)
        good =
            is_done(graph, phone_logs_read(graph, database, &fault), &fault) &&
            good;
    graph->deadline = deadline;
    if (tenant->records)
        good = is_done(graph, record_queue_read(graph, database, NULL, &fault),
                       &fault) &&
               good;
    return good;
}

static bool visit_tenant(const struct visits *visits,
                         const struct tenant *tenant, struct http *http,
                         int64_t deadline)
{
    struct graph graph = {.tenant = tenant,
                          .state_dir = visits->settings->state_dir,
                          .http = http};
    bool held, good;
    int lock = state_dir_lock(graph.state_dir, tenant->name, &held);

    if (lock < 0) {
        if (held)
            log_detail("%s: another program works on it", tenant->name);
        return held;
    }
    good = work(&graph, visits->database, deadline);
    graph_close(&graph);
    close(lock);
    return good;
}

/* -- all tenants' ------------------------------------------------------ */

/* Sections of one tenant share its quotas and its calls: one at a time. */
static bool is_visited(const struct visits *visits, const struct tenant *tenant)
{
    for (size_t i = 0; i < visits->next; i++)
        if (visits->tenants[i] &&
            strcmp(visits->tenants[i]->tenant_id, tenant->tenant_id) == 0)
            return true;
    return false;
}

/*
 * The place of the next tenant and its share of the time that is left, or NULL;
 * `last`: whose visit is over.
 */
static const struct tenant **take(struct visits *visits,
                                  const struct tenant **last, int64_t *deadline)
{
    int64_t now = clock_ms();
    int64_t left = visits->deadline - now;
    const struct tenant **place = NULL;
    size_t i;

    pthread_mutex_lock(&visits->lock);
    if (last)
        *last = NULL;
    for (i = visits->next; i < visits->count; i++)
        if (!is_visited(visits, visits->tenants[i]))
            break;
    if (i < visits->count && left > VISIT_MS / 5) {
        size_t rounds = (visits->count - visits->next - 1) / VISITORS + 1;
        int64_t share = left / (int64_t)rounds;
        const struct tenant *tenant = visits->tenants[i];

        if (share < VISIT_MS)
            share = left < VISIT_MS ? left : VISIT_MS;
        *deadline = now + share;
        place = &visits->tenants[visits->next++];
        visits->tenants[i] = *place;
        *place = tenant;
    }
    pthread_mutex_unlock(&visits->lock);
    return place;
}

static void *visit_some(void *argument)
{
    struct visits *visits = argument;
    struct http *http = http_open();
    const struct tenant **place = NULL;
    int64_t deadline;
    bool good = true;

    while ((place = take(visits, place, &deadline)))
        good = visit_tenant(visits, *place, http, deadline) && good;
    http_close(http);
    return good ? NULL : visits;
}

static bool has_calls(const struct tenant *tenant)
{
    char *resource = resource_key(tenant->resource);
    bool calls = strncmp(resource, "communications/callrecords", 26) == 0;

    free(resource);
    return calls && (tenant->records || tenant->reconcile || tenant->pstn);
}

/* The first turn goes round, so that each tenant has it at times. */
static void find_tenants(struct visits *visits)
{
    const struct settings *settings = visits->settings;
    size_t turn = (size_t)(clock_wall() / 60) * VISITORS;

    visits->tenants =
        memory_new(settings->tenant_count, sizeof(struct tenant *));
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant =
            &settings->tenants[(turn + i) % settings->tenant_count];

        if (has_calls(tenant))
            visits->tenants[visits->count++] = tenant;
    }
}

bool call_pass_run(const struct settings *settings, struct database *database,
                   int64_t deadline)
{
    struct visits visits = {.settings = settings,
                            .database = database,
                            .deadline = deadline,
                            .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t visitors[VISITORS];
    size_t count = 0;
    void *failed = NULL;
    bool good = true;

    find_tenants(&visits);
    while (count < VISITORS && count < visits.count &&
           pthread_create(&visitors[count], NULL, visit_some, &visits) == 0)
        count++;
    if (count == 0 && visits.count)
        good = visit_some(&visits) == NULL;
    while (count) {
        pthread_join(visitors[--count], &failed);
        good = good && !failed;
    }
    free(visits.tenants);
    return good;
}
