/* Reads a tenant's logs of phone calls: PSTN and Direct Routing, daily. */
#include "pstn.h"

#include <errno.h>
#include <inttypes.h>

#include "clock.h"
#include "datetime.h"
#include "log.h"
#include "memory.h"
#include "paging.h"
#include "secretfile.h"

#define DAY 86400
#define NUMBER_SIZE 24

/*
 * Graph documentation: at most 90 days in a request. Rows come late and are
 * corrected; what is read twice replaces itself, so that it does not matter
 * which end of the window a log includes.
 */
#define DAYS_FIRST 89
#define DAYS_AGAIN 7

static const struct phone_log {
    const char *name; /* of the file that says when it was read */
    const char *step;
    const char *function; /* Graph's */
    const char *store;    /* the database's */
} logs[] = {
    {"calls", "read PSTN calls", "getPstnCalls",
     "SELECT callhook_store.store_pstn_rows($1::uuid, $2::json)"},
    {"routing", "read Direct Routing calls", "getDirectRoutingCalls",
     "SELECT callhook_store.store_direct_routing_rows($1::uuid, $2::json)"},
};

/* One log that is being read. */
struct round {
    const struct phone_log *log;
    struct graph *graph;
    struct database *database;
    int64_t rows; /* that were stored, new or again */
    struct fault fault;
};

static char *mark_path(const struct graph *graph, const struct phone_log *log)
{
    return memory_print("%s/%s.%s.pstn", graph->state_dir, graph->tenant->name,
                        log->name);
}

/* When the log was last read; 0: never, as far as is known. */
static int64_t read_mark(const struct graph *graph, const struct phone_log *log)
{
    char *path = mark_path(graph, log);
    char why[200];
    size_t length;
    char *text = secretfile_read(path, NUMBER_SIZE, &length, why, sizeof(why));
    int64_t at = text ? strtoll(text, NULL, 10) : 0;

    memory_wipe(text);
    free(path);
    return at > 0 && at <= clock_wall() ? at : 0;
}

static bool write_mark(const struct graph *graph, const struct phone_log *log,
                       int64_t now)
{
    char *path = mark_path(graph, log);
    char text[NUMBER_SIZE];
    int length = snprintf(text, sizeof(text), "%" PRId64 "\n", now);
    bool good = secretfile_write(path, text, (size_t)length);

    free(path);
    return good;
}

static bool store(void *context, const char *page)
{
    struct round *round = context;
    const char *const values[] = {round->graph->tenant->tenant_id, page};
    PGresult *result =
        database_run(round->database, round->log->store, 2, values);

    if (result && PQntuples(result) == 1)
        round->rows += strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return result != NULL;
}

static char *window_url(const struct graph *graph, const char *function,
                        int64_t from, int64_t to)
{
    char begins[DATETIME_SIZE], ends[DATETIME_SIZE];

    datetime_write(begins, from);
    datetime_write(ends, to);
    return memory_print("%s/v1.0/communications/callRecords/"
                        "%s(fromDateTime=%s,toDateTime=%s)",
                        graph->tenant->graph_url, function, begins, ends);
}

static enum outcome read_log(struct round *round, int64_t from, int64_t to)
{
    const struct tenant *tenant = round->graph->tenant;
    struct bucket bucket;
    struct paging paging = {.graph = round->graph,
                            .bucket = &bucket,
                            .step = round->log->step,
                            .take = store,
                            .context = round};
    char *url = window_url(round->graph, round->log->function, from, to);
    enum outcome outcome;

    bucket_open(&bucket, QUOTA_PSTN, tenant->graph_url);
    outcome = paging_read(&paging, url);
    free(url);
    round->fault = paging.fault;
    log_detail("%s: %s: %" PRId64 " rows", tenant->name, round->log->step,
               round->rows);
    return outcome;
}

static enum outcome read_if_due(struct round *round)
{
    int64_t now = clock_wall();
    int64_t last = read_mark(round->graph, round->log);
    int64_t days = DAYS_FIRST;
    enum outcome outcome;

    if (now - last < DAY)
        return DONE;
    if (last && (now - last) / DAY + DAYS_AGAIN < days)
        days = (now - last) / DAY + DAYS_AGAIN;
    outcome = read_log(round, now - days * DAY, now);
    if (outcome != DONE || write_mark(round->graph, round->log, now))
        return outcome;
    fault_say(&round->fault, round->log->step, "state_dir: %s",
              strerrordesc_np(errno));
    return BROKEN;
}

enum outcome pstn_read(struct graph *graph, struct database *database,
                       struct fault *fault)
{
    enum outcome first = DONE;

    for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
        struct round round = {&logs[i], graph, database, 0, {0}};
        enum outcome outcome = read_if_due(&round);

        if (first == DONE) {
            first = outcome;
            *fault = round.fault;
        }
    }
    return first;
}
