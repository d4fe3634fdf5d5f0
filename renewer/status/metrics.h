/* The form for Prometheus, by scrape or by a textfile collector. */
#ifndef RENEWER_METRICS_H
#define RENEWER_METRICS_H

#include <stdio.h>

#include "status/state.h"

void metrics_print(FILE *stream, const struct state *state);

#endif
