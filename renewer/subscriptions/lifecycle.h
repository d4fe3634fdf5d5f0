/* Handles lifecycle items: what Graph said about a subscription. */
#ifndef RENEWER_LIFECYCLE_H
#define RENEWER_LIFECYCLE_H

#include "base/database.h"
#include "subscriptions/plan.h"

/*
 * Notes the gaps that the plan's items name and marks as handled what needs
 * nothing more. `kept`: a subscription is known to live now; `renewed`: by a
 * PATCH or POST of this run. False if the database did not take it.
 */
bool lifecycle_work_off(struct database *database, const struct plan *plan,
                        bool kept, bool renewed);

#endif
