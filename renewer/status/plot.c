/* What is drawn in a chart. */
#include "status/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/datetime.h"
#include "status/state.h"

/* Room for the scale's numbers on the left, and for days below. */
#define LEFT 38
#define RIGHT (PLOT_WIDTH - 4)
#define TOP 8
#define BOTTOM (PLOT_HEIGHT - 18)

/* -- data -------------------------------------------------------------- */

const char *plot_point(yajl_val data, size_t n)
{
    yajl_val *all;
    size_t count = state_list(data, "points", &all);
    const char *text = n < count ? YAJL_GET_STRING(all[n]) : NULL;

    return text ? text : "";
}

double plot_value(yajl_val data, const char *key, size_t n)
{
    yajl_val *all;
    size_t count = state_list(data, key, &all);

    return n < count && YAJL_IS_NUMBER(all[n]) ? YAJL_GET_DOUBLE(all[n]) : NAN;
}

/* False: it is neither a day nor a time. */
static bool read_point(const char *point, struct tm *at)
{
    char whole[DATETIME_SIZE];
    int64_t seconds;
    time_t when;

    snprintf(whole, sizeof(whole), "%.20s%s", point,
             strlen(point) == 10 ? "T00:00:00Z" : "");
    if (!datetime_read(whole, &seconds))
        return false;
    when = (time_t)seconds;
    return gmtime_r(&when, at);
}

void plot_label(struct plot_label *label, const char *point)
{
    struct tm at;

    if (!read_point(point, &at))
        snprintf(label->text, sizeof(label->text), "%s", point);
    else
        strftime(label->text, sizeof(label->text),
                 strlen(point) == 10 ? "%e %b" : "%e %b %H:%M", &at);
}

/* -- the scale --------------------------------------------------------- */

struct scale {
    double least, most; /* their logarithms, if is_log */
    bool is_log;
};

/* 1, 2 or 5 times a power of ten, and not below. */
static double round_up(double value)
{
    static const double steps[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(value)));

    for (int i = 0; i < 4; i++)
        if (steps[i] * power >= value)
            return steps[i] * power;
    return 10 * power;
}

static double get_y(const struct scale *scale, double value)
{
    double part;

    if (scale->is_log)
        value = value > 0 ? log10(value) : scale->least;
    part = (value - scale->least) / (scale->most - scale->least);
    return BOTTOM - fmax(0, fmin(1, part)) * (BOTTOM - TOP);
}

static void draw_text(struct html *html, double x, double y, const char *anchor,
                      const char *text)
{
    html_open(html, "text", NULL);
    html_number(html, "x", x);
    html_number(html, "y", y);
    html_attribute(html, "text-anchor", anchor);
    html_text(html, text);
    html_close(html);
}

static void draw_line(struct html *html, const char *class, double y)
{
    html_open(html, "path", class);
    html_path_begin(html);
    html_path_to(html, 'M', LEFT, y);
    html_path_to(html, 'H', RIGHT, y);
    html_path_end(html);
    html_close(html);
}

/* 1,200,000 as 1.2M. */
static void draw_number(struct html *html, double y, double value,
                        const char *unit)
{
    static const char *const sizes[] = {"", "k", "M", "G", "T"};
    char text[48];
    int size = 0;

    while (size < 4 && value >= 1000) {
        value /= 1000;
        size++;
    }
    snprintf(text, sizeof(text), "%g%s%s", value, sizes[size], unit);
    draw_text(html, LEFT - 5, y + 3.5, "end", text);
}

static void draw_scale(struct html *html, const struct scale *scale,
                       const char *unit)
{
    int steps = scale->is_log ? (int)(scale->most - scale->least) : 2;

    for (int i = 0; i <= steps; i++) {
        double value = scale->least + i * (scale->most - scale->least) / steps;

        if (scale->is_log)
            value = pow(10, value);
        draw_line(html, "grid", get_y(scale, value));
        draw_number(html, get_y(scale, value), value, unit);
    }
}

