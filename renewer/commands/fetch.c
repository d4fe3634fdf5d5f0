/* The command `fetch`: reads the records of calls again. */
#include "base/guid.h"
#include "commands/commands.h"

#include <sysexits.h>

#include "base/log.h"
#include "base/pg_list.h"
#include "calls/record_queue.h"
#include "calls/record_store.h"
#include "graph/session.h"

static bool are_guids(const struct words *ids)
{
    char guid[GUID_SIZE];

    for (int i = 0; i < ids->count; i++)
        if (!guid_read(guid, ids->all[i])) {
            log_line("a call's id is a GUID: 36 digits and dashes");
            return false;
        }
    return true;
}

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
    const char *const values[] = {session->graph.tenant->tenant_id, ids};
    PGresult *result = database_run(session->database, sql, 2, values);
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

static bool fetch(struct session *session, const char *ids)
{
    const struct record_store store = {session->database,
                                       session->graph.tenant->tenant_id};
    struct fault fault;

    if (!record_store_want(&store, ids))
        return false;
    if (record_queue_read(&session->graph, session->database, ids, &fault) !=
        DONE)
        fault_log(&fault, session->graph.tenant->name);
    return print_calls(session, ids);
}

int fetch_command(const struct settings *settings, const struct words *words)
{
    const struct tenant *tenant = settings_tenant(settings, words->all[0]);
    const struct words calls = {words->count - 1, words->all + 1};
    struct pg_list ids = {.brackets = "{}"};
    struct database *database;
    struct http *http;
    struct session session;
    bool good;

    if (!are_guids(&calls))
        return EX_USAGE;
    for (int i = 0; i < calls.count; i++)
        pg_list_add(&ids, calls.all[i]);
    database = database_open_or_log(settings->database);
    http = http_open();
    session_open(&session, settings, tenant, database, http, SESSION_LONG_MS);
    good = database && session_wait_for_lock(&session) &&
           fetch(&session, pg_list_end(&ids));
    session_close(&session);
    http_close(http);
    database_close(database);
    pg_list_free(&ids);
    return good ? EX_OK : 1;
}
