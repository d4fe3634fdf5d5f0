/* A tenant's session: Graph, the database, and the lock to be alone with. */
#ifndef RENEWER_SESSION_H
#define RENEWER_SESSION_H

#include "base/database.h"
#include "graph/graph.h"
#include "http/http.h"
#include "settings/settings.h"

struct session {
    struct graph graph;
    struct database *database; /* NULL: away */
    int lock;                  /* -1: not taken */
};

/* For a command that may take long: Graph's quotas do. */
#define SESSION_LONG_MS (2 * 3600 * 1000)

/*
 * Begins a session that talks to Graph for `milliseconds`. The database and
 * `http` stay the caller's, who shares them among tenants.
 */
void session_open(struct session *session, const struct settings *settings,
                  const struct tenant *tenant, struct database *database,
                  struct http *http, int64_t milliseconds);

/*
 * Takes the tenant's lock. False: `held` by another program, or it cannot be
 * had, which has been logged.
 */
bool session_lock(struct session *session, bool *held);

/* The same for a command: it waits for a run to end. False: logged. */
bool session_wait_for_lock(struct session *session);

/* Returns the lock and wipes the token. */
void session_close(struct session *session);

/* Returns false if it failed, which it has told. */
typedef bool session_visit(struct session *session, const void *context);

/*
 * For a command: visits the tenant of this name, or all (NULL), each in a
 * session of its own. False: a visit failed, or there was no database.
 */
bool session_each(const struct settings *settings, const char *name,
                  int64_t milliseconds, session_visit *visit,
                  const void *context);

#endif
