/* Charts: inline SVG, and their figures in a table. */
#include "status/chart.h"

#include <inttypes.h>
#include <math.h>

#include "status/state.h"

/* -- what is drawn and what is said of it ------------------------------ */

static void print_legend(struct html *html, const struct chart *chart)
{
    static const char *const keys[] = {"k0", "k1", "k2", "k3"};

    if (chart->drawn < 2 && !chart->limit_name)
        return;
    html_open(html, "p", "legend");
    for (int i = 0; i < chart->drawn && chart->drawn > 1; i++) {
        html_open(html, "span", keys[i]);
        html_text(html, chart->series[i].name);
        html_close(html);
    }
    if (chart->limit_name)
        html_leaf(html, "span", "kl", chart->limit_name);
    html_close(html);
}

/* The sentence that a screen reader has for the drawing. */
static void put_label(struct html *html, const struct chart *chart,
                      yajl_val data, size_t points)
{
    struct plot_label at;
    double highest = -1;
    size_t where = 0;

    for (size_t i = 0; i < points; i++) {
        double sum = 0;

        for (int n = 0; n < chart->drawn; n++) {
            double value = plot_value(data, chart->series[n].key, i);

            sum = chart->form == CHART_LINES ? fmax(sum, value)
                  : isnan(value)             ? sum
                                             : sum + value;
        }
        if (sum > highest) {
            highest = sum;
            where = i;
        }
    }
    plot_label(&at, plot_point(data, where));
    html_attribute_print(html, "aria-label", "%s: highest %.*f%s, %s",
                         chart->title, highest == round(highest) ? 0 : 1,
                         highest, chart->unit, at.text);
}

static void draw(struct html *html, const struct chart *chart, yajl_val data,
                 size_t points)
{
    static void (*const forms[])(struct html *, const struct chart *, yajl_val,
                                 size_t) = {
        [CHART_HEAT] = plot_heat,
        [CHART_BARS] = plot_bars,
        [CHART_LINES] = plot_lines,
        [CHART_RANKS] = plot_ranks,
    };

    html_open(html, "svg", NULL);
    html_attribute(html, "role", "img");
    put_label(html, chart, data, points);
    html_attribute_print(html, "viewBox", "0 0 %d %d", PLOT_WIDTH,
                         chart->form == CHART_RANKS ? PLOT_RANK * (int)points
                                                    : PLOT_HEIGHT);
    forms[chart->form](html, chart, data, points);
    html_close(html);
}

/* -- the table --------------------------------------------------------- */

static void print_cell(struct html *html, double value)
{
    html_open(html, "td", NULL);
    if (isnan(value))
        html_text(html, "\xe2\x80\x93");
    else if (value == round(value) && fabs(value) < 1e15)
        html_print(html, "%" PRId64, (int64_t)value);
    else
        html_print(html, "%.*f", value == round(value) ? 0 : 2, value);
    html_close(html);
}

static void print_head(struct html *html, const struct chart *chart)
{
    html_open(html, "tr", NULL);
    html_open(html, "th", NULL);
    html_attribute(html, "scope", "col");
    html_text(html, chart->form == CHART_RANKS ? "reason" : "UTC");
    html_close(html);
    for (int n = 0; n < CHART_SERIES && chart->series[n].key; n++) {
        html_open(html, "th", NULL);
        html_attribute(html, "scope", "col");
        html_text(html, chart->series[n].name);
        html_close(html);
    }
    html_close(html);
}

/* What is newest first, but ranks as they are. */
static void print_table(struct html *html, const struct chart *chart,
                        yajl_val data, size_t points)
{
    html_open(html, "details", NULL);
    html_leaf(html, "summary", NULL, "The figures");
    html_open(html, "div", "scroll");
    html_attribute(html, "tabindex", "0");
    html_attribute(html, "role", "region");
    html_attribute_print(html, "aria-label", "%s, figures", chart->title);
    html_open(html, "table", "figures");
    print_head(html, chart);
    for (size_t i = 0; i < points; i++) {
        size_t n = chart->form == CHART_RANKS ? i : points - 1 - i;
        struct plot_label label;

        plot_label(&label, plot_point(data, n));
        html_open(html, "tr", NULL);
        html_open(html, "th", NULL);
        html_attribute(html, "scope", "row");
        html_text(html, label.text);
        html_close(html);
        for (int s = 0; s < CHART_SERIES && chart->series[s].key; s++)
            print_cell(html, plot_value(data, chart->series[s].key, n));
        html_close(html);
    }
    html_close(html);
    html_close(html);
    html_close(html);
}

static bool is_empty(const struct chart *chart, yajl_val data, size_t points)
{
    for (size_t i = 0; i < points; i++)
        for (int n = 0; n < chart->drawn; n++)
            if (plot_value(data, chart->series[n].key, i) > 0)
                return false;
    return true;
}

void chart_print(struct html *html, const struct chart *chart, yajl_val all)
{
    yajl_val data = json_member(all, chart->key);
    yajl_val *list;
    size_t points = state_list(data, "points", &list);

    html_open(html, "figure", chart->form == CHART_HEAT ? "card heat" : "card");
    html_open(html, "figcaption", NULL);
    html_leaf(html, "h3", NULL, chart->title);
    html_leaf(html, "p", "about", chart->about);
    html_close(html);
    if (!data) {
        html_leaf(html, "p", "nothing", "Not known without the database.");
    } else if (is_empty(chart, data, points)) {
        html_leaf(html, "p", "nothing", chart->empty);
    } else {
        print_legend(html, chart);
        draw(html, chart, data, points);
        print_table(html, chart, data, points);
    }
    html_close(html);
}
