/*
 * The form for looking at.
 *
 * A page cannot know how old it is without a script. So it never says that all
 * is well, but when it was; and it has three ways to look old. It asks for
 * itself again after 5 minutes, by an address that names its own making: who
 * gets the same page then has that mark as :target, and the style sheet greys
 * the verdict out. Where a browser does not do that, an animation that waits
 * for 10 minutes does the same. And the time of making is in large letters.
 */
#include "status/page.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "status/chart.h"
#include "status/page_lists.h"
#include "status/page_style.h"

#define ASK_AGAIN_SECONDS 300

static const struct chart charts[] = {
    {.key = "notifications",
     .title = "Notifications by weekday and hour",
     .about = "The last 7 days, hours in UTC (notifications_by_hour).",
     .form = CHART_HEAT,
     .series = {{"notifications", "notifications"}},
     .drawn = 1,
     .unit = "",
     .empty = "No notification in the last 7 days."},
    {.key = "calls",
     .title = "Calls by day",
     .about = "By kind, the last 90 days (calls_by_hour).",
     .form = CHART_BARS,
     .series = {{"peer_to_peer", "between two"},
                {"meeting", "meetings"},
                {"phone", "phone"}},
     .drawn = 3,
     .unit = "",
     .empty = "No call in the last 90 days, or no record is read."},
    {.key = "quality",
     .title = "Poor audio",
     .about = "Part of the audio streams that could be classified, the last "
              "90 days (quality_by_day).",
     .form = CHART_LINES,
     .series = {{"rate", "poor, %"},
                {"poor", "poor streams"},
                {"classified", "classified"}},
     .drawn = 1,
     .unit = "%",
     .limit = 3,
     .limit_name = "the band to be in: up to 3 %",
     .empty = "No poor stream in the last 90 days."},
    {.key = "calls",
     .title = "Missed calls",
     .about = "By day, the last 90 days (calls_by_hour).",
     .form = CHART_BARS,
     .series = {{"missed", "missed"}},
     .drawn = 1,
     .unit = "",
     .empty = "No missed call in the last 90 days."},
    {.key = "answers",
     .title = "Answer times",
     .about = "Of the receivers in ms, by hour, the last 24 hours "
              "(receiver_minutes).",
     .form = CHART_LINES,
     .series = {{"p50", "half of them"},
                {"p99", "99 of 100"},
                {"longest", "longest"}},
     .drawn = 3,
     .unit = "",
     .limit = 3000,
     .limit_name = "Graph waits 3 s",
     .empty = "No request in the last 24 hours."},
    {.key = "spool",
     .title = "Spool",
     .about = "Bytes that waited for the database, the last 7 days "
              "(receiver_minutes).",
     .form = CHART_BARS,
     .series = {{"bytes", "bytes"}},
     .drawn = 1,
     .unit = "B",
     .empty = "Nothing waited in the last 7 days."},
    {.key = "failures",
     .title = "Failed calls by reason",
     .about = "The last 30 days, in Graph's words (failures_by_day).",
     .form = CHART_RANKS,
     .series = {{"calls", "calls"}},
     .drawn = 1,
     .unit = "",
     .empty = "No failure in the last 30 days."},
    {.key = "completeness",
     .title = "Missing records",
     .about = "Calls whose record is still to be read, by day of the call, 30 "
              "days (completeness, gaps).",
     .form = CHART_BARS,
     .series = {{"missing", "records missing"},
                {"gap_minutes", "minutes of gaps"}},
     .drawn = 1,
     .unit = "",
     .empty = "Nothing is missing of the last 30 days."},
    {.key = "completeness",
     .title = "Gaps",
     .about = "Minutes for which no subscription lived, by day, 30 days "
              "(gaps).",
     .form = CHART_BARS,
     .series = {{"gap_minutes", "minutes"}},
     .drawn = 1,
     .unit = "",
     .empty = "No gap in the last 30 days."},
};

/* -- the head ---------------------------------------------------------- */

static void print_meta(struct html *html, const char *name, const char *value,
                       const char *content)
{
    html_open(html, "meta", NULL);
    html_attribute(html, name, value);
    html_attribute(html, "content", content);
    html_close(html);
}

/* Nothing may be loaded or run; the one style sheet is named by its digest. */
static void print_policy(struct html *html)
{
    html_open(html, "meta", NULL);
    html_attribute(html, "http-equiv", "Content-Security-Policy");
    html_attribute_print(html, "content",
                         "default-src 'none'; style-src 'sha256-%s'; base-uri "
                         "'none'; form-action 'none'",
                         page_style_sha256);
    html_close(html);
}

