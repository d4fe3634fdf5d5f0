/*
 * Ensures one live subscription for a tenant: looks at what Graph has, and
 * renews, adopts, replaces, deletes or creates.
 */
#ifndef RENEWER_ENSURE_H
#define RENEWER_ENSURE_H

#include "base/database.h"
#include "graph/graph.h"
#include "subscriptions/notes.h"
#include "subscriptions/plan.h"

/* A tenant's turn. Zero it, set the first three, notes_free() its notes. */
struct ensuring {
    struct graph *graph; /* has the fault, unless it is DONE */
    struct database *database;
    const struct plan *plan;
    struct notes notes; /* to be written, however it ended */
};

/* DONE: exactly one lives now, as the notes say. */
enum outcome ensure_subscription(struct ensuring *ensuring);

#endif
