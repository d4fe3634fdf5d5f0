/* A tenant's turn in a run: read, plan, ensure, note. */
#include "subscriptions/subscription_pass.h"

#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/report.h"
#include "subscriptions/ensure.h"
#include "subscriptions/lifecycle.h"
#include "subscriptions/renew.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription_store.h"

static const char untaken[] = "it did not take what happened";

/* What the view of the tenant's state shows; no ids that change each time. */
static char *sum_up(const struct fault *fault)
{
    struct fault plain = *fault;
    char what[FAULT_SIZE];

    plain.request_id[0] = '\0';
    plain.client_request_id[0] = '\0';
    fault_print(&plain, what);
    return memory_copy(what);
}

/* Tells a fault of the database, unless another one was before it. */
static enum outcome note_untaken(struct graph *graph, enum outcome outcome,
                                 const char *what)
{
    if (outcome != DONE)
        return outcome;
    fault_say(&graph->fault, "database", "%s", what);
    return LATER;
}

/* What Graph was asked, and what came of it. */
static enum outcome note_turn(const struct ensuring *ensuring,
                              enum outcome outcome)
{
    struct fault *fault = &ensuring->graph->fault;
    long wait = outcome == DONE ? 0 : fault->retry_after;
    char *failure = NULL;

    if (!notes_write(&ensuring->notes, ensuring->database, ensuring->plan))
        outcome = note_untaken(ensuring->graph, outcome, untaken);
    if (outcome != DONE)
        failure = sum_up(fault);
    subscription_store_past(ensuring->database, ensuring->plan->tenant, failure,
                            wait > PLAN_WAIT_MAX ? PLAN_WAIT_MAX : wait,
                            ensuring->plan->unknown);
    free(failure);
    return outcome;
}

static enum outcome ensure_and_note(struct session *session,
                                    const struct plan *plan)
{
    struct ensuring ensuring = {
        .graph = &session->graph, .database = session->database, .plan = plan};
    enum outcome outcome = DONE;

    if (plan->due)
        outcome = note_turn(&ensuring, ensure_subscription(&ensuring));
    if (!lifecycle_work_off(session->database, plan,
                            plan->due && outcome == DONE,
                            ensuring.notes.renewed))
        outcome = note_untaken(&session->graph, outcome, untaken);
    if (plan->due && outcome == DONE)
        report_end(session->graph.state_dir, plan->tenant->name, 0);
    notes_free(&ensuring.notes);
    return outcome;
}

/*
 * What the run knew was read before we had the lock. Another run may have made
 * a subscription since, and we would take it for one with an unknown secret: so
 * the tenant's part is read again.
 */
static enum outcome plan_and_ensure(struct session *session,
                                    const struct settings *settings,
                                    bool may_list)
{
    const struct tenant *tenant = session->graph.tenant;
    struct snapshot snapshot;
    enum outcome outcome = DONE;

    if (!snapshot_load(session->database, tenant->tenant_id, &snapshot)) {
        outcome =
            note_untaken(&session->graph, DONE, "it did not say what is due");
    } else {
        struct plan plan;

        plan_make(&plan, &snapshot, settings, tenant);
        plan.may_list = may_list;
        if (plan_is_due(&plan) && (may_list || !plan.needs_list))
            outcome = ensure_and_note(session, &plan);
        else
            log_detail("%s: another run has worked on it", tenant->name);
        plan_free(&plan);
    }
    snapshot_free(&snapshot);
    return outcome;
}

/*
 * Who has the lock that we have: this state folder on this host. A run that was
 * killed in its turn holds up no later one here.
 */
static void name_lock(const struct session *session, char name[128])
{
    char host[65] = "";
    struct stat folder = {0};

    gethostname(host, sizeof(host) - 1);
    stat(session->graph.state_dir, &folder);
    snprintf(name, 128, "%s %ju:%ju", host, (uintmax_t)folder.st_dev,
             (uintmax_t)folder.st_ino);
}

/* Nothing can be written down, and it must not run out over that. */
static enum outcome renew_unnoted(struct graph *graph, const struct plan *plan)
{
    struct subscription one, renewed;

    if (plan->only && plan->due & PLAN_RENEW) {
        one = renew_of_row(plan->only->row);
        if (renew_subscription(graph, &one, &renewed) == DONE)
            subscription_free(&renewed);
    }
    return note_untaken(graph, DONE, "it did not give a turn");
}

/* The lock was of this host: a run on another one may be at it. */
static enum outcome take_turn(struct session *session,
                              const struct settings *settings,
                              const struct plan *plan)
{
    const struct tenant *tenant = session->graph.tenant;
    char run[128];
    bool taken;
    enum outcome outcome;

    name_lock(session, run);
    if (!subscription_store_take_turn(session->database, tenant, run, &taken))
        return renew_unnoted(&session->graph, plan);
    if (!taken) {
        log_detail("%s: a run on another host works on it", tenant->name);
        return DONE;
    }
    outcome = plan_and_ensure(session, settings, plan->may_list);
    subscription_store_end_turn(session->database, tenant, run);
    return outcome;
}

bool subscription_pass_run(struct session *session,
                           const struct settings *settings,
                           const struct plan *plan)
{
    const char *name = session->graph.tenant->name;
    bool held;
    enum outcome outcome;

    if (!session_lock(session, &held)) {
        if (held)
            log_detail("%s: another program works on it", name);
        return held;
    }
    outcome = session->database ? take_turn(session, settings, plan)
                                : renew_without_notes(&session->graph);
    if (outcome != DONE)
        report_fault(settings->state_dir, name, "", &session->graph.fault);
    return outcome == DONE;
}
