/* A tenant's turn in a run: under its lock, its fault reported at the end. */
#ifndef RENEWER_SUBSCRIPTION_PASS_H
#define RENEWER_SUBSCRIPTION_PASS_H

#include "graph/session.h"
#include "settings/settings.h"

/*
 * Does what is due, if it still is; `may_list`: with a look at Graph's list.
 * Without a database: renews what Graph shows and does nothing else. Returns
 * false after reporting what failed.
 */
bool subscription_pass_run(struct session *session,
                           const struct settings *settings, bool may_list);

#endif