static void print_head(struct html *html, enum verdict verdict, int64_t at)
{
    html_open(html, "head", NULL);
    html_open(html, "meta", NULL);
    html_attribute(html, "charset", "utf-8");
    html_close(html);
    print_policy(html);
    print_meta(html, "name", "viewport", "width=device-width, initial-scale=1");
    print_meta(html, "name", "robots", "noindex");
    print_meta(html, "name", "color-scheme", "light dark");
    html_open(html, "meta", NULL);
    html_attribute(html, "http-equiv", "refresh");
    html_attribute_print(html, "content",
                         "%d;url=?made=%" PRId64 "#made-%" PRId64,
                         ASK_AGAIN_SECONDS, at, at);
    html_close(html);
    html_open(html, "title", NULL);
    html_print(html, "callhook: %s, %s", verdict_word(verdict),
               page_time(at).text);
    html_close(html);
    html_style(html, page_style);
    html_close(html);
}

/* -- the verdict ------------------------------------------------------- */

/* A tick, an exclamation mark, a cross, a question mark. */
static void draw_sign(struct html *html, enum verdict verdict)
{
    static const struct {
        char step;
        double x, y;
    } signs[][6] = {
        [VERDICT_OK] = {{'M', 20, 33}, {'L', 29, 42}, {'L', 45, 23}},
        [VERDICT_WARNING] = {{'M', 32, 18},
                             {'L', 32, 35},
                             {'M', 32, 45},
                             {'L', 32, 45.5}},
        [VERDICT_CRITICAL] = {{'M', 22, 22},
                              {'L', 42, 42},
                              {'M', 42, 22},
                              {'L', 22, 42}},
        [VERDICT_UNKNOWN] = {{'M', 20, 32},
                             {'L', 20.5, 32},
                             {'M', 32, 32},
                             {'L', 32.5, 32},
                             {'M', 44, 32},
                             {'L', 44.5, 32}},
    };

    html_open(html, "svg", NULL);
    html_attribute(html, "viewBox", "0 0 64 64");
    html_attribute(html, "aria-hidden", "true");
    html_open(html, "circle", NULL);
    html_attribute(html, "cx", "32");
    html_attribute(html, "cy", "32");
    html_attribute(html, "r", "28");
    html_close(html);
    html_open(html, "path", NULL);
    html_path_begin(html);
    for (int i = 0; i < 6 && signs[verdict][i].step; i++)
        html_path_to(html, signs[verdict][i].step, signs[verdict][i].x,
                     signs[verdict][i].y);
    html_path_end(html);
    html_close(html);
    html_close(html);
}

static size_t count_in_need(const struct state *state, size_t *count)
{
    yajl_val *all;
    size_t in_need = 0;

    *count = state_list(state->tree, "tenants", &all);
    for (size_t i = 0; i < *count; i++)
        in_need += verdict_of_tenant(state, all[i]) != VERDICT_OK;
    return in_need;
}

static void print_verdict(struct html *html, const struct state *state,
                          enum verdict verdict, int64_t at)
{
    static const char *const was[] = {"All was well", "Something needed a hand",
                                      "Something needed a hand at once",
                                      "Nobody could say how it stood"};
    size_t count, in_need = count_in_need(state, &count);
    const char *s = count == 1 ? "" : "s";

    html_open(html, "section", NULL);
    html_attribute_print(html, "class", "verdict %s", page_class(verdict));
    draw_sign(html, verdict);
    html_open(html, "div", NULL);
    html_open(html, "h1", NULL);
    html_print(html, "%s on %s", was[verdict], page_time(at).text);
    html_close(html);
    html_open(html, "p", NULL);
    if (!state->is_there)
        html_print(html,
                   "%zu tenant%s. Of them only the names and the tokens "
                   "are known without the database.",
                   count, s);
    else if (in_need)
        html_print(html, "%zu of %zu tenant%s, see below.", in_need, count, s);
    else
        html_print(html, "%zu tenant%s, all deliver.", count, s);
    html_close(html);
    html_close(html);
    html_close(html);
}

static void print_old(struct html *html)
{
    html_open(html, "p", "old");
    html_attribute(html, "role", "status");
    html_text(html, "This page is old: nothing has written it anew for "
                    "minutes. "
                    "Does cron start callhook-renewer run? What stands below "
                    "was true when it was made.");
    html_close(html);
}

/* -- facts ------------------------------------------------------------- */

static void open_fact(struct html *html, const char *name)
{
    html_open(html, "div", NULL);
    html_leaf(html, "dt", NULL, name);
    html_open(html, "dd", NULL);
}

static void close_fact(struct html *html, const char *more)
{
    html_leaf(html, "small", NULL, more);
    html_close(html);
    html_close(html);
}

struct sums {
    int64_t first_end, last, waiting, missing, spool;
};

static struct sums add_up(const struct state *state)
{
    struct sums sums = {0};
    yajl_val *all;
    size_t count = state_list(state->tree, "tenants", &all);

