/* The command `reconcile`: lists calls at Graph and files the missing. */
#include "commands/commands.h"

#include <inttypes.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/result.h"
#include "calls/call_list.h"
#include "calls/record_queue.h"
#include "graph/session.h"

#define DEFAULT_SECONDS (30LL * 86400)

/* Younger calls are left to the next hour's list. */
#define YOUNG_SECONDS 60

static const char usage[] = "reconcile [TENANT] [--since WHEN] [--until WHEN] "
                            "[--reread]";

struct request {
    const struct settings *settings;
    const char *tenant; /* NULL: all */
    int64_t since;
    int64_t until; /* 0: now */
    bool reread;   /* the records, too */
};

/* A time, or a day: ISO 8601, and UTC unless it says otherwise. */
static bool read_when(const char *text, int64_t *when)
{
    static const char *const ends[] = {"", "Z", "T00:00Z"};
    bool good = false;

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends) && !good; i++) {
        char *whole = memory_print("%s%s", text, ends[i]);

        good = datetime_read(whole, when);
        free(whole);
    }
    return good && *when > 0 && *when <= clock_wall();
}

/* The word behind --since or --until. */
static bool read_time(const struct words *words, int i, int64_t *when)
{
    if (i + 1 < words->count && read_when(words->all[i + 1], when))
        return true;
    log_line("%s wants a time that is over: 2026-11-22, or "
             "2026-11-22T10:00:00Z",
             words->all[i]);
    return false;
}

static bool read_words(const struct words *words, struct request *request)
{
    *request = (struct request){.since = clock_wall() - DEFAULT_SECONDS};
    for (int i = 0; i < words->count; i++) {
        bool since = strcmp(words->all[i], "--since") == 0;

        if (since || strcmp(words->all[i], "--until") == 0) {
            if (!read_time(words, i++,
                           since ? &request->since : &request->until))
                return false;
        } else if (strcmp(words->all[i], "--reread") == 0) {
            request->reread = true;
        } else if (request->tenant || words->all[i][0] == '-') {
            log_line("%s", usage);
            return false;
        } else {
            request->tenant = words->all[i];
        }
    }
    if (request->until && request->until <= request->since) {
        log_line("--until is not after --since, which is 30 days ago unless "
                 "given");
        return false;
    }
    if (request->until > clock_wall() - YOUNG_SECONDS)
        request->until = 0;
    return true;
}

/* Makes the records of that time due and reads what is. */
static bool reread(struct session *session, const struct request *request)
{
    const char *name = session->graph.tenant->name;
    int64_t until = request->until ? request->until : clock_wall();
    PGresult *result =
        database_run(session->database,
                     "SELECT callhook_store.want_calls_of($1, $2, $3) AS n",
                     DATABASE_VALUES(session->graph.tenant->tenant_id,
                                     database_number(request->since).text,
                                     database_number(until).text));
    int64_t wanted = result_number(result, 0, "n");
    bool good = result != NULL;
    struct fault fault;

    PQclear(result);
    if (!good)
        return false;
    progress_begin(name, "call records", wanted, "read");
    good = record_queue_read(&session->graph, session->database, NULL,
                             &fault) == DONE;
    progress_end();
    printf("%s: %" PRId64 " records to be read again: %s\n", name, wanted,
           good ? "done" : "what is not read is due at the next run");
    if (!good)
        fault_log(&fault, name);
    return good;
}

/* As much of the asked time as Graph goes back. */
static int64_t hours_of(const struct request *request)
{
    int64_t now = clock_wall();
    int64_t until = request->until ? request->until : now;
    int64_t since = now - DEFAULT_SECONDS;

    if (since < request->since)
        since = request->since;
    return until > since ? (until - since) / 3600 : 0;
}

static bool reconcile(struct session *session, const void *context)
{
    const struct request *request = context;
    struct call_list list = {.settings = request->settings,
                             .windows = {.graph = &session->graph,
                                         .database = session->database,
                                         .since = request->since,
                                         .until = request->until}};
    const struct windows *done = &list.windows;
    const char *name = session->graph.tenant->name;
    bool good;

    if (!session->database || !session_wait_for_lock(session))
        return false;
    progress_begin(name, "list of calls", hours_of(request), "hours");
    good = call_list_read(&list) == DONE && !done->unfinished;
    progress_end();
    printf("%s: %" PRId64 " calls at Graph, %" PRId64 " were missing, %" PRId64
           " newer, %" PRId64 " gaps closed%s\n",
           name, done->listed, done->missing, done->newer, list.gaps,
           good ? "" : ", not in full");
    if (!good)
        fault_log(&done->fault, name);
    return good && (!request->reread || reread(session, request));
}

int reconcile_command(const struct settings *settings,
                      const struct words *words)
{
    struct request request;

    if (!read_words(words, &request))
        return EX_USAGE;
    request.settings = settings;
    if (request.tenant && !settings_tenant_or_log(settings, request.tenant))
        return EX_USAGE;
    return session_each(settings, request.tenant, SESSION_LONG_MS, reconcile,
                        &request)
               ? EX_OK
               : 1;
}
