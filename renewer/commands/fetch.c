/* The command `fetch`: reads the records of calls again. */
#include "commands/commands.h"

#include <sysexits.h>

#include "base/guid.h"
#include "base/log.h"
#include "base/pg_list.h"
#include "base/progress.h"
#include "calls/record_queue.h"
#include "calls/record_store.h"
#include "graph/session.h"

/* What is known of the calls now; false if one is not stored. */
static bool print_calls(struct session *session, const char *ids)
{
    static const char sql[] =
        "SELECT call_id, record_state, coalesce(', version ' || version, ''),"
        " coalesce(', ' || record_error, ''),"
        " record_state = 'stored' AND record_error IS NULL"
        " FROM callhook.calls"
        " WHERE tenant_id = $1::uuid AND call_id = ANY ($2::uuid[])"
        " ORDER BY call_id";
    PGresult *result =
        database_run(session->database, sql,
                     DATABASE_VALUES(session->graph.tenant->tenant_id, ids));
    bool good = result != NULL;

    for (int i = 0; result && i < PQntuples(result); i++) {
        printf("%s  %s%s%s\n", PQgetvalue(result, i, 0),
               PQgetvalue(result, i, 1), PQgetvalue(result, i, 2),
               PQgetvalue(result, i, 3));
        good = good && *PQgetvalue(result, i, 4) == 't';
    }
    PQclear(result);
    return good;
}

struct request {
    const char *ids; /* an array */
    int count;
};

static bool fetch(struct session *session, const void *context)
{
    const struct request *request = context;
    const char *ids = request->ids;
    const char *name = session->graph.tenant->name;
    const struct record_store store = {session->database,
                                       session->graph.tenant->tenant_id};
    struct fault fault;
    bool good;

    if (!session->database || !session_wait_for_lock(session) ||
        !record_store_want(&store, ids))
        return false;
    progress_begin(name, "call records", request->count, "read");
    good = record_queue_read(&session->graph, session->database, ids, &fault) ==
           DONE;
    progress_end();
    if (!good)
        fault_log(&fault, name);
    return print_calls(session, ids);
}

int fetch_command(const struct settings *settings, const struct words *words)
{
    struct pg_list ids = {.brackets = "{}"};
    char guid[GUID_SIZE];
    struct request request;
    bool good;

    for (int i = 1; i < words->count; i++) {
        if (!guid_read(guid, words->all[i])) {
            log_line("a call's id is a GUID: 36 digits and dashes");
            pg_list_free(&ids);
            return EX_USAGE;
        }
        pg_list_add(&ids, guid);
    }
    request = (struct request){pg_list_end(&ids), words->count - 1};
    good =
        session_each(settings, words->all[0], SESSION_LONG_MS, fetch, &request);
    pg_list_free(&ids);
    return good ? EX_OK : 1;
}
