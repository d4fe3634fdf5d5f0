/* Lifecycle items: what Graph said about a subscription, worked off. */
#ifndef RENEWER_EVENTS_H
#define RENEWER_EVENTS_H

#include <stdbool.h>

#include "database.h"
#include "due.h"

/* Whether any of the tenant's items can be worked off without Graph. */
bool events_wait(const struct duty *duty, const struct settings *settings);

/*
 * Notes the gaps that they name and marks as handled what needs nothing more.
 * `kept`: a subscription is known to live now; `renewed`: by a PATCH or POST of
 * this run. False if the database did not take it.
 */
bool events_work_off(struct database *database, const struct settings *settings,
                     const struct duty *duty, bool kept, bool renewed);

#endif
