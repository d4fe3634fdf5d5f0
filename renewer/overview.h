/* What the database says about all tenants, for people: `status`, `check`. */
#ifndef RENEWER_OVERVIEW_H
#define RENEWER_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "database.h"
#include "result.h"
#include "settings.h"

/*
 * The columns are those of the functions of these names in sql/status.sql.
 * Both are NULL, which result.h takes for empty, where the database is away.
 */
struct overview {
    PGresult *tenants;       /* tenant_status: a row for each, in order */
    PGresult *subscriptions; /* kept_subscriptions */
    bool last_known;         /* last_notification_at could be read */
    int64_t now;             /* the database's time */
};

/*
 * A few statements, whatever the number of tenants. `with_last`: reads
 * last_notification_at too, which may take seconds where a tenant has been
 * silent. False if the database did not answer; overview_free() in either case.
 */
bool overview_load(struct overview *overview, struct database *database,
                   const struct settings *settings, bool with_last);
void overview_free(struct overview *overview);

/* The row of the tenant's next subscription after that one (-1: the first);
 * -1: there is none. */
int overview_next(const struct overview *overview, const struct tenant *tenant,
                  int after);

/* Whether the tenant's resource is call records, which can be listed. */
bool overview_has_calls(const struct tenant *tenant);

#endif
