/* What the command `check` looks at for one tenant. */
#ifndef RENEWER_CHECK_TENANT_H
#define RENEWER_CHECK_TENANT_H

#include <yajl/yajl_tree.h>

#include "http/http.h"
#include "settings/settings.h"

/*
 * What a run needs for one tenant, at Microsoft and in the database. `known`:
 * what the database says of it, see status_data.h; NULL: it is away.
 */
void check_tenant(const struct settings *settings, const struct tenant *tenant,
                  struct http *http, yajl_val known);

#endif
