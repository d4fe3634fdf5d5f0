/* What is drawn in a chart: bars, lines, ranks, a heat map. */
#ifndef RENEWER_PLOT_H
#define RENEWER_PLOT_H

#include <stddef.h>

#include "base/json.h"
#include "status/html.h"

#define CHART_SERIES 4

struct chart {
    const char *key; /* of its data: `points`, and a list for each series */
    const char *title;
    const char *about; /* a sentence: what it counts, and which view does */
    enum chart_form {
        CHART_HEAT,  /* weekdays by hours */
        CHART_BARS,  /* one above the other */
        CHART_LINES, /* over a logarithmic scale, if `limit` is over 100 */
        CHART_RANKS, /* a bar for each point */
    } form;
    int drawn; /* so many of the series; the table has all */
    struct chart_series {
        const char *key, *name;
    } series[CHART_SERIES];
    const char *unit; /* behind numbers of the scale: "%", " ms" */
    double limit;     /* a mark on the scale; 0: none */
    const char *limit_name;
    const char *empty; /* what is said where all is 0 */
};

/* Of the drawing, in its own units: it scales with the page. */
#define PLOT_WIDTH 400
#define PLOT_HEIGHT 170
#define PLOT_RANK 24

/* A point's name as it is shown: "29 Nov", "29 Nov 14:00", or as it is. */
struct plot_label {
    char text[64];
};

/* `points` of the data, and a value of a series; NAN: it is null. */
const char *plot_point(yajl_val data, size_t n);
double plot_value(yajl_val data, const char *key, size_t n);
void plot_label(struct plot_label *label, const char *point);

void plot_heat(struct html *html, const struct chart *chart, yajl_val data,
               size_t points);
void plot_bars(struct html *html, const struct chart *chart, yajl_val data,
               size_t points);
void plot_lines(struct html *html, const struct chart *chart, yajl_val data,
                size_t points);
void plot_ranks(struct html *html, const struct chart *chart, yajl_val data,
                size_t points);

#endif
