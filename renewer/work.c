/* A tenant's turn in a run. */
#include "work.h"

#include <unistd.h>

#include "events.h"
#include "graph.h"
#include "keep.h"
#include "log.h"
#include "memory.h"
#include "renew.h"
#include "state.h"
#include "store.h"

/* However long Graph wants us to wait: a subscription must not end over it. */
#define WAIT_MAX 3600

bool work_is_due(const struct duty *duty, const struct settings *settings)
{
    return duty->due || events_wait(duty, settings);
}

static void tell(const struct settings *settings, const struct tenant *tenant,
                 const struct fault *fault)
{
    char what[600];
    char *line;

    fault_print(fault, what, sizeof(what));
    line = memory_print("%s: %s", tenant->name, what);
    state_tell(settings->state_dir, tenant->name, line);
    free(line);
}

/* What the view of the tenant's state shows; no ids that change each time. */
static char *sum_up(const struct fault *fault)
{
    struct fault plain = *fault;
    char what[600];

    plain.request_id[0] = '\0';
    plain.client_request_id[0] = '\0';
    fault_print(&plain, what, sizeof(what));
    return memory_copy(what);
}

static enum outcome keep(struct keeping *keeping)
{
    const struct duty *duty = keeping->duty;
    enum outcome outcome = DONE;
    char *failure = NULL;

    if (duty->due) {
        outcome = keep_subscription(keeping);
        long wait = keeping->fault.retry_after;

        if (outcome != DONE)
            failure = sum_up(&keeping->fault);
        store_past(keeping->database, duty->tenant, failure,
                   wait > WAIT_MAX ? WAIT_MAX : wait);
    }
    if (!events_work_off(keeping->database, keeping->settings, duty,
                         duty->due && outcome == DONE, keeping->renewed) &&
        outcome == DONE) {
        fault_say(&keeping->fault, "database", "it did not take what happened");
        outcome = LATER;
    }
    free(failure);
    return outcome;
}

/* The settings say nothing of the tenant's while another program works on it.
 */
static enum outcome work(struct keeping *keeping, int64_t deadline,
                         struct http *http)
{
    const struct tenant *tenant = keeping->duty->tenant;
    struct graph graph = {.tenant = tenant,
                          .state_dir = keeping->settings->state_dir,
                          .http = http,
                          .deadline = deadline};
    enum outcome outcome;

    keeping->graph = &graph;
    outcome = keeping->database ? keep(keeping)
                                : renew_blindly(&graph, &keeping->fault);
    graph_close(&graph);
    keeping->graph = NULL;
    return outcome;
}

/*
 * What we know was read before we had the lock: another run may have made a
 * subscription since, and we would take it for one with an unknown secret.
 */
static bool is_outdated(struct database *database, const struct duty *duty)
{
    return store_ran_since(database, duty->tenant,
                           duty->past ? duty->past->last_run : "");
}

bool work_on(const struct settings *settings, struct database *database,
             const struct duty *duty, struct http *http, int64_t deadline)
{
    struct keeping keeping = {
        .settings = settings, .database = database, .duty = duty};
    bool held;
    int lock = state_lock(settings->state_dir, duty->tenant->name, &held);
    enum outcome outcome;

    if (lock < 0) {
        if (held)
            log_detail("%s: another program works on it", duty->tenant->name);
        return held;
    }
    if (is_outdated(database, duty)) {
        log_detail("%s: another run has worked on it", duty->tenant->name);
        close(lock);
        return true;
    }
    outcome = work(&keeping, deadline, http);
    if (outcome != DONE)
        tell(settings, duty->tenant, &keeping.fault);
    close(lock);
    return outcome == DONE;
}
