/* Reads a list or a log by spans of time, as the database plans them. */
#include "calls/windows.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/result.h"
#include "graph/pages.h"

#define NUMBERS_MOST 5

/* A span that takes more than a third of the time that is left is cut; the
 * next ones grow again. */
#define CUT 8
#define GROW 2

/* One that is not begun now. */
#define LEFT_TO_BEGIN 2000

/* Spans that Graph fails to list before its whole list is taken to fail. */
#define FAILURES_MOST 10

struct window {
    struct windows *windows;
    int64_t begins_at, ends_at;
    bool can_be_cut;
    int64_t listed, missing, newer;
};

/* Runs a statement with the tenant_id, the list, and numbers from $3 on. */
static PGresult *ask(const struct windows *windows, const char *sql,
                     size_t count, const int64_t *numbers)
{
    char texts[NUMBERS_MOST][24];
    const char *values[2 + NUMBERS_MOST] = {windows->graph->tenant->tenant_id,
                                            windows->list->name};

    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%" PRId64, numbers[i]);
        values[2 + i] = texts[i];
    }
    return database_run(windows->database, sql, (int)count + 2, values);
}

/* Finds the next span; *is_there is false if there is none. */
static bool find(struct windows *windows, struct window *window, bool *is_there)
{
    const int64_t numbers[] = {windows->cut, windows->since, windows->started,
                               windows->until};
    PGresult *result = ask(windows,
                           "SELECT * FROM callhook_store.next_window($1, $2, "
                           "$3, $4, $5, $6)",
                           4, numbers);

    *is_there = PQntuples(result) == 1;
    if (*is_there) {
        *window = (struct window){
            .windows = windows,
            .begins_at = result_number(result, 0, "begins_at"),
            .ends_at = result_number(result, 0, "ends_at"),
            .can_be_cut = *result_text(result, 0, "can_be_cut") == 't'};
        if (!windows->started)
            windows->started = result_number(result, 0, "now");
    }
    PQclear(result);
    return result != NULL;
}

static enum outcome take(void *context, struct transfer *page, char **next)
{
    struct window *window = context;
    const struct windows *windows = window->windows;
    const char *const values[] = {
        windows->graph->tenant->tenant_id, windows->list->name,
        json_is_sound(page->answer, page->answer_length) ? page->answer : ""};
    char sqlstate[SQLSTATE_SIZE];
    PGresult *result = database_try(windows->database,
                                    "SELECT * FROM "
                                    "callhook_store.take_listed($1, $2, $3)",
                                    3, values, sqlstate);

    if (!result)
        return pages_untaken(&page->fault, windows->list->step, sqlstate);
    window->listed += result_number(result, 0, "listed");
    window->missing += result_number(result, 0, "missing");
    window->newer += result_number(result, 0, "newer");
    if (*result_text(result, 0, "next"))
        *next = memory_copy(result_text(result, 0, "next"));
    PQclear(result);
    return DONE;
}

static bool note(const struct window *window)
{
    const int64_t numbers[] = {window->begins_at, window->ends_at,
                               window->listed, window->missing, window->newer};
    PGresult *result = ask(window->windows,
                           "SELECT callhook_store.note_listing($1, $2,"
                           " to_timestamp($3), to_timestamp($4), $5, $6, $7)",
                           5, numbers);

    PQclear(result);
    return result != NULL;
}

/* Pages after which a span is too long; 0: it cannot be shorter. */
static size_t pages_most(const struct window *window)
{
    const struct windows *windows = window->windows;
    int64_t left = windows->graph->deadline - clock_ms();
    int64_t most = left / 3 / windows->list->page_ms;

    if (!window->can_be_cut)
        return 0;
    return most > 1 ? (size_t)most : 1;
}

/* Reads the pages of a span, and adds up what they have. */
static enum outcome read_pages(struct window *window, struct pages *pages)
{
    struct windows *windows = window->windows;
    char begins[DATETIME_SIZE], ends[DATETIME_SIZE];
    enum outcome outcome;
    char *url;

