/* What the database says about all tenants, for people: `status`, `check`. */
#ifndef RENEWER_STATUS_DATA_H
#define RENEWER_STATUS_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/database.h"
#include "base/result.h"
#include "settings/settings.h"

/*
 * The columns are those of the functions of these names in sql/status.sql.
 * Both are NULL, which result.h takes for empty, where the database is away.
 */
struct status_data {
    PGresult *tenants;       /* tenant_status: a row for each, in order */
    PGresult *subscriptions; /* kept_subscriptions */
    bool last_known;         /* last_notification_at could be read */
    int64_t now;             /* the database's time */
};

/*
 * A few statements, whatever the number of tenants. `with_last`: reads
 * last_notification_at too, which may take seconds where a tenant has been
 * silent. False if the database did not answer; status_data_free() in either
 * case.
 */
bool status_data_load(struct status_data *status_data,
                      struct database *database,
                      const struct settings *settings, bool with_last);
void status_data_free(struct status_data *status_data);

/* The row of the tenant's next subscription after that one (-1: the first);
 * -1: there is none. */
int status_data_next(const struct status_data *status_data,
                     const struct tenant *tenant, int after);

#endif
