/* The command `unsubscribe`: deletes a tenant's subscriptions at Graph. */
#include "commands/commands.h"

#include <sysexits.h>

#include "base/database.h"
#include "base/guid.h"
#include "base/log.h"
#include "graph/session.h"
#include "subscriptions/decision.h"
#include "subscriptions/plan.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription.h"
#include "subscriptions/subscription_store.h"

#define TENANT_MS 20000

/* Deletes one and writes down that it ended. */
static bool delete_one(struct session *session, const struct plan *plan,
                       const char *id)
{
    const struct tenant *tenant = session->graph.tenant;
    const struct known *known = plan_known(plan, id);
    struct fault fault = {0};

    if (subscription_delete(&session->graph, id, &fault) != DONE) {
        fault_log(&fault, tenant->name);
        return false;
    }
    printf("%s: subscription %s is deleted\n", tenant->name, id);
    if (!known || known->row->ended_at)
        return true;
    return subscription_store_end(session->database, known->row->no) &&
           (!known->wanted ||
            subscription_store_open_gap(session->database, tenant,
                                        "it was unsubscribed", 0));
}

/* Every own one of the tenant's resource. */
static bool delete_own(struct session *session, const struct plan *plan)
{
    const struct tenant *tenant = session->graph.tenant;
    struct subscriptions listed;
    struct fault fault = {0};
    size_t count = 0;
    bool good = true;

    if (subscription_list(&session->graph, &listed, &fault) != DONE) {
        fault_log(&fault, tenant->name);
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

/*
 * With the tenant's lock: a run must not create one at the same time. Without a
 * database that it ended is not written down; the next run finds out.
 */
static bool unsubscribe(struct session *session,
                        const struct settings *settings, const char *id)
{
    struct snapshot snapshot = {0};
    struct plan plan;
    bool held, good;

    if (!session_lock(session, &held)) {
        if (held)
            log_line("%s: a run is working on it, try again",
                     session->graph.tenant->name);
        return false;
    }
    if (session->database)
        snapshot_load(session->database, session->graph.tenant->tenant_id,
                      &snapshot);
    plan_make(&plan, &snapshot, settings, session->graph.tenant);
    good = id ? delete_one(session, &plan, id) : delete_own(session, &plan);
    plan_free(&plan);
    snapshot_free(&snapshot);
    return good && session->database;
}

int unsubscribe_command(const struct settings *settings,
                        const struct words *words)
{
    const struct tenant *tenant = settings_tenant(settings, words->all[0]);
    struct database *database;
    struct http *http;
    struct session session;
    char id[GUID_SIZE];
    bool one = words->count > 1;
    bool good;

    if (one && !guid_read(id, words->all[1])) {
        log_line("that is no subscription id");
        return EX_USAGE;
    }
    database = database_open_or_log(settings->database);
    http = http_open();
    session_open(&session, settings, tenant, database, http, TENANT_MS);
    good = unsubscribe(&session, settings, one ? id : NULL);
    session_close(&session);
    http_close(http);
    database_close(database);
    return good ? EX_OK : 1;
}
