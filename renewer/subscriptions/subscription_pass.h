/* A tenant's turn in a run: under its lock, its fault reported at the end. */
#ifndef RENEWER_SUBSCRIPTION_PASS_H
#define RENEWER_SUBSCRIPTION_PASS_H

#include "graph/session.h"
#include "settings/settings.h"
#include "subscriptions/plan.h"

/*
 * Does what was due when `plan` was made, if it still is. Without a database:
 * renews what Graph shows and does nothing else; where it takes no writes,
 * what the plan knows. Returns false after reporting what failed.
 */
bool subscription_pass_run(struct session *session,
                           const struct settings *settings,
                           const struct plan *plan);

#endif
