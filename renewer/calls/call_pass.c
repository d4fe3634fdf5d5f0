/* The second half of a run: lists of calls, logs, call records. */
#include "calls/call_pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/report.h"
#include "base/resource.h"
#include "calls/call_list.h"
#include "calls/phone_logs.h"
#include "calls/record_queue.h"
#include "calls/throttling.h"
#include "graph/session.h"
#include "http/workers.h"

/* Tenants at a time. Each has many requests under way, and memory is short. */
#define VISITORS 4

/* Less is not worth a visit; who is not reached is so at another run. */
#define VISIT_MS 10000

/* Longer than any work that failed is left alone. */
#define PATIENCE_SECONDS 900

struct visit {
    const struct tenant *tenant;
    int64_t deadline;
    bool over;
};

struct visits {
    const struct settings *settings;
    struct database *database;
    struct visit *all; /* in the order of their turns */
    size_t count;
    size_t next;
    int64_t deadline;
};

/* -- a tenant's turn --------------------------------------------------- */

/* One tenant's, with what became of it. */
struct turn {
    struct graph *graph;
    struct database *database;
    struct throttling throttling;
    bool failed;
    bool waits; /* Graph asked for it */
};

/* Whether a step is to be done now. */
static bool begins(struct turn *turn, enum throttling_step step, bool wanted)
{
    bool waits = wanted && turn->throttling.waits[step];

    turn->waits |= waits;
    return wanted && !waits;
}

/* Reports why a step was not DONE. */
static void end_step(struct turn *turn, enum throttling_step step,
                     enum outcome outcome, const struct fault *fault)
{
    const struct graph *graph = turn->graph;

    if (outcome == DONE)
        return;
    report_fault(graph->state_dir, graph->tenant->name, REPORT_CALLS, fault);
    throttling_note(turn->database, graph->tenant->tenant_id, step, fault);
    turn->failed = true;
}

/* What failed may not be due again for minutes. */
static void end_faults(const struct graph *graph)
{
    char *subject = memory_print("%s" REPORT_CALLS, graph->tenant->name);

    report_end(graph->state_dir, subject, PATIENCE_SECONDS);
    free(subject);
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
static bool work(const struct settings *settings, struct graph *graph,
                 struct database *database, int64_t deadline)
{
    const struct tenant *tenant = graph->tenant;
    struct turn turn = {graph, database,
                        throttling_read(database, tenant->tenant_id), false,
                        false};
    struct fault fault;
    enum outcome outcome;

    if (begins(&turn, THROTTLING_LIST, tenant->reconcile)) {
        struct call_list list = {
            .settings = settings,
            .windows = {.graph = graph, .database = database}};

        graph->deadline = halfway(deadline);
        outcome = call_list_read(&list);
        end_step(&turn, THROTTLING_LIST, outcome, &list.windows.fault);
    }
    graph->deadline = tenant->records ? halfway(deadline) : deadline;
    if (begins(&turn, THROTTLING_LOGS, tenant->pstn)) {
        outcome = phone_logs_read(graph, database, &fault);
        end_step(&turn, THROTTLING_LOGS, outcome, &fault);
    }
    graph->deadline = deadline;
    if (begins(&turn, THROTTLING_RECORDS, tenant->records)) {
        outcome = record_queue_read(graph, database, NULL, &fault);
        end_step(&turn, THROTTLING_RECORDS, outcome, &fault);
    }
    if (!turn.failed && !turn.waits)
        end_faults(graph);
    return !turn.failed;
}

static bool visit_tenant(void *context, void *task, struct http *http)
{
    const struct visits *visits = context;
    const struct visit *visit = task;
    struct session session;
    bool held, good;

    session_open(&session, visits->settings, visit->tenant, visits->database,
                 http, 0);
    good = session_lock(&session, &held);
    if (good)
        good = work(visits->settings, &session.graph, session.database,
                    visit->deadline);
    else if (held)
        log_detail("%s: another program works on it", visit->tenant->name);
    session_close(&session);
    return good || held;
}

/* -- all tenants' ------------------------------------------------------ */

/* Sections of one tenant share its quotas and its calls: one at a time. */
static bool is_visited(const struct visits *visits, const struct tenant *tenant)
{
    for (size_t i = 0; i < visits->next; i++)
        if (!visits->all[i].over &&
            strcmp(visits->all[i].tenant->tenant_id, tenant->tenant_id) == 0)
            return true;
    return false;
}

/* The next visit, with its share of the time that is left, or NULL. */
static void *take(void *context, void *last)
{
    struct visits *visits = context;
    struct visit *next = &visits->all[visits->next];
    int64_t now = clock_ms();
    int64_t left = visits->deadline - now;
    size_t i = visits->next;

    if (last)
        ((struct visit *)last)->over = true;
    while (i < visits->count && is_visited(visits, visits->all[i].tenant))
        i++;
    if (i == visits->count || left <= VISIT_MS / 5)
        return NULL;
    struct visit chosen = visits->all[i];
    int64_t rounds =
        (int64_t)((visits->count - visits->next - 1) / VISITORS + 1);
    int64_t share = left / rounds;
    if (share < VISIT_MS)
        share = left < VISIT_MS ? left : VISIT_MS;
    visits->all[i] = *next;
    *next = (struct visit){.tenant = chosen.tenant, .deadline = now + share};
    visits->next++;
    return next;
}

static bool has_calls(const struct tenant *tenant)
{
    return resource_is_call_records(tenant->resource) &&
           (tenant->records || tenant->reconcile || tenant->pstn);
}

/*
 * Who has the first turn is by chance, so that each tenant has it at times,
 * whatever the interval of the runs.
 */
static void find_tenants(struct visits *visits)
{
    const struct settings *settings = visits->settings;
    size_t turn = random_below(settings->tenant_count);

    visits->all = memory_new(settings->tenant_count, sizeof(struct visit));
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant =
            &settings->tenants[(turn + i) % settings->tenant_count];

        if (has_calls(tenant))
            visits->all[visits->count++].tenant = tenant;
    }
}

bool call_pass_run(const struct settings *settings, struct database *database,
                   int64_t deadline)
{
    struct visits visits = {
        .settings = settings, .database = database, .deadline = deadline};
    struct workers workers = {
        .take = take, .work = visit_tenant, .context = &visits};
    bool good;

    find_tenants(&visits);
    workers.count = visits.count < VISITORS ? visits.count : VISITORS;
    good = workers_run(&workers);
    free(visits.all);
    return good;
}
