/*
 * Keeps one live subscription for a tenant: looks at what Graph has, and
 * renews, adopts, replaces, deletes or creates.
 */
#ifndef RENEWER_ENSURE_H
#define RENEWER_ENSURE_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/guid.h"
#include "graph/graph.h"
#include "subscriptions/plan.h"

/* A tenant's work. Zero it, set the first four. */
struct ensuring {
    struct graph *graph;
    struct database *database;
    const struct settings *settings;
    const struct plan *plan;

    struct fault fault;    /* unless it is DONE */
    bool renewed;          /* a PATCH or a POST was DONE */
    char announced_no[24]; /* keep.c's own: of this run; "": none */
    char gone_id[GUID_SIZE];
};

/* DONE: exactly one lives now, and the database knows it. */
enum outcome ensure_subscription(struct ensuring *ensuring);

#endif
