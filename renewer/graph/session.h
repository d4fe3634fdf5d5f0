/* What a command on one tenant's calls needs: the database, the lock, Graph. */
#ifndef RENEWER_SESSION_H
#define RENEWER_SESSION_H

#include <stdbool.h>

#include "base/database.h"
#include "graph/graph.h"
#include "settings/settings.h"

struct session {
    struct database *database;
    struct graph graph;
    int lock;
};

/*
 * Opens all of it, waiting for a run that works on the tenant. The commands
 * may take long: Graph's quotas do. False: told; session_close() in either
 * case.
 */
bool session_open(struct session *session, const struct settings *settings,
                  const struct tenant *tenant);
void session_close(struct session *session);

/* Tells a fault of the tenant's. */
void session_tell(const struct session *session, const struct fault *fault);

#endif
