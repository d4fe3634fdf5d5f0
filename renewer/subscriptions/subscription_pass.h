/* A tenant's turn in a run: under its lock, with its fault told at the end. */
#ifndef RENEWER_SUBSCRIPTION_PASS_H
#define RENEWER_SUBSCRIPTION_PASS_H

#include <stdbool.h>

#include "graph/session.h"
#include "settings/settings.h"
#include "subscriptions/plan.h"

/* Whether there is anything to do for the tenant. */
bool subscription_pass_is_due(const struct plan *plan,
                              const struct settings *settings);

/*
 * Does what is due. Without a database: renews what Graph shows and does
 * nothing else. False if something failed, which is told.
 */
bool subscription_pass_on(const struct settings *settings,
                          struct session *session, const struct plan *plan);

#endif
