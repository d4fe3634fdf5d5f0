/* Lifecycle items: what Graph said about a subscription, worked off. */
#include "subscriptions/lifecycle.h"

#include "base/log.h"
#include "subscriptions/subscription_store.h"

/* Graph delivers for up to 4 hours: what it missed is not older. */
#define DELIVERY_SECONDS (4 * 3600)

static const struct row *row_of(const struct plan *plan,
                                const struct event *event)
{
    return plan_row_of(plan->rows, plan->row_count, event->subscription_id);
}

/* Another [tenant] of the same tenant_id works off its own. */
static bool is_others(const struct settings *settings, const struct plan *plan,
                      const struct row *row)
{
    return row && !plan_is_wanted(plan->tenant, row) &&
           !plan_is_orphan(settings, row);
}

/* What is to be done with an item, and when. */
enum work {
    WORK_NOTHING,   /* it only has to be marked */
    WORK_MISSED,    /* note a gap up to the item */
    WORK_REMOVED,   /* once one lives again: note a gap up to now */
    WORK_AUTHORISE, /* once it has been renewed */
};

static enum work sort(const struct event *event, const struct row *row)
{
    if (!row || row->ended_at)
        return WORK_NOTHING;
    if (strcmp(event->name, "missed") == 0)
        return WORK_MISSED;
    if (strcmp(event->name, "subscriptionRemoved") == 0)
        return WORK_REMOVED;
    return plan_event_asks(event, row) ? WORK_AUTHORISE : WORK_NOTHING;
}

bool lifecycle_wait(const struct plan *plan, const struct settings *settings)
{
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct row *row = row_of(plan, &plan->events[i]);
        enum work work = sort(&plan->events[i], row);

        if (!is_others(settings, plan, row) &&
            (work == WORK_NOTHING || work == WORK_MISSED))
            return true;
    }
    return false;
}

static bool note_missed(struct database *database, const struct plan *plan,
                        const struct event *event, const struct row *row)
{
    int64_t begins = event->received_at - DELIVERY_SECONDS;

    if (row->alive_at && row->alive_at < begins)
        begins = row->alive_at;
    return subscription_store_note_gap(database, plan->tenant,
                                       "Graph said that it missed some", begins,
                                       event->received_at);
}

static bool work_off(struct database *database, const struct plan *plan,
                     const struct event *event, const struct row *row,
                     bool kept, bool renewed)
{
    bool good = true;

    switch (sort(event, row)) {
    case WORK_NOTHING:
        break;
    case WORK_MISSED:
        good = note_missed(database, plan, event, row);
        break;
    case WORK_REMOVED:
        if (!kept)
            return true;
        good = subscription_store_note_gap(database, plan->tenant,
                                           "Graph said that it was removed",
                                           row->alive_at, plan->now);
        break;
    case WORK_AUTHORISE:
        if (!renewed)
            return true;
        break;
    }
    log_detail("%s: %s of subscription %s is worked off", plan->tenant->name,
               event->name, event->subscription_id);
    return good && subscription_store_handled(database, event->notification_id);
}

bool lifecycle_work_off(struct database *database,
                        const struct settings *settings,
                        const struct plan *plan, bool kept, bool renewed)
{
    bool good = true;

    for (size_t i = 0; i < plan->event_count && good; i++) {
        const struct event *event = &plan->events[i];
        const struct row *row = row_of(plan, event);

        if (!is_others(settings, plan, row))
            good = work_off(database, plan, event, row, kept, renewed);
    }
    return good;
}
