/* The command `reconcile`: lists calls at Graph and files the missing. */
#include "commands/commands.h"

#include <inttypes.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/memory.h"
#include "calls/call_list.h"
#include "graph/session.h"

#define DEFAULT_SECONDS (30LL * 86400)

struct request {
    const char *tenant; /* NULL: all */
    int64_t since;
};

/* A time, or a day: ISO 8601. */
static bool read_when(const char *text, int64_t *since)
{
    char *day = memory_print("%sT00:00:00Z", text);
    bool good = datetime_read(text, since) || datetime_read(day, since);

    free(day);
    return good && *since > 0 && *since < clock_wall();
}

static bool read_words(const struct words *words, struct request *request)
{
    *request = (struct request){.since = clock_wall() - DEFAULT_SECONDS};
    for (int i = 0; i < words->count; i++) {
        if (strcmp(words->all[i], "--since") == 0) {
            if (++i == words->count ||
                !read_when(words->all[i], &request->since)) {
                log_line("--since wants a time that is over: 2026-11-22, or "
                         "2026-11-22T10:00:00Z");
                return false;
            }
        } else if (request->tenant || words->all[i][0] == '-') {
            log_line("reconcile [TENANT] [--since WHEN]");
            return false;
        } else {
            request->tenant = words->all[i];
        }
    }
    return true;
}

static bool reconcile(struct session *session, const void *context)
{
    const struct request *request = context;
    struct call_list list = {.windows = {.graph = &session->graph,
                                         .database = session->database,
                                         .since = request->since}};
    const struct windows *done = &list.windows;
    const char *name = session->graph.tenant->name;
    bool good;

    if (!session->database || !session_wait_for_lock(session))
        return false;
    good = call_list_read(&list) == DONE && !done->unfinished;
    printf("%s: %" PRId64 " calls at Graph, %" PRId64 " were missing, %" PRId64
           " newer, %" PRId64 " gaps closed\n",
           name, done->listed, done->missing, done->newer, list.gaps);
    if (!good)
        fault_log(&done->fault, name);
    return good;
}

int reconcile_command(const struct settings *settings,
                      const struct words *words)
{
    struct request request;

    if (!read_words(words, &request))
        return EX_USAGE;
    if (request.tenant && !settings_tenant(settings, request.tenant)) {
        log_line("there is no such tenant in the settings");
        return EX_USAGE;
    }
    return session_each(settings, request.tenant, SESSION_LONG_MS, reconcile,
                        &request)
               ? EX_OK
               : 1;
}
