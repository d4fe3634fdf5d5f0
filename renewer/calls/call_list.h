/*
 * Lists a tenant's calls at Graph, files those that no notification told of,
 * and closes gaps.
 */
#ifndef RENEWER_CALL_LIST_H
#define RENEWER_CALL_LIST_H

#include <stdint.h>

#include "base/database.h"
#include "base/fault.h"
#include "graph/graph.h"

/* Zero it and set the first two; the graph's deadline holds. */
struct call_list {
    struct graph *graph;
    struct database *database;

    int64_t listed;  /* calls at Graph */
    int64_t missing; /* of which nothing was known */
    int64_t newer;   /* known in an older version */
    int64_t gaps;    /* closed */
    bool unfinished; /* no time was left; the next run goes on */
    struct fault fault;
};

/*
 * Lists what the plan and noted gaps ask for (see next_window() in
 * sql/completeness.sql). `since`, seconds since 1970: instead of the plan, all
 * from then on; 0: the plan.
 */
enum outcome reconcile(struct call_list *call_list, int64_t since);

#endif
