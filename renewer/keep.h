/*
 * Keeps one live subscription for a tenant: looks at what Graph has, and
 * renews, adopts, replaces, deletes or creates.
 */
#ifndef RENEWER_KEEP_H
#define RENEWER_KEEP_H

#include <stdbool.h>

#include "due.h"
#include "graph.h"
#include "outcome.h"

/* A tenant's work. Zero it, set the first four. */
struct keeping {
    struct graph *graph;
    struct database *database;
    const struct settings *settings;
    const struct duty *duty;

    struct fault fault;    /* unless it is DONE */
    bool renewed;          /* a PATCH or a POST was DONE */
    char announced_no[24]; /* keep.c's own: of this run; "": none */
    char gone_id[GUID_SIZE];
};

/* DONE: exactly one lives now, and the database knows it. */
enum outcome keep_subscription(struct keeping *keeping);

#endif
