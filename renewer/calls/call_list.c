/* Lists a tenant's calls at Graph, files the missing, closes gaps. */
#include "calls/call_list.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "graph/pages.h"

#define STEP "list call records"
#define NUMBERS_MOST 5

/*
 * A window that takes more than a third of the time that is left is given up
 * and cut, unless it is as short as this.
 */
#define PAGE_MS 600 /* the quota makes it so */
#define CUT 4
#define WIDTH_LEAST 30

/* A list that is not begun now. */
#define LEFT_TO_BEGIN 2000

/* What is being listed. */
struct survey {
    struct call_list *call_list;
    const struct tenant *tenant;
    struct quota quota;
    int64_t since;     /* the plan instead: 0 */
    int64_t started;   /* by the database's clock */
    int64_t begins_at; /* the window */
    int64_t ends_at;
    int64_t width; /* that it was to have, in seconds */
    int64_t cut;   /* the most that the next one may have; 0: it is open */
    int64_t listed;
    int64_t missing;
    int64_t newer;
};

/* -- the database ------------------------------------------------------ */

static enum outcome database_fault(struct call_list *call_list)
{
    fault_say(&call_list->fault, STEP, "the database did not take it");
    return LATER;
}

/* Runs a statement with the tenant_id, $1, and numbers from $2 on. */
static PGresult *ask(const struct survey *survey, const char *sql, size_t count,
                     const int64_t *numbers)
{
    char texts[NUMBERS_MOST][24];
    const char *values[1 + NUMBERS_MOST] = {survey->tenant->tenant_id};

    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%" PRId64, numbers[i]);
        values[1 + i] = texts[i];
    }
    return database_run(survey->call_list->database, sql, (int)count + 1,
                        values);
}

/* Finds the next window; *is_there is false if there is none. */
static bool find_window(struct survey *survey, bool *is_there)
{
    const int64_t numbers[] = {survey->cut, survey->since, survey->started};
    PGresult *result =
        ask(survey, "SELECT * FROM callhook_store.next_window($1, $2, $3, $4)",
            3, numbers);

    *is_there = PQntuples(result) == 1;
    if (*is_there) {
        survey->begins_at = result_number(result, 0, "begins_at");
        survey->ends_at = result_number(result, 0, "ends_at");
        survey->width = result_number(result, 0, "width");
        if (!survey->started)
            survey->started = result_number(result, 0, "now");
    }
    PQclear(result);
    return result != NULL;
}

/* -- listing ----------------------------------------------------------- */

static bool file_page(void *context, const char *page)
{
    struct survey *survey = context;
    const char *const values[] = {survey->tenant->tenant_id, page};
    PGresult *result = database_run(survey->call_list->database,
                                    "SELECT * FROM "
                                    "callhook_store.file_listed_calls($1, $2)",
                                    2, values);

    survey->listed += result_number(result, 0, "listed");
    survey->missing += result_number(result, 0, "missing");
    survey->newer += result_number(result, 0, "newer");
    PQclear(result);
    return result != NULL;
}

static bool note(const struct survey *survey)
{
    const int64_t numbers[] = {survey->begins_at, survey->ends_at,
                               survey->listed, survey->missing, survey->newer};
    PGresult *result = ask(survey,
                           "SELECT callhook_store.note_listing($1,"
                           " to_timestamp($2), to_timestamp($3), $4, $5, $6)",
                           5, numbers);

    PQclear(result);
    return result != NULL;
}

static char *list_url(const struct tenant *tenant, const char *begins,
                      const char *ends)
{
    return memory_print("%s/v1.0/communications/callRecords"
                        "?$filter=startDateTime%%20ge%%20%s%%20and%%20"
                        "startDateTime%%20lt%%20%s"
                        "&$select=id,version,startDateTime,endDateTime",
                        tenant->graph_url, begins, ends);
}

/* Pages after which a window is too long; 0: it cannot be shorter. */
static size_t pages_most(const struct survey *survey)
{
    int64_t left = survey->call_list->graph->deadline - clock_ms();
    int64_t most = left / 3 / PAGE_MS;

    if (survey->width <= WIDTH_LEAST)
        return 0;
    return most > 1 ? (size_t)most : 1;
}

/* Reads the list of a window, and adds up what it has. */
static enum outcome read_list(struct survey *survey, struct pages *pages)
{
    char begins[DATETIME_SIZE], ends[DATETIME_SIZE];
    enum outcome outcome;
    char *url;

    datetime_write(begins, survey->begins_at);
    datetime_write(ends, survey->ends_at);
    url = list_url(survey->tenant, begins, ends);
    survey->listed = survey->missing = survey->newer = 0;
    outcome = pages_read(pages, url);
    free(url);
    log_detail("%s: %s to %s: %" PRId64 " calls listed, %" PRId64
               " were missing, %" PRId64 " newer",
               survey->tenant->name, begins, ends, survey->listed,
               survey->missing, survey->newer);
    survey->call_list->missing += survey->missing;
    survey->call_list->newer += survey->newer;
    return outcome;
}

/* Lists one window to its end, or finds that it is too long. */
static enum outcome list(struct survey *survey)
{
    struct call_list *call_list = survey->call_list;
    int64_t length = survey->ends_at - survey->begins_at;
    struct pages pages = {.graph = call_list->graph,
                          .quota = &survey->quota,
                          .step = STEP,
                          .most = pages_most(survey),
                          .take = file_page,
                          .context = survey};
    enum outcome outcome = read_list(survey, &pages);

    survey->cut = pages.more ? length / CUT : survey->cut * CUT;
    call_list->unfinished = pages.late;
    if (outcome != DONE)
        call_list->fault = pages.fault;
    if (outcome != DONE || pages.more)
        return outcome;
    call_list->listed += survey->listed;
    return note(survey) ? DONE : database_fault(call_list);
}

static enum outcome list_all(struct survey *survey)
{
    struct call_list *call_list = survey->call_list;
    enum outcome outcome = DONE;
    bool is_there;

    while (outcome == DONE && !call_list->unfinished) {
        if (!find_window(survey, &is_there))
            return database_fault(call_list);
        if (!is_there)
            break;
        if (clock_ms() > call_list->graph->deadline - LEFT_TO_BEGIN)
            call_list->unfinished = true;
        else
            outcome = list(survey);
    }
    return call_list->unfinished ? DONE : outcome;
}

static bool close_gaps(const struct survey *survey)
{
    PGresult *result = ask(
        survey, "SELECT * FROM callhook_store.close_listed_gaps($1)", 0, NULL);

    survey->call_list->gaps = result_number(result, 0, "gaps");
    if (survey->call_list->gaps)
        log_detail("%s: %s gaps are closed, %s calls found",
                   survey->tenant->name, result_text(result, 0, "gaps"),
                   result_text(result, 0, "found"));
    PQclear(result);
    return result != NULL;
}

enum outcome reconcile(struct call_list *call_list, int64_t since)
{
    struct survey survey = {.call_list = call_list,
                            .tenant = call_list->graph->tenant,
                            .since = since};
    enum outcome outcome;

    quota_open(&survey.quota, QUOTA_LIST, survey.tenant->quota);
    outcome = list_all(&survey);
    if (!close_gaps(&survey) && outcome == DONE)
        outcome = database_fault(call_list);
    return outcome;
}
