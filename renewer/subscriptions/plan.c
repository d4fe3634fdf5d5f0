/* What is due for a tenant, from what the database says. */
#include "subscriptions/plan.h"

#include <stddef.h>

#include "base/change_type.h"
#include "base/resource.h"

/* Graph documentation: lifecycle events, one PATCH in 10 minutes. */
#define REAUTHORIZE_SECONDS 600

/* A stranger's refused items must not make us ask Graph all the time. */
#define LOOK_AGAIN_SECONDS 600

bool plan_is_wanted(const struct tenant *tenant, const struct row *row)
{
    return resource_is_same(row->resource, tenant->resource) &&
           change_type_is_same(row->change_type, tenant->change_type);
}

const struct row *plan_row_of(const struct row *rows, size_t count,
                              const char *id)
{
    while (count-- > 0)
        if (strcmp(rows[count].id, id) == 0)
            return &rows[count];
    return NULL;
}

bool plan_event_asks(const struct event *event, const struct row *row)
{
    return strcmp(event->name, "reauthorizationRequired") == 0 &&
           strcmp(event->subscription_id, row->id) == 0 &&
           event->received_at >= row->renewed_at;
}

/*
 * Renewals are spread over the life that Graph granted: the first well before
 * half of it is over, so that a second one is left if it fails.
 */
static bool is_time_to_renew(const struct plan *plan, const struct row *row)
{
    int64_t granted = row->expires_at - row->renewed_at;
    int64_t wait = plan->tenant->renew_every_minutes * 60;
    int64_t age = plan->now - row->renewed_at;

    if (wait > granted * 2 / 5)
        wait = granted * 2 / 5;
    return age >= wait || age < 0;
}

static bool events_ask(const struct plan *plan, const struct row *row)
{
    if (plan->now - row->renewed_at < REAUTHORIZE_SECONDS)
        return false;
    for (size_t i = 0; i < plan->event_count; i++)
        if (plan_event_asks(&plan->events[i], row))
            return true;
    return false;
}

bool plan_says_removed(const struct plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->event_count; i++)
        if (strcmp(plan->events[i].name, "subscriptionRemoved") == 0 &&
            strcmp(plan->events[i].subscription_id, id) == 0)
            return true;
    return false;
}

static unsigned plan_of_live(const struct plan *plan, const struct row *row)
{
    const struct tenant *tenant = plan->tenant;
    unsigned due = 0;

    if (is_time_to_renew(plan, row) || events_ask(plan, row))
        due |= PLAN_RENEW;
    if (strcmp(row->notification_url, tenant->notification_url) != 0)
        due |= PLAN_MOVE;
    if (strcmp(row->lifecycle_url, tenant->lifecycle_url) != 0 ||
        plan_says_removed(plan, row->id))
        due |= PLAN_LOOK;
    return due;
}

/*
 * Items of a subscription that we know are refused, and none is trusted: its
 * secret is not the one that we know. Items of one that we do not know may be
 * of one that we forgot (a database restored from yesterday): Graph's list
 * will tell.
 */
static void weigh_refusal(struct plan *plan, const struct refusal *refusal)
{
    for (size_t i = 0; i < plan->row_count; i++) {
        const struct row *row = &plan->rows[i];

        if (strcmp(row->id, refusal->subscription_id) != 0)
            continue;
        if (!row->ended_at && !refusal->trusted_since &&
            refusal->last_at > row->announced_at + 60) {
            plan->due |= PLAN_REPLACE;
            plan->refused_id = row->id;
            plan->refused_at = refusal->first_at;
        }
        return;
    }
    if (strcmp(refusal->tenant_id, plan->tenant->tenant_id) != 0)
        return;
    if (!plan->past || refusal->first_at >= plan->past->last_run_at ||
        (refusal->last_at >= plan->past->last_run_at &&
         plan->now - plan->past->last_run_at > LOOK_AGAIN_SECONDS))
        plan->due |= PLAN_LOOK;
}

/*
 * Finds the part of an array, ordered by the tenant_id that each element holds
 * at `offset`, that is this tenant's: returns its first, sets its `length`.
 */
static size_t find_part(const void *array, size_t count, size_t size,
                        size_t offset, const char *tenant_id, size_t *length)
{
    const char *ids = (const char *)array + offset;
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(ids + middle * size, tenant_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (high < count && strcmp(ids + high * size, tenant_id) == 0)
        high++;
    *length = high - low;
    return low;
}

static void find_parts(struct plan *plan, const struct snapshot *snapshot)
{
    const char *tenant_id = plan->tenant->tenant_id;

    plan->rows = snapshot->rows + find_part(snapshot->rows, snapshot->row_count,
                                            sizeof(struct row),
                                            offsetof(struct row, tenant_id),
                                            tenant_id, &plan->row_count);
    plan->events =
        snapshot->events + find_part(snapshot->events, snapshot->event_count,
                                     sizeof(struct event),
                                     offsetof(struct event, tenant_id),
                                     tenant_id, &plan->event_count);
    for (size_t i = 0; i < snapshot->past_count; i++)
        if (strcmp(snapshot->pasts[i].tenant, plan->tenant->name) == 0)
            plan->past = &snapshot->pasts[i];
}

bool plan_needs_list(const struct plan *plan)
{
    if (plan->due & (PLAN_LOOK | PLAN_REPLACE))
        return true;
    /* There was one before, and it may still be there. */
    return plan->due & PLAN_CREATE && plan->row_count > 0;
}

bool plan_is_orphan(const struct settings *settings, const struct row *row)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].tenant_id, row->tenant_id) == 0 &&
            plan_is_wanted(&settings->tenants[i], row))
            return false;
    return true;
}

/* Weighs one row; returns whether it is a live subscription of the tenant's. */
static bool weigh_row(struct plan *plan, const struct settings *settings,
                      const struct row *row)
{
    bool wanted = plan_is_wanted(plan->tenant, row);

    if (row->ended_at)
        return false;
    if (wanted && *row->id) {
        plan->due |= plan_of_live(plan, row);
        return true;
    }
    /* Did Graph take what we announced? Is one left of another resource? */
    if (wanted || (*row->id && plan_is_orphan(settings, row)))
        plan->due |= PLAN_LOOK;
    return false;
}

void plan_find(struct plan *plan, const struct snapshot *snapshot,
               const struct settings *settings, const struct tenant *tenant)
{
    size_t live = 0;

    *plan = (struct plan){.tenant = tenant, .now = snapshot->now};
    find_parts(plan, snapshot);
    for (size_t i = 0; i < plan->row_count; i++)
        live += weigh_row(plan, settings, &plan->rows[i]);
    if (live != 1)
        plan->due |= live ? PLAN_LOOK : PLAN_CREATE;
    for (size_t i = 0; i < snapshot->refusal_count; i++)
        weigh_refusal(plan, &snapshot->refusals[i]);
    if (plan->past && plan->past->retry_at > plan->now)
        plan->due = 0;
}
