/* Lifecycle items: what Graph said about a subscription, worked off. */
#ifndef RENEWER_LIFECYCLE_H
#define RENEWER_LIFECYCLE_H

#include <stdbool.h>

#include "base/database.h"
#include "subscriptions/plan.h"

/* Whether any of the tenant's items can be worked off without Graph. */
bool lifecycle_wait(const struct plan *plan, const struct settings *settings);

/*
 * Notes the gaps that they name and marks as handled what needs nothing more.
 * `kept`: a subscription is known to live now; `renewed`: by a PATCH or POST of
 * this run. False if the database did not take it.
 */
bool lifecycle_work_off(struct database *database,
                        const struct settings *settings,
                        const struct plan *plan, bool kept, bool renewed);

#endif