    datetime_write(begins, window->begins_at);
    datetime_write(ends, window->ends_at);
    url = memory_print("%s/v1.0%s%s%s%s%s", windows->graph->tenant->graph_url,
                       windows->list->path, begins, windows->list->until, ends,
                       windows->list->rest);
    outcome = pages_read(pages, url);
    free(url);
    log_detail("%s: %s: %s to %s: %" PRId64 " listed, of them %" PRId64
               " missing and %" PRId64 " in a newer version",
               windows->graph->tenant->name, windows->list->step, begins, ends,
               window->listed, window->missing, window->newer);
    windows->missing += window->missing;
    windows->newer += window->newer;
    return outcome;
}

static enum outcome database_fault(struct windows *windows)
{
    return pages_untaken(&windows->fault, windows->list->step, "");
}

/* Reads one span to its end, or finds that it is too long. */
static enum outcome read_one(struct windows *windows, struct window *window)
{
    struct pages pages = {.graph = windows->graph,
                          .quota = &windows->quota,
                          .step = windows->list->step,
                          .most = pages_most(window),
                          .take = take,
                          .context = window};
    enum outcome outcome = read_pages(window, &pages);

    windows->cut = pages.more ? (window->ends_at - window->begins_at) / CUT
                              : windows->cut * (windows->narrow ? 1 : GROW);
    windows->unfinished = pages.late;
    if (outcome != DONE)
        windows->fault = pages.fault;
    if (outcome != DONE || pages.more)
        return outcome;
    windows->listed += window->listed;
    windows->seconds += window->ends_at - window->begins_at;
    progress_at(windows->seconds / 3600);
    return note(window) ? DONE : database_fault(windows);
}

/* Whether Graph's answer is about the span, and not about us or the list. */
static bool is_of_span(const struct windows *windows)
{
    const struct fault *fault = &windows->fault;

    if (strcmp(fault->step, windows->list->step) != 0) /* no token, say */
        return false;
    if (fault->status / 100 == 2)
        return strcmp(fault->code, "unreadable") == 0;
    return fault->status >= 400 && fault->status != 401 &&
           fault->status != 403 && fault->status != 429;
}

/*
 * One call that Graph cannot list must not hide all others: the span is cut, as
 * one that is too long, and the shortest is passed over in this run. False: it
 * is not the span's fault.
 */
static bool pass_over(struct windows *windows, const struct window *window)
{
    if (!is_of_span(windows) || ++windows->failures == FAILURES_MOST)
        return false;
    windows->narrow = window->can_be_cut;
    if (window->can_be_cut)
        windows->cut = (window->ends_at - window->begins_at) / CUT;
    else
        windows->until = window->begins_at;
    return true;
}

enum outcome windows_read(struct windows *windows)
{
    enum outcome outcome = DONE, failed = DONE;
    struct fault fault = {0};
    struct window window;
    bool is_there;

    quota_open(&windows->quota, windows->list->quota,
               windows->graph->tenant->quota);
    while (outcome == DONE && !windows->unfinished) {
        if (!find(windows, &window, &is_there))
            return database_fault(windows);
        if (!is_there)
            break;
        windows->unfinished =
            clock_ms() > windows->graph->deadline - LEFT_TO_BEGIN;
        if (windows->unfinished)
            fault_say(&windows->fault, windows->list->step, "no time is left");
        else
            outcome = read_one(windows, &window);
        if (outcome != DONE && !windows->unfinished &&
            pass_over(windows, &window)) {
            failed = outcome;
            fault = windows->fault;
            outcome = DONE;
        }
    }
    if (failed != DONE && (outcome == DONE || windows->unfinished)) {
        windows->fault = fault;
        return failed;
    }
    return windows->unfinished ? DONE : outcome;
}
