/* A chart as inline SVG, with its figures in a table behind it. */
#ifndef RENEWER_CHART_H
#define RENEWER_CHART_H

#include "base/json.h"
#include "status/html.h"
#include "status/plot.h"

/* `all`: the charts' data; NULL: they are not known. */
void chart_print(struct html *html, const struct chart *chart, yajl_val all);

#endif
