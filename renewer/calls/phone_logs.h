/* Reads a tenant's logs of phone calls: PSTN and Direct Routing, daily. */
#ifndef RENEWER_PHONE_LOGS_H
#define RENEWER_PHONE_LOGS_H

#include "base/database.h"
#include "base/fault.h"
#include "graph/graph.h"

/*
 * Reads what is due of each log (each day what began in the last 7), until the
 * graph's deadline. The fault is that of the first log that failed.
 */
enum outcome phone_logs_read(struct graph *graph, struct database *database,
                             struct fault *fault);

#endif
