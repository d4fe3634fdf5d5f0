/* The command `unsubscribe`: deletes a tenant's subscriptions at Graph. */
#include "commands/commands.h"

#include <sysexits.h>

#include "base/guid.h"
#include "base/log.h"
#include "graph/session.h"
#include "subscriptions/decision.h"
#include "subscriptions/plan.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription.h"
#include "subscriptions/subscription_store.h"

#define TENANT_MS 20000

/*
 * Deletes one and writes down that it ended. One that we know may be gone, as
 * after a command that was cut off; an id that neither we nor Graph know is a
 * mistake.
 */
static bool delete_one(struct session *session, const struct plan *plan,
                       const char *id)
{
    const struct tenant *tenant = session->graph.tenant;
    const struct known *known = plan_known(plan, id);
    struct fault *fault = &session->graph.fault;
    enum outcome outcome = subscription_delete(&session->graph, id);

    if (outcome == ABSENT && !known)
        fault_say(fault, fault->step, "there is none of the id %s", id);
    if (outcome != DONE && !(outcome == ABSENT && known)) {
        fault_log(fault, tenant->name);
        return false;
    }
    printf("%s: subscription %s %s\n", tenant->name, id,
           outcome == DONE ? "is deleted" : "was gone already");
    if (!known || known->row->ended_at)
        return true;
    return subscription_store_end(session->database, known->row->no) &&
           (!known->wanted ||
            subscription_store_note_gap(session->database, tenant,
                                        "it was unsubscribed", 0, 0));
}

/* Every own one of the tenant's resource. */
static bool delete_own(struct session *session, const struct plan *plan)
{
    const struct tenant *tenant = session->graph.tenant;
    struct subscriptions listed;
    size_t count = 0;
    bool good = true;

    if (subscription_list(&session->graph, &listed) != DONE) {
        fault_log(&session->graph.fault, tenant->name);
        good = false;
    }
    for (size_t i = 0; i < listed.count; i++) {
        const struct subscription *one = &listed.all[i];

        if (!plan_wants(tenant, one->resource, one->change_type) ||
            !decision_is_own(plan, one))
            continue;
        count++;
        good = delete_one(session, plan, one->id) && good;
    }
    if (good && count == 0)
        printf("%s: there is no subscription of ours\n", tenant->name);
    subscriptions_free(&listed);
    return good;
}

/* What the command line says. */
struct request {
    const struct settings *settings;
    const char *id; /* NULL: all of ours */
};

/*
 * With the tenant's lock: a run must not create one at the same time. Without a
 * database that it ended is not written down; the next run finds out.
 */
static bool unsubscribe(struct session *session, const void *context)
{
    const struct request *request = context;
    const struct tenant *tenant = session->graph.tenant;
    struct snapshot snapshot;
    struct plan plan;
    bool held, good;

    if (!session_lock(session, &held)) {
        if (held)
            log_line("%s: a run is working on it, try again", tenant->name);
        return false;
    }
    snapshot_load(session->database, tenant->tenant_id, &snapshot);
    plan_make(&plan, &snapshot, request->settings, tenant);
    good = request->id ? delete_one(session, &plan, request->id)
                       : delete_own(session, &plan);
    plan_free(&plan);
    snapshot_free(&snapshot);
    return good;
}

int unsubscribe_command(const struct settings *settings,
                        const struct words *words)
{
    char id[GUID_SIZE];
    bool one = words->count > 1;
    const struct request request = {settings, one ? id : NULL};

    if (one && !guid_read(id, words->all[1])) {
        log_line("a subscription's id is a GUID: callhook-renewer "
                 "subscriptions shows them");
        return EX_USAGE;
    }
    return session_each(settings, words->all[0], TENANT_MS, unsubscribe,
                        &request)
               ? EX_OK
               : 1;
}
