/* Renewing one subscription, and renewing without a database. */
#ifndef RENEWER_RENEW_H
#define RENEWER_RENEW_H

#include "base/fault.h"
#include "graph/graph.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription.h"

/*
 * PATCHes it, with our notification URL if it has another, and fills in
 * `renewed`. Where Graph says 404 it is looked for first, for that is not
 * always true. An expiry that did not move is LATER.
 */
enum outcome renew_subscription(struct graph *graph,
                                const struct subscription *one,
                                struct subscription *renewed);

/* The subscription of a row, as we know it; its texts are the row's. */
struct subscription renew_of_row(const struct row *row);

/*
 * Without a database: what Graph shows under our URL is renewed when its time
 * has come; nothing is created, adopted or deleted.
 */
enum outcome renew_without_notes(struct graph *graph);

#endif
