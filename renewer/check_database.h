/* `check`: the database, its schema, and the rights that a run needs. */
#ifndef RENEWER_CHECK_DATABASE_H
#define RENEWER_CHECK_DATABASE_H

#include "database.h"
#include "settings.h"

/* Reports on it. Returns the connection, to be closed; NULL: it is away. */
struct database *check_database(const struct settings *settings);

#endif
