/* Lists a tenant's calls at Graph, files the missing, closes gaps. */
#include "reconcile.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "datetime.h"
#include "log.h"
#include "memory.h"
#include "paging.h"
#include "windows.h"

#define STEP "list call records"
#define NUMBER_SIZE 24

/* Graph's clock may be behind ours, and it refuses to list the future. */
#define CLOCK_SECONDS 60

/* A call that a gap swallowed may have begun so long before it. */
#define CALL_SECONDS WINDOWS_DAY

/*
 * A window is noted only once it was listed to its end, so that it must not be
 * too long: it is to have so many calls, and is given up and cut where it takes
 * more than a third of the time that is left.
 */
#define CALLS_AIM 600
#define PAGE_MS 600 /* the quota makes it so */
#define CUT 4

/* A list that is not begun now. */
#define LEFT_TO_BEGIN 2000

/* What is being listed. */
struct survey {
    struct reconciling *reconciling;
    struct windows windows;
    struct hole *gaps; /* as they were noted */
    size_t gap_count;
    struct bucket bucket;
    int64_t now; /* the database's time */
    int64_t width;
    int64_t listed; /* of the window */
    int64_t missing;
    int64_t newer;
};

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* Each tenant has an hour of its own. */
static int64_t shift_of(const char *tenant_id)
{
    uint32_t sum = 0;

    for (; *tenant_id; tenant_id++)
        sum = sum * 31 + (unsigned char)*tenant_id;
    return sum % WINDOWS_HOUR;
}

/* -- what the database knows ------------------------------------------- */

/* How long a window may be, after one of this length had so many calls. */
static int64_t fitting_width(int64_t width, int64_t calls)
{
    int64_t fitting = width * CALLS_AIM / (calls > 1 ? calls : 1);
    int64_t most = (int64_t)WINDOWS_DAYS * WINDOWS_DAY;

    if (fitting > width * 30)
        fitting = width * 30;
    if (fitting < WINDOWS_CELL)
        fitting = WINDOWS_CELL;
    return fitting < most ? fitting : most;
}

static bool load_listings(struct survey *survey, struct database *database,
                          const char *tenant_id)
{
    PGresult *result = database_run(database,
                                    "SELECT extract(epoch FROM "
                                    "begins_at)::bigint,"
                                    " extract(epoch FROM ends_at)::bigint,"
                                    " extract(epoch FROM listed_at)::bigint, "
                                    "listed,"
                                    " extract(epoch FROM now())::bigint FROM "
                                    "callhook_store.listings"
                                    " WHERE tenant_id = $1::uuid AND listed_at "
                                    "> now() - interval '8 days'"
                                    " ORDER BY listing_no DESC",
                                    1, &tenant_id);

    for (int i = 0; result && i < PQntuples(result); i++) {
        struct listing listing = {number_at(result, i, 0),
                                  number_at(result, i, 1),
                                  number_at(result, i, 2)};

        windows_add(&survey->windows, &listing);
        if (i == 0)
            survey->width = fitting_width(listing.ends_at - listing.begins_at,
                                          number_at(result, i, 3));
    }
    PQclear(result);
    return result != NULL;
}

static bool load_gaps(struct survey *survey, struct database *database,
                      const char *tenant_id)
{
    PGresult *result =
        database_run(database,
                     "SELECT extract(epoch FROM begins_at)::bigint,"
                     " extract(epoch FROM ends_at)::bigint,"
                     " extract(epoch FROM greatest(noted_at, ends_at))::bigint"
                     " FROM callhook_store.gaps WHERE tenant_id = $1::uuid"
                     " AND ends_at IS NOT NULL AND closed_at IS NULL",
                     1, &tenant_id);
    int count = result ? PQntuples(result) : 0;

    survey->gaps = memory_new((size_t)count, sizeof(struct hole));
    survey->gap_count = (size_t)count;
    for (int i = 0; i < count; i++)
        survey->gaps[i] =
            (struct hole){number_at(result, i, 0), number_at(result, i, 1),
                          number_at(result, i, 2)};
    PQclear(result);
    return result != NULL;
}