/* The first, the middle and the last point. */
static void draw_points(struct html *html, yajl_val data, size_t points)
{
    static const char *const anchors[] = {"start", "middle", "end"};

    for (int i = 0; i < 3; i++) {
        struct plot_label label;

        plot_label(&label, plot_point(data, (points - 1) * (size_t)i / 2));
        draw_text(html, LEFT + i * (RIGHT - LEFT) / 2.0, PLOT_HEIGHT - 4,
                  anchors[i], label.text);
    }
}

/* -- bars -------------------------------------------------------------- */

static double get_sum(const struct chart *chart, yajl_val data, size_t i,
                      int series)
{
    double sum = 0;

    for (int n = 0; n < series; n++) {
        double value = plot_value(data, chart->series[n].key, i);

        sum += isnan(value) ? 0 : value;
    }
    return sum;
}

static double get_most(const struct chart *chart, yajl_val data, size_t points)
{
    double most = 0;

    for (size_t i = 0; i < points; i++)
        most = fmax(most, get_sum(chart, data, i, chart->drawn));
    return most;
}

static void draw_bar(struct html *html, double x, double width, double from,
                     double to)
{
    html_path_to(html, 'M', x, from);
    html_path_to(html, 'V', 0, to);
    html_path_to(html, 'H', x + width, 0);
    html_path_to(html, 'V', 0, from);
    html_path_to(html, 'Z', 0, 0);
}

void plot_bars(struct html *html, const struct chart *chart, yajl_val data,
               size_t points)
{
    static const char *const classes[] = {"s0", "s1", "s2", "s3"};
    struct scale scale = {.most = round_up(get_most(chart, data, points))};
    double step = (RIGHT - LEFT) / (double)points;
    double width = fmax(step * 0.8, step - 2);

    draw_scale(html, &scale, chart->unit);
    for (int n = 0; n < chart->drawn; n++) {
        html_open(html, "path", classes[n]);
        html_path_begin(html);
        for (size_t i = 0; i < points; i++) {
            double below = get_sum(chart, data, i, n);
            double upto = get_sum(chart, data, i, n + 1);

            if (upto > below)
                draw_bar(html, LEFT + (double)i * step + (step - width) / 2,
                         width, get_y(&scale, below), get_y(&scale, upto));
        }
        html_path_end(html);
        html_close(html);
    }
    draw_points(html, data, points);
}

/* -- lines ------------------------------------------------------------- */

#define BRIDGED 3

static struct scale choose_scale(const struct chart *chart, yajl_val data,
                                 size_t points)
{
    struct scale scale = {.is_log = chart->limit > 100, .most = chart->limit};
    double least = chart->limit;

    for (int n = 0; n < chart->drawn; n++)
        for (size_t i = 0; i < points; i++) {
            double value = plot_value(data, chart->series[n].key, i);

            if (value > scale.most)
                scale.most = value;
            if (value > 0 && value < least)
                least = value;
        }
    if (scale.is_log) {
        scale.least = floor(log10(least));
        scale.most = ceil(log10(scale.most));
    } else {
        scale.most = round_up(scale.most * 1.2);
    }
    return scale;
}

/* Over a few unknown values, as of a weekend, it goes straight on. A value
 * alone between many is a short dash. */
static void draw_curve(struct html *html, const char *class,
                       const struct scale *scale, yajl_val data,
                       const char *key, size_t points)
{
    double step = (RIGHT - LEFT) / (double)points;
    size_t unknown = BRIDGED + 1;

    html_open(html, "path", class);
    html_path_begin(html);
    for (size_t i = 0; i < points; i++) {
        double value = plot_value(data, key, i);
        double x = LEFT + ((double)i + 0.5) * step;

        if (isnan(value)) {
            unknown++;
            continue;
        }
        html_path_to(html, unknown > BRIDGED ? 'M' : 'L', x,
                     get_y(scale, value));
        if (unknown > BRIDGED)
            html_path_to(html, 'H', x + 0.1, 0);
        unknown = 0;
    }
    html_path_end(html);
    html_close(html);
}

