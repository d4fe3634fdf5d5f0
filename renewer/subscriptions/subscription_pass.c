/* A tenant's turn in a run. */
#include "subscriptions/subscription_pass.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/report.h"
#include "subscriptions/ensure.h"
#include "subscriptions/lifecycle.h"
#include "subscriptions/renew.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription_store.h"

/* However long Graph wants us to wait: a subscription must not end over it. */
#define WAIT_MAX 3600

bool subscription_pass_is_due(const struct plan *plan,
                              const struct settings *settings)
{
    return plan->due || lifecycle_wait(plan, settings);
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

static enum outcome keep(struct ensuring *ensuring)
{
    const struct plan *plan = ensuring->plan;
    enum outcome outcome = DONE;
    char *failure = NULL;

    if (plan->due) {
        outcome = ensure_subscription(ensuring);
        long wait = ensuring->fault.retry_after;

        if (outcome != DONE)
            failure = sum_up(&ensuring->fault);
        subscription_store_past(ensuring->database, plan->tenant, failure,
                                wait > WAIT_MAX ? WAIT_MAX : wait);
    }
    if (!lifecycle_work_off(ensuring->database, ensuring->settings, plan,
                            plan->due && outcome == DONE, ensuring->renewed) &&
        outcome == DONE) {
        fault_say(&ensuring->fault, "database",
                  "it did not take what happened");
        outcome = LATER;
    }
    free(failure);
    return outcome;
}

/* Does what is due, if it is still due. */
static enum outcome work_on_fresh(struct ensuring *ensuring)
{
    const struct settings *settings = ensuring->settings;
    const struct plan *plan = ensuring->plan;
    const struct tenant *tenant = plan->tenant;
    struct snapshot fresh;
    struct plan now;
    enum outcome outcome = DONE;

    if (!snapshot_load(ensuring->database, tenant->tenant_id, &fresh)) {
        fault_say(&ensuring->fault, "database", "it did not say what is due");
        outcome = LATER;
    } else {
        plan_find(&now, &fresh, settings, tenant);
        now.may_list = plan->may_list;
        ensuring->plan = &now;
        if (!subscription_pass_is_due(&now, settings) ||
            (plan_needs_list(&now) && !now.may_list))
            log_detail("%s: another run has worked on it", tenant->name);
        else
            outcome = keep(ensuring);
        ensuring->plan = plan;
    }
    snapshot_free(&fresh);
    return outcome;
}

/*
 * What we know was read before we had the lock. Another run may have made a
 * subscription since, and we would take it for one with an unknown secret: so
 * the tenant's part is read again.
 */
bool subscription_pass_on(const struct settings *settings,
                          struct session *session, const struct plan *plan)
{
    struct ensuring ensuring = {.graph = &session->graph,
                                .settings = settings,
                                .database = session->database,
                                .plan = plan};
    bool held;
    enum outcome outcome;

    if (!session_lock(session, &held)) {
        if (held)
            log_detail("%s: another program works on it", plan->tenant->name);
        return held;
    }
    outcome = session->database
                  ? work_on_fresh(&ensuring)
                  : renew_blindly(&session->graph, &ensuring.fault);
    if (outcome != DONE)
        report_fault(settings->state_dir, plan->tenant->name, &ensuring.fault);
    return outcome == DONE;
}
