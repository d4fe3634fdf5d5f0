/* Reads a tenant's logs of phone calls: PSTN and Direct Routing, daily. */
#include "calls/phone_logs.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "graph/pages.h"

#define DAY 86400
#define MARK_SIZE 80

/*
 * Graph documentation: at most 90 days in a request. Rows come late and are
 * corrected; what is read twice replaces itself, so that it does not matter
 * which end of a window a log includes.
 */
#define DAYS_FIRST 89
#define DAYS_AGAIN 7

/*
 * A window that takes more than a third of the time that is left is given up
 * and cut, unless it is as short as this: so each run gets on.
 */
#define PAGE_MS 1300 /* the quota makes it so */
#define CUT 8
#define WIDTH_LEAST 3600

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
    struct quota quota;
    int64_t begun_at; /* all up to then is to be read */
    int64_t reached;  /* all up to then has been */
    int64_t width;    /* of the next window, in seconds */
    int64_t rows;     /* that were stored, new or again */
    struct fault fault;
};

static char *mark_path(const struct graph *graph, const struct phone_log *log)
{
    return memory_print("%s/%s.%s.pstn", graph->state_dir, graph->tenant->name,
                        log->name);
}

/* All are 0 if it was never read, as far as is known. */
static void read_mark(struct round *round)
{
    char *path = mark_path(round->graph, round->log);
    char why[200];
    size_t length;
    char *text = private_file_read(path, MARK_SIZE, &length, why, sizeof(why));
    char *end;

    if (text) {
        round->begun_at = strtoll(text, &end, 10);
        round->reached = strtoll(end, &end, 10);
        round->width = strtoll(end, NULL, 10);
    }
    if (round->begun_at > clock_wall() || round->reached > round->begun_at ||
        round->reached < 0 || round->width < WIDTH_LEAST)
        round->begun_at = round->reached = 0;
    memory_wipe(text);
    free(path);
}

static bool write_mark(struct round *round)
{
    char *path = mark_path(round->graph, round->log);
    char text[MARK_SIZE];
    int length =
        snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64 "\n",
                 round->begun_at, round->reached, round->width);
    bool good = private_file_write(path, text, (size_t)length);

    if (!good)
        fault_say(&round->fault, round->log->step, "state_dir: %s",
                  strerrordesc_np(errno));
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

/* Pages after which a window is too long; 0: it cannot be shorter. */
static size_t pages_most(const struct round *round)
{
    int64_t most = (round->graph->deadline - clock_ms()) / 3 / PAGE_MS;

    if (round->width <= WIDTH_LEAST)
        return 0;
    return most > 1 ? (size_t)most : 1;
}

/* Reads on from where it was reached, window by window. */
static enum outcome read_on(struct round *round)
{
    int64_t begins_at = round->reached;
    enum outcome outcome = DONE;

    while (outcome == DONE && round->reached < round->begun_at) {
        int64_t left = round->begun_at - round->reached;
        int64_t to =
            round->reached + (round->width < left ? round->width : left);
        struct pages pages = {.graph = round->graph,
                              .quota = &round->quota,
                              .step = round->log->step,
                              .most = pages_most(round),
                              .take = store,
                              .context = round};
        char *url =
            window_url(round->graph, round->log->function, round->reached, to);

        outcome = pages_read(&pages, url);
        free(url);
        if (pages.late && round->reached > begins_at)
            return DONE; /* the next run goes on */
        round->fault = pages.fault;
        if (outcome != DONE)
            break;
        round->width = pages.more ? round->width / CUT : 2 * round->width;
        if (round->width < WIDTH_LEAST)
            round->width = WIDTH_LEAST;
        if (!pages.more)
            round->reached = to;
        if (!write_mark(round))
            outcome = BROKEN;
    }
    return outcome;
}

/* Begins a day's reading, or goes on with one that was not finished. */
static enum outcome read_if_due(struct round *round)
{
    int64_t now = clock_wall();
    int64_t earliest = now - (int64_t)DAYS_FIRST * DAY;
    enum outcome outcome;

    read_mark(round);
    if (round->reached == round->begun_at) {
        if (now - round->begun_at < DAY)
            return DONE;
        round->reached = round->begun_at - (int64_t)DAYS_AGAIN * DAY;
        round->begun_at = now;
        round->width = (int64_t)DAYS_FIRST * DAY;
    }
    if (round->reached < earliest)
        round->reached = earliest;
    outcome = read_on(round);
    log_detail("%s: %s: %" PRId64 " rows", round->graph->tenant->name,
               round->log->step, round->rows);
    return outcome;
}

enum outcome phone_logs_read(struct graph *graph, struct database *database,
                             struct fault *fault)
{
    const size_t count = sizeof(logs) / sizeof(*logs);
    int64_t deadline = graph->deadline;
    enum outcome first = DONE;

    for (size_t i = 0; i < count; i++) {
        struct round round = {
            .log = &logs[i], .graph = graph, .database = database};
        int64_t now = clock_ms();
        enum outcome outcome;

        graph->deadline = now + (deadline - now) / (int64_t)(count - i);
        quota_open(&round.quota, QUOTA_PSTN, graph->tenant->quota);
        outcome = read_if_due(&round);
        if (first == DONE) {
            first = outcome;
            *fault = round.fault;
        }
    }
    graph->deadline = deadline;
    return first;
}
