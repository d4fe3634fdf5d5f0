/* Handles lifecycle items: what Graph said about a subscription. */
#include "subscriptions/lifecycle.h"

#include "base/log.h"
#include "subscriptions/subscription_store.h"

/* Graph delivers for up to 4 hours: what it missed is not older. */
#define DELIVERY_SECONDS (4 * 3600)

static bool note_gap(struct database *database, const struct plan *plan,
                     const struct task *task)
{
    const char *reason = "Graph said that it was removed";
    int64_t begins, ends = plan->now;

    if (task->work != WORK_MISSED && task->work != WORK_REMOVED)
        return true;
    begins = task->row->alive_at;
    if (task->work == WORK_MISSED) {
        reason = "Graph said that it missed some";
        ends = task->event->received_at;
        if (!begins || begins > ends - DELIVERY_SECONDS)
            begins = ends - DELIVERY_SECONDS;
    }
    return subscription_store_note_gap(database, plan->tenant, reason, begins,
                                       ends);
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
