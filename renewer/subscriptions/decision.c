/* What to do about what Graph shows. */
#include "subscriptions/decision.h"

#include "base/memory.h"
#include "base/url.h"

static bool is_wanted(const struct plan *plan, const struct subscription *one)
{
    return plan_wants(plan->tenant, one->resource, one->change_type);
}

bool decision_is_own(const struct plan *plan, const struct subscription *one)
{
    return plan_known(plan, one->id) ||
           subscription_is_under(one, plan->tenant);
}

/* Whether one of the list is in our notes: then nothing was missed. */
static bool is_any_known(const struct plan *plan,
                         const struct subscriptions *listed)
{
    for (size_t i = 0; i < listed->count; i++) {
        const struct known *known = plan_known(plan, listed->all[i].id);

        if (known && !known->row->ended_at && is_wanted(plan, &listed->all[i]))
            return true;
    }
    return false;
}

/*
 * Why a subscription of ours must go, and when the gap began (0: now). NULL: it
 * can stay.
 */
static const char *find_fault(const struct plan *plan,
                              const struct subscription *one, const char *no,
                              int64_t *begins_at)
{
    const struct known *known = plan_known(plan, one->id);
    const char *lifecycle_url = one->lifecycle_url;

    *begins_at = 0;
    if (!no) {
        *begins_at = plan->last_alive_at;
        return "its secret was not known";
    }
    if (known && known->refused_at) {
        *begins_at = known->refused_at;
        return GAP_REFUSED;
    }
    if (!*lifecycle_url && known)
        lifecycle_url = known->row->lifecycle_url;
    if (*lifecycle_url &&
        !url_is_same(lifecycle_url, plan->tenant->lifecycle_url))
        return "the lifecycle URL changed";
    return NULL;
}

static void remove_one(struct decision *decision, const struct plan *plan,
                       const struct subscription *one, const char *reason,
                       int64_t begins_at)
{
    decision->removals[decision->count++] =
        (struct removal){one, plan_known(plan, one->id), reason, begins_at};
}

/* Of two that could stay, the one that ends last does. */
static void keep_one(struct decision *decision, const struct plan *plan,
                     const struct subscription *one, const char *no)
{
    const struct known *known = plan_known(plan, one->id);

    if (decision->kept && decision->kept->expires_at >= one->expires_at) {
        remove_one(decision, plan, one, NULL, 0);
        return;
    }
    if (decision->kept)
        remove_one(decision, plan, decision->kept, NULL, 0);
    decision->kept = one;
    decision->kept_no = no;
    decision->renew = plan->due & PLAN_RENEW ||
                      !subscription_is_under(one, plan->tenant) ||
                      (known && (known->row->ended_at || known->removed));
}

/* What is not ours stays. */
static void decide_on(struct decision *decision, const struct plan *plan,
                      const struct subscriptions *listed,
                      const struct subscription *one, const char *announced_no)
{
    const struct known *known = plan_known(plan, one->id);
    const char *no = known ? known->row->no : announced_no;
    const char *fault;
    int64_t begins_at;

    if (!is_wanted(plan, one)) {
        if (known && known->orphan)
            remove_one(decision, plan, one, NULL, 0);
        return;
    }
    if (!decision_is_own(plan, one)) {
        decision->foreign = one;
        return;
    }
    fault = find_fault(plan, one, no, &begins_at);
    if (!fault)
        keep_one(decision, plan, one, no);
    else if (!known && is_any_known(plan, listed))
        remove_one(decision, plan, one, NULL, 0);
    else
        remove_one(decision, plan, one, fault, begins_at);
}

void decision_make(struct decision *decision, const struct plan *plan,
                   const struct subscriptions *listed, const char *announced_no)
{
    *decision = (struct decision){
        .removals = memory_new(listed->count, sizeof(struct removal))};
    for (size_t i = 0; i < listed->count; i++)
        decide_on(decision, plan, listed, &listed->all[i], announced_no);
}

void decision_free(struct decision *decision)
{
    free(decision->removals);
}
