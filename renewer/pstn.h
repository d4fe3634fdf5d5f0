/* Reads a tenant's logs of phone calls: PSTN and Direct Routing, daily. */
#ifndef RENEWER_PSTN_H
#define RENEWER_PSTN_H

#include <stdint.h>

#include "database.h"
#include "graph.h"
#include "outcome.h"

/* Zero it and set the first two; the graph's deadline holds. */
struct pstn {
    struct graph *graph;
    struct database *database;

    int64_t rows; /* that were stored, new or again */
    struct fault fault;
};

/* Reads each of the logs that was not read for a day. */
enum outcome pstn_read(struct pstn *pstn);

#endif
