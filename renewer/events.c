/* Lifecycle items: what Graph said about a subscription, worked off. */
#include "events.h"

#include "log.h"
#include "store.h"

/* Graph delivers for up to 4 hours: what it missed is not older. */
#define DELIVERY_SECONDS (4 * 3600)

static const struct row *row_of(const struct duty *duty,
                                const struct event *event)
{
    return due_row_of(duty->rows, duty->row_count, event->subscription_id);
}

/* Another [tenant] of the same tenant_id works off its own. */
static bool is_others(const struct settings *settings, const struct duty *duty,
                      const struct row *row)
{
    return row && !due_is_wanted(duty->tenant, row) &&
           !due_is_orphan(settings, row);
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
    return due_event_asks(event, row) ? WORK_AUTHORISE : WORK_NOTHING;
}

bool events_wait(const struct duty *duty, const struct settings *settings)
{
    for (size_t i = 0; i < duty->event_count; i++) {
        const struct row *row = row_of(duty, &duty->events[i]);
        enum work work = sort(&duty->events[i], row);

        if (!is_others(settings, duty, row) &&
            (work == WORK_NOTHING || work == WORK_MISSED))
            return true;
    }
    return false;
}

static bool note_missed(struct database *database, const struct duty *duty,
                        const struct event *event, const struct row *row)
{
    int64_t begins = event->received_at - DELIVERY_SECONDS;

    if (row->alive_at && row->alive_at < begins)
        begins = row->alive_at;
    return store_note_gap(database, duty->tenant,
                          "Graph said that it missed some", begins,
                          event->received_at);
}

static bool work_off(struct database *database, const struct duty *duty,
                     const struct event *event, const struct row *row,
                     bool kept, bool renewed)
{
    bool good = true;

    switch (sort(event, row)) {
    case WORK_NOTHING:
        break;
    case WORK_MISSED:
        good = note_missed(database, duty, event, row);
        break;
    case WORK_REMOVED:
        if (!kept)
            return true;
        good = store_note_gap(database, duty->tenant,
                              "Graph said that it was removed", row->alive_at,
                              duty->now);
        break;
    case WORK_AUTHORISE:
        if (!renewed)
            return true;
        break;
    }
    log_detail("%s: %s of subscription %s is worked off", duty->tenant->name,
               event->name, event->subscription_id);
    return good && store_handled(database, event->notification_id);
}

bool events_work_off(struct database *database, const struct settings *settings,
                     const struct duty *duty, bool kept, bool renewed)
{
    bool good = true;

    for (size_t i = 0; i < duty->event_count && good; i++) {
        const struct event *event = &duty->events[i];
        const struct row *row = row_of(duty, event);

        if (!is_others(settings, duty, row))
            good = work_off(database, duty, event, row, kept, renewed);
    }
    return good;
}
