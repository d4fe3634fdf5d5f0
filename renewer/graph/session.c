/* A tenant's session: Graph, the database, and the lock to be alone with. */
#include "graph/session.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/state_dir.h"

#define LOCK_MS 60000 /* longer than any run */

void session_open(struct session *session, const struct settings *settings,
                  const struct tenant *tenant, struct database *database,
                  struct http *http, int64_t milliseconds)
{
    *session = (struct session){
        .graph = {.tenant = tenant,
                  .state_dir = settings->state_dir,
                  .http = http,
                  .deadline = clock_ms() + milliseconds},
        .database = database,
        .lock = -1,
    };
}

static bool take_lock(struct session *session, int64_t deadline, bool *held)
{
    session->lock = state_dir_lock(session->graph.state_dir,
                                   session->graph.tenant->name, deadline, held);
    return session->lock >= 0;
}

bool session_lock(struct session *session, bool *held)
{
    return take_lock(session, 0, held);
}

bool session_wait_for_lock(struct session *session)
{
    bool held;
    bool taken = take_lock(session, clock_ms() + LOCK_MS, &held);

    if (held)
        log_line("%s: another program works on it",
                 session->graph.tenant->name);
    return taken;
}

bool session_each(const struct settings *settings, const char *name,
                  int64_t milliseconds, session_visit *visit,
                  const void *context)
{
    struct database *database = database_open_or_log(settings->database);
    struct http *http = http_open();
    bool good = database;

    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        struct session session;

        if (name && strcmp(tenant->name, name) != 0)
            continue;
        session_open(&session, settings, tenant, database, http, milliseconds);
        good = visit(&session, context) && good;
        session_close(&session);
    }
    http_close(http);
    database_close(database);
    return good;
}

void session_close(struct session *session)
{
    if (session->database && session->graph.told_time)
        database_do(
            session->database,
            "SELECT callhook_store.note_graph_time($1::bigint)",
            DATABASE_VALUES(database_number(graph_now(&session->graph)).text));
    graph_close(&session->graph);
    if (session->lock >= 0)
        close(session->lock);
}
