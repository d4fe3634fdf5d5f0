/* Handles lifecycle items: what Graph said about a subscription. */
#include "subscriptions/lifecycle.h"

#include "base/log.h"
#include "subscriptions/subscription_store.h"

/* Graph delivers for up to 4 hours: what it missed is not older. */
#define DELIVERY_SECONDS (4 * 3600)

static bool note_missed(struct database *database, const struct plan *plan,
                        const struct task *task)
{
    int64_t begins = task->event->received_at - DELIVERY_SECONDS;

    if (task->row->alive_at && task->row->alive_at < begins)
        begins = task->row->alive_at;
    return subscription_store_note_gap(database, plan->tenant,
                                       "Graph said that it missed some", begins,
                                       task->event->received_at);
}

static bool note_gap(struct database *database, const struct plan *plan,
                     const struct task *task)
{
    if (task->work == WORK_MISSED)
        return note_missed(database, plan, task);
    if (task->work == WORK_REMOVED)
        return subscription_store_note_gap(database, plan->tenant,
                                           "Graph said that it was removed",
                                           task->row->alive_at, plan->now);
    return true;
}

bool lifecycle_work_off(struct database *database, const struct plan *plan,
                        bool kept, bool renewed)
{
    bool good = true;

    for (size_t i = 0; i < plan->task_count && good; i++) {
        const struct task *task = &plan->tasks[i];

        if ((task->work == WORK_REMOVED && !kept) ||
            (task->work == WORK_AUTHORISE && !renewed))
            continue;
        log_detail("%s: %s of subscription %s is worked off",
                   plan->tenant->name, task->event->name,
                   task->event->subscription_id);
        good =
            note_gap(database, plan, task) &&
            subscription_store_handled(database, task->event->notification_id);
    }
    return good;
}