static bool load_now(struct survey *survey, struct database *database)
{
    PGresult *result = database_run(
        database, "SELECT extract(epoch FROM now())::bigint", 0, NULL);

    if (result)
        survey->now = number_at(result, 0, 0);
    PQclear(result);
    return result != NULL;
}

/* Where calls may lie that the gap swallowed. */
static struct hole hole_of(const struct hole *gap)
{
    return (struct hole){gap->begins_at - CALL_SECONDS, gap->ends_at,
                         gap->since};
}

static bool prepare(struct survey *survey, int64_t since)
{
    struct database *database = survey->reconciling->database;
    const char *tenant_id = survey->reconciling->graph->tenant->tenant_id;

    if (!load_gaps(survey, database, tenant_id) || !load_now(survey, database))
        return false;
    windows_open(&survey->windows, survey->now - CLOCK_SECONDS,
                 shift_of(tenant_id));
    if (since) {
        const struct hole all = {since, survey->now, survey->now};

        windows_forget_plan(&survey->windows);
        windows_want(&survey->windows, &all);
    }
    for (size_t i = 0; i < survey->gap_count; i++) {
        struct hole hole = hole_of(&survey->gaps[i]);

        windows_want(&survey->windows, &hole);
    }
    return load_listings(survey, database, tenant_id);
}

/* -- listing ----------------------------------------------------------- */

static bool file_page(void *context, const char *page)
{
    struct survey *survey = context;
    const char *const values[] = {survey->reconciling->graph->tenant->tenant_id,
                                  page};
    PGresult *result = database_run(survey->reconciling->database,
                                    "SELECT listed, missing, newer"
                                    " FROM "
                                    "callhook_store.file_listed_calls($1::uuid,"
                                    " $2::json)",
                                    2, values);

    if (result && PQntuples(result) == 1) {
        survey->listed += number_at(result, 0, 0);
        survey->missing += number_at(result, 0, 1);
        survey->newer += number_at(result, 0, 2);
    }
    PQclear(result);
    return result != NULL;
}

static bool note(struct survey *survey, const struct listing *span)
{
    const struct reconciling *reconciling = survey->reconciling;
    char numbers[5][NUMBER_SIZE];
    const int64_t noted[] = {span->begins_at, span->ends_at, survey->listed,
                             survey->missing, survey->newer};
    const char *const values[] = {reconciling->graph->tenant->tenant_id,
                                  numbers[0],
                                  numbers[1],
                                  numbers[2],
                                  numbers[3],
                                  numbers[4]};
    PGresult *result;

    for (size_t i = 0; i < 5; i++)
        snprintf(numbers[i], NUMBER_SIZE, "%" PRId64, noted[i]);
    result = database_run(reconciling->database,
                          "SELECT callhook_store.note_listing($1::uuid,"
                          " to_timestamp($2::bigint), to_timestamp($3::bigint),"
                          " $4::bigint, $5::bigint, $6::bigint)",
                          6, values);
    PQclear(result);
    return result != NULL;
}

static char *list_url(const struct graph *graph, const struct listing *span)
{
    char begins[DATETIME_SIZE], ends[DATETIME_SIZE];

    datetime_write(begins, span->begins_at);
    datetime_write(ends, span->ends_at);
    return memory_print("%s/v1.0/communications/callRecords"
                        "?$filter=startDateTime%%20ge%%20%s%%20and%%20"
                        "startDateTime%%20lt%%20%s"
                        "&$select=id,version,startDateTime,endDateTime",
                        graph->tenant->graph_url, begins, ends);
}

static void sum_up(struct survey *survey, const struct listing *span)
{
    struct reconciling *reconciling = survey->reconciling;
    char begins[DATETIME_SIZE], ends[DATETIME_SIZE];

    datetime_write(begins, span->begins_at);
    datetime_write(ends, span->ends_at);
    log_detail("%s: %s to %s: %" PRId64 " calls listed, %" PRId64
               " were missing, %" PRId64 " newer",
               reconciling->graph->tenant->name, begins, ends, survey->listed,
               survey->missing, survey->newer);
    reconciling->missing += survey->missing;
    reconciling->newer += survey->newer;
}