    for (size_t i = 0; i < count; i++) {
        int64_t ends_at = verdict_ends_at(all[i]);
        int64_t last = page_last_notification(all[i]);

        if (ends_at && (!sums.first_end || ends_at < sums.first_end))
            sums.first_end = ends_at;
        if (last > sums.last)
            sums.last = last;
        sums.waiting += state_number(all[i], "records_waiting");
        sums.missing += state_number(all[i], "calls_missing");
    }
    count = state_list(state->tree, "receivers", &all);
    for (size_t i = 0; i < count; i++)
        sums.spool += state_number(all[i], "spool_bytes");
    return sums;
}

/* A series' sum over its last points, but the newest `skip`. */
static double sum_of(yajl_val data, const char *key, size_t skip, size_t points)
{
    yajl_val *all;
    size_t count = state_list(data, "points", &all);
    double sum = 0;

    for (size_t i = skip; i < skip + points && i < count; i++) {
        double value = plot_value(data, key, count - 1 - i);

        sum += isnan(value) ? 0 : value;
    }
    return sum;
}

static double calls_of(yajl_val data, size_t skip)
{
    return sum_of(data, "peer_to_peer", skip, 1) +
           sum_of(data, "meeting", skip, 1) + sum_of(data, "phone", skip, 1);
}

static void print_figures(struct html *html, const struct state *state)
{
    yajl_val calls = json_member(state->charts, "calls");
    yajl_val quality = json_member(state->charts, "quality");
    double classified = sum_of(quality, "classified", 0, 7);
    char more[80];

    open_fact(html, "Calls yesterday");
    html_print(html, "%.0f", calls_of(calls, 1));
    snprintf(more, sizeof(more), "and %.0f today so far", calls_of(calls, 0));
    close_fact(html, more);
    open_fact(html, "Poor audio, 7 days");
    if (classified > 0)
        html_print(html, "%.1f %%",
                   100 * sum_of(quality, "poor", 0, 7) / classified);
    else
        html_text(html, "\xe2\x80\x93");
    snprintf(more, sizeof(more), "of %.0f audio streams", classified);
    close_fact(html, more);
}

static void print_facts(struct html *html, const struct state *state)
{
    int64_t at = state_time(state->tree, "at");
    struct sums sums = add_up(state);
    char more[80];

    html_open(html, "dl", "facts");
    open_fact(html, "Last notification");
    html_text(html, sums.last ? duration_ago(at - sums.last).text : "none");
    close_fact(html, page_time(sums.last).text);
    open_fact(html, "First subscription ends in");
    html_text(html, sums.first_end ? duration_of(sums.first_end - at).text
                                   : "none lives");
    close_fact(html, page_time(sums.first_end).text);
    if (state->charts)
        print_figures(html, state);
    open_fact(html, "Records missing");
    html_print(html, "%" PRId64, sums.missing);
    snprintf(more, sizeof(more), "%" PRId64 " wait to be read", sums.waiting);
    close_fact(html, more);
    open_fact(html, "In the spools");
    html_print(html, "%" PRId64 " B", sums.spool);
    close_fact(html, sums.spool ? "they wait for the database"
                                : "all is in the database");
    html_close(html);
}

/* -- the page ---------------------------------------------------------- */

static void print_charts(struct html *html, const struct state *state)
{
    html_leaf(html, "h2", NULL, "The calls, and how they came here");
    html_open(html, "div", "charts");
    for (size_t i = 0; i < sizeof(charts) / sizeof(*charts); i++)
        chart_print(html, &charts[i], state->charts);
    html_close(html);
}

void page_print(FILE *stream, const struct state *state)
{
    enum verdict verdict = verdict_of(state);
    int64_t at = state_time(state->tree, "at");
    struct html html;

    html_begin(&html, stream);
    html_open(&html, "html", NULL);
    html_attribute(&html, "lang", "en");
    print_head(&html, verdict, at);
    html_open(&html, "body", NULL);
    html_open(&html, "span", "made");
    html_attribute_print(&html, "id", "made-%" PRId64, at);
    html_close(&html);
    html_leaf(&html, "header", "brand", "callhook");
    html_open(&html, "main", NULL);
    print_old(&html);
    print_verdict(&html, state, verdict, at);
    if (state->is_there)
        print_facts(&html, state);
    page_print_needs(&html, state);
    if (state->charts)
        print_charts(&html, state);
    page_print_tenants(&html, state);
    page_print_receivers(&html, state);
    page_print_consumers(&html, state);
    html_close(&html);
    html_leaf(&html, "footer", NULL,
              "All times are UTC. Figures are those of the views of schema "
              "callhook that stand in brackets, all tenants together; nobody "
              "is named. callhook-renewer " CALLHOOK_VERSION ".");
    html_end(&html);
}