void plot_lines(struct html *html, const struct chart *chart, yajl_val data,
                size_t points)
{
    static const char *const classes[] = {"l0", "l1", "l2", "l3"};
    struct scale scale = choose_scale(chart, data, points);
    double y = get_y(&scale, chart->limit);

    if (!scale.is_log) {
        html_open(html, "path", "band");
        html_path_begin(html);
        draw_bar(html, LEFT, RIGHT - LEFT, BOTTOM, y);
        html_path_end(html);
        html_close(html);
    }
    draw_scale(html, &scale, chart->unit);
    draw_line(html, "limit", y);
    for (int n = 0; n < chart->drawn; n++)
        draw_curve(html, classes[n], &scale, data, chart->series[n].key,
                   points);
    draw_points(html, data, points);
}

/* -- ranks ------------------------------------------------------------- */

void plot_ranks(struct html *html, const struct chart *chart, yajl_val data,
                size_t points)
{
    const char *key = chart->series[0].key;
    double most = get_most(chart, data, points);

    for (size_t i = 0; i < points; i++) {
        double value = plot_value(data, key, i);
        double y = (double)i * PLOT_RANK;
        char text[32];

        snprintf(text, sizeof(text), "%.0f", value);
        draw_text(html, 0, y + 9, "start", plot_point(data, i));
        draw_text(html, PLOT_WIDTH, y + 9, "end", text);
        html_open(html, "rect", "track");
        html_number(html, "y", y + 13);
        html_number(html, "width", PLOT_WIDTH);
        html_number(html, "height", 5);
        html_close(html);
        html_open(html, "rect", "s0");
        html_number(html, "y", y + 13);
        html_number(html, "width", PLOT_WIDTH * value / most);
        html_number(html, "height", 5);
        html_close(html);
    }
}

/* -- the heat map ------------------------------------------------------ */

#define HEAT_LEFT 34
#define CELL_WIDTH ((PLOT_WIDTH - HEAT_LEFT) / 24.0)
#define CELL_HEIGHT ((PLOT_HEIGHT - 20) / 7.0)

/* Five steps; whatever came at all is the first. */
static const char *get_heat(double value, double most)
{
    static const char *const steps[] = {"h0", "h1", "h2", "h3", "h4", "h5"};

    if (isnan(value))
        return "hn";
    return value > 0 ? steps[(int)ceil(5 * value / most)] : steps[0];
}

static void draw_cell(struct html *html, const char *class, int day, int hour)
{
    html_open(html, "rect", class);
    html_number(html, "x", HEAT_LEFT + hour * CELL_WIDTH);
    html_number(html, "y", day * CELL_HEIGHT);
    html_number(html, "width", CELL_WIDTH - 1.5);
    html_number(html, "height", CELL_HEIGHT - 1.5);
    html_attribute(html, "rx", "2");
    html_close(html);
}

void plot_heat(struct html *html, const struct chart *chart, yajl_val data,
               size_t points)
{
    const char *key = chart->series[0].key;
    double most = get_most(chart, data, points);

    for (size_t i = 0; i < points && i < 168; i++) {
        int day = (int)i / 24, hour = (int)i % 24;
        char name[16];
        struct tm at;

        if (hour == 0 && read_point(plot_point(data, i), &at)) {
            strftime(name, sizeof(name), "%a", &at);
            draw_text(html, 0, day * CELL_HEIGHT + CELL_HEIGHT * 0.66, "start",
                      name);
        }
        draw_cell(html, get_heat(plot_value(data, key, i), most), day, hour);
    }
    for (int hour = 0; hour < 24; hour += 6) {
        char name[16];

        snprintf(name, sizeof(name), "%02d:00", hour);
        draw_text(html, HEAT_LEFT + hour * CELL_WIDTH, PLOT_HEIGHT - 5, "start",
                  name);
    }
}
