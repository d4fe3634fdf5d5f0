/* The second half of a run: lists of calls, logs, call records. */
#include "visit.h"

#include <pthread.h>
#include <unistd.h>

#include "clock.h"
#include "graph.h"
#include "http.h"
#include "log.h"
#include "memory.h"
#include "names.h"
#include "pstn.h"
#include "reconcile.h"
#include "records.h"
#include "state.h"

/* Tenants at a time. Each has many requests under way, and memory is short. */
#define VISITORS 4

/* Less is not worth a visit; who is not reached is among the next run's first.
 */
#define VISIT_MS 10000

struct visits {
    const struct settings *settings;
    struct database *database;
    const struct tenant **tenants; /* in the order of their turns */
    size_t count;
    size_t next;
    int64_t deadline;
    bool failed;
    pthread_mutex_t lock;
};

/* -- a tenant's turn --------------------------------------------------- */

struct visit {
    struct graph graph;
    struct database *database;
    bool failed;
};

/* Tells why a step was not DONE. */
static void weigh(struct visit *visit, enum outcome outcome,
                  const struct fault *fault)
{
    const struct tenant *tenant = visit->graph.tenant;
    char what[600];
    char *line;

    if (outcome == DONE)
        return;
    fault_print(fault, what, sizeof(what));
    line = memory_print("%s: %s", tenant->name, what);
    state_tell(visit->graph.state_dir, tenant->name, line);
    free(line);
    visit->failed = true;
}

static void visit_list(struct visit *visit)
{
    struct reconciling reconciling = {.graph = &visit->graph,
                                      .database = visit->database};

    weigh(visit, reconcile(&reconciling, 0), &reconciling.fault);
}

static void visit_logs(struct visit *visit)
{
    struct pstn pstn = {.graph = &visit->graph, .database = visit->database};

    weigh(visit, pstn_read(&pstn), &pstn.fault);
}

static void visit_records(struct visit *visit)
{
    struct records records = {.graph = &visit->graph,
                              .database = visit->database};
    enum outcome outcome = records_read(&records);
    char what[200];

    records_print(&records, what, sizeof(what));
    log_detail("%s: call records: %s", visit->graph.tenant->name, what);
    weigh(visit, outcome, &records.fault);
}

/* Lists may take half of the time: what they find is to be read as well. */
static void work(struct visit *visit, int64_t deadline)
{
    const struct tenant *tenant = visit->graph.tenant;
    int64_t now = clock_ms();

    if (tenant->reconcile) {
        visit->graph.deadline = now + (deadline - now) / 2;
        visit_list(visit);
    }
    visit->graph.deadline = deadline;
    if (tenant->pstn)
        visit_logs(visit);
    if (tenant->records)
        visit_records(visit);
}

static bool visit_tenant(const struct visits *visits,
                         const struct tenant *tenant, struct http *http,
                         int64_t deadline)
{
    const char *state_dir = visits->settings->state_dir;
    struct visit visit = {
        .graph = {.tenant = tenant, .state_dir = state_dir, .http = http},
        .database = visits->database};
    bool held;
    int lock = state_lock(state_dir, tenant->name, &held);

    if (lock < 0) {
        if (held)
            log_detail("%s: another program works on it", tenant->name);
        return held;
    }
    work(&visit, deadline);
    graph_close(&visit.graph);
    close(lock);
    return !visit.failed;
}

/* -- all tenants' ------------------------------------------------------ */

/* The next tenant and its share of the time that is left, or NULL. */
static const struct tenant *take(struct visits *visits, int64_t *deadline)
{
    const struct tenant *tenant = NULL;
    int64_t now = clock_ms();

    pthread_mutex_lock(&visits->lock);
    int64_t left = visits->deadline - now;
    if (visits->next < visits->count && left > VISIT_MS / 5) {
        size_t rounds = (visits->count - visits->next - 1) / VISITORS + 1;
        int64_t share = left / (int64_t)rounds;

        if (share < VISIT_MS)
            share = left < VISIT_MS ? left : VISIT_MS;
        *deadline = now + share;
        tenant = visits->tenants[visits->next++];
    }
    pthread_mutex_unlock(&visits->lock);
    return tenant;
}

static void *visit_some(void *argument)
{
    struct visits *visits = argument;
    struct http *http = http_open();
    const struct tenant *tenant;
    int64_t deadline;

    while ((tenant = take(visits, &deadline)))
        if (!visit_tenant(visits, tenant, http, deadline)) {
            pthread_mutex_lock(&visits->lock);
            visits->failed = true;
            pthread_mutex_unlock(&visits->lock);
        }
    http_close(http);
    return NULL;
}

static bool has_calls(const struct tenant *tenant)
{
    char *resource = names_resource(tenant->resource);
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

bool visit_all(const struct settings *settings, struct database *database,
               int64_t deadline)
{
    struct visits visits = {.settings = settings,
                            .database = database,
                            .deadline = deadline,
                            .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t visitors[VISITORS];
    size_t count = 0;

    find_tenants(&visits);
    while (count < VISITORS && count < visits.count &&
           pthread_create(&visitors[count], NULL, visit_some, &visits) == 0)
        count++;
    if (count == 0 && visits.count)
        visit_some(&visits);
    while (count)
        pthread_join(visitors[--count], NULL);
    free(visits.tenants);
    return !visits.failed;
}
