/* Reads a tenant's logs of phone calls: PSTN and Direct Routing, daily. */
#ifndef RENEWER_PSTN_H
#define RENEWER_PSTN_H

#include "database.h"
#include "graph.h"
#include "outcome.h"

/*
 * Reads each of the logs that was not read for a day, until the graph's
 * deadline. The fault is that of the first log that failed.
 */
enum outcome pstn_read(struct graph *graph, struct database *database,
                       struct fault *fault);

#endif
