/* `check`: what a run needs for one tenant, at Microsoft and in the database.
 */
#ifndef RENEWER_CHECK_TENANT_H
#define RENEWER_CHECK_TENANT_H

#include "http.h"
#include "overview.h"
#include "settings.h"

/* Reports on it. `overview` NULL: the database is away. */
void check_tenant(const struct settings *settings, const struct tenant *tenant,
                  struct http *http, const struct overview *overview);

#endif