/* Pages after which a window is too long; 0: it cannot be shorter. */
static size_t pages_most(const struct survey *survey)
{
    int64_t left = survey->reconciling->graph->deadline - clock_ms();
    int64_t most = left / 3 / PAGE_MS;

    if (survey->width <= WINDOWS_CELL)
        return 0;
    return most > 1 ? (size_t)most : 1;
}

/* Lists one window to its end, or finds that it is too long. */
static enum outcome list(struct survey *survey, struct listing *span)
{
    struct reconciling *reconciling = survey->reconciling;
    int64_t length = span->ends_at - span->begins_at;
    struct paging paging = {.graph = reconciling->graph,
                            .bucket = &survey->bucket,
                            .step = STEP,
                            .most = pages_most(survey),
                            .take = file_page,
                            .context = survey};
    char *url = list_url(reconciling->graph, span);
    enum outcome outcome;

    survey->listed = survey->missing = survey->newer = 0;
    outcome = paging_read(&paging, url);
    free(url);
    sum_up(survey, span);
    survey->width =
        paging.more ? length / CUT : fitting_width(length, survey->listed);
    reconciling->unfinished = paging.late;
    if (outcome != DONE)
        reconciling->fault = paging.fault;
    if (outcome != DONE || paging.more)
        return outcome;
    reconciling->listed += survey->listed;
    span->listed_at = survey->now;
    windows_add(&survey->windows, span);
    if (note(survey, span))
        return DONE;
    fault_say(&reconciling->fault, STEP, "the database did not take it");
    return LATER;
}

static enum outcome list_all(struct survey *survey)
{
    struct reconciling *reconciling = survey->reconciling;
    enum outcome outcome = DONE;
    struct listing span;

    while (outcome == DONE &&
           windows_next(&survey->windows, survey->width, &span)) {
        if (clock_ms() > reconciling->graph->deadline - LEFT_TO_BEGIN) {
            reconciling->unfinished = true;
            break;
        }
        outcome = list(survey, &span);
    }
    return reconciling->unfinished ? DONE : outcome;
}

/* -- gaps -------------------------------------------------------------- */

static bool close_gap(struct survey *survey, const struct hole *gap)
{
    struct reconciling *reconciling = survey->reconciling;
    char begins[NUMBER_SIZE], ends[NUMBER_SIZE];
    const char *const values[] = {reconciling->graph->tenant->tenant_id, begins,
                                  ends};
    PGresult *result;

    snprintf(begins, sizeof(begins), "%" PRId64, gap->begins_at);
    /* Fractions of a second were dropped. */
    snprintf(ends, sizeof(ends), "%" PRId64, gap->ends_at + 1);
    result = database_run(reconciling->database,
                          "SELECT gaps, found FROM callhook_store.close_gaps("
                          "$1::uuid, to_timestamp($2::bigint),"
                          " to_timestamp($3::bigint))",
                          3, values);
    if (result && PQntuples(result) == 1) {
        reconciling->gaps += number_at(result, 0, 0);
        log_detail("%s: %s gaps are closed, %s calls found",
                   reconciling->graph->tenant->name, PQgetvalue(result, 0, 0),
                   PQgetvalue(result, 0, 1));
    }
    PQclear(result);
    return result != NULL;
}

static bool close_gaps(struct survey *survey)
{
    bool good = true;

    for (size_t i = 0; i < survey->gap_count && good; i++) {
        struct hole hole = hole_of(&survey->gaps[i]);

        if (windows_has(&survey->windows, &hole))
            good = close_gap(survey, &survey->gaps[i]);
    }
    return good;
}

enum outcome reconcile(struct reconciling *reconciling, int64_t since)
{
    struct survey survey = {.reconciling = reconciling, .width = WINDOWS_DAY};
    enum outcome outcome = LATER;

    bucket_open(&survey.bucket, QUOTA_LIST,
                reconciling->graph->tenant->graph_url);
    if (!prepare(&survey, since)) {
        fault_say(&reconciling->fault, STEP,
                  "the database does not say what was listed");
    } else {
        outcome = list_all(&survey);
        if (!close_gaps(&survey) && outcome == DONE) {
            fault_say(&reconciling->fault, STEP, "the database closes no gap");
            outcome = LATER;
        }
    }
    free(survey.gaps);
    return outcome;
}
