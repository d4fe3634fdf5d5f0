/* Renewing one subscription, and renewing without a database. */
#ifndef RENEWER_RENEW_H
#define RENEWER_RENEW_H

#include <stdbool.h>

#include "base/fault.h"
#include "graph/graph.h"
#include "settings/settings.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription.h"

/* Whether it is of the tenant's resource and change type. */
bool renew_is_wanted(const struct tenant *tenant,
                     const struct subscription *one);

bool renew_is_under_our_url(const struct tenant *tenant,
                            const struct subscription *one);

/* Whether it is known to the database, or under our URL. */
bool renew_is_own(const struct tenant *tenant, const struct snapshot *snapshot,
                  const struct subscription *one);

/*
 * PATCHes it, with our notification URL if it has another, and fills in
 * `renewed`. Where Graph says 404 it is looked for first, for that is not
 * always true. An expiry that did not move is LATER.
 */
enum outcome renew_subscription(struct graph *graph,
                                const struct subscription *one,
                                struct subscription *renewed,
                                struct fault *fault);

/*
 * Without a database: what Graph shows under our URL is renewed when its time
 * has come; nothing is created, adopted or deleted.
 */
enum outcome renew_blindly(struct graph *graph, struct fault *fault);

#endif
