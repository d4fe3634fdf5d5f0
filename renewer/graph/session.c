/* What a command on one tenant's calls needs: the database, the lock, Graph. */
#include "graph/session.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "http/http.h"

#define CONNECT_MS 8000
#define LOCK_MS 60000 /* longer than any run */
#define PAUSE_US 200000
#define SESSION_MS (2 * 3600 * 1000)

static bool get_lock(struct session *session, const struct tenant *tenant)
{
    int64_t until = clock_ms() + LOCK_MS;
    bool held;

    for (;;) {
        session->lock =
            state_dir_lock(session->graph.state_dir, tenant->name, &held);
        if (session->lock >= 0 || !held)
            return session->lock >= 0;
        if (clock_ms() >= until)
            break;
        usleep(PAUSE_US);
    }
    log_line("%s: another program works on it", tenant->name);
    return false;
}

bool session_open(struct session *session, const struct settings *settings,
                  const struct tenant *tenant)
{
    char why[300];

    *session = (struct session){.graph = {.tenant = tenant,
                                          .state_dir = settings->state_dir,
                                          .http = http_open(),
                                          .deadline = clock_ms() + SESSION_MS},
                                .lock = -1};
    session->database = database_open(
        settings->database, clock_ms() + CONNECT_MS, why, sizeof(why));
    if (!session->database) {
        log_line("database: %s", why);
        return false;
    }
    return get_lock(session, tenant);
}

void session_close(struct session *session)
{
    database_close(session->database);
    graph_close(&session->graph);
    http_close(session->graph.http);
    if (session->lock >= 0)
        close(session->lock);
}

void session_tell(const struct session *session, const struct fault *fault)
{
    char what[600];

    fault_print(fault, what, sizeof(what));
    log_line("%s: %s", session->graph.tenant->name, what);
}
