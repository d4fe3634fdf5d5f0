/* A tenant's turn in a run. */
#include "work.h"

#include <unistd.h>

#include "events.h"
#include "graph.h"
#include "keep.h"
#include "knowledge.h"
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

/* Does what is due, if it is still due. */
static enum outcome work_on_fresh(struct keeping *keeping)
{
    const struct settings *settings = keeping->settings;
    const struct duty *duty = keeping->duty;
    const struct tenant *tenant = duty->tenant;
    struct knowledge fresh;
    struct duty now;
    enum outcome outcome = DONE;

    if (!knowledge_load(keeping->database, tenant->tenant_id, &fresh)) {
        fault_say(&keeping->fault, "database", "it did not say what is due");
        outcome = LATER;
    } else {
        due_find(&now, &fresh, settings, tenant);
        now.may_list = duty->may_list;
        keeping->duty = &now;
        if (!work_is_due(&now, settings) ||
            (due_needs_list(&now) && !now.may_list))
            log_detail("%s: another run has worked on it", tenant->name);
        else
            outcome = keep(keeping);
        keeping->duty = duty;
    }
    knowledge_free(&fresh);
    return outcome;
}

/*
 * What we know was read before we had the lock. Another run may have made a
 * subscription since, and we would take it for one with an unknown secret: so
 * the tenant's part is read again.
 */
bool work_on(const struct settings *settings, struct database *database,
             const struct duty *duty, struct http *http, int64_t deadline)
{
    struct graph graph = {.tenant = duty->tenant,
                          .state_dir = settings->state_dir,
                          .http = http,
                          .deadline = deadline};
    struct keeping keeping = {.graph = &graph,
                              .settings = settings,
                              .database = database,
                              .duty = duty};
    bool held;
    int lock = state_lock(settings->state_dir, duty->tenant->name, &held);
    enum outcome outcome;

    if (lock < 0) {
        if (held)
            log_detail("%s: another program works on it", duty->tenant->name);
        return held;
    }
    outcome = database ? work_on_fresh(&keeping)
                       : renew_blindly(&graph, &keeping.fault);
    graph_close(&graph);
    if (outcome != DONE)
        state_tell_fault(settings->state_dir, duty->tenant->name,
                         &keeping.fault);
    close(lock);
    return outcome == DONE;
}
