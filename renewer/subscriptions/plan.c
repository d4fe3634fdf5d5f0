/* What is due for a tenant, from what the database says. */
#include "subscriptions/plan.h"

#include "base/change_type.h"
#include "base/memory.h"
#include "base/resource.h"
#include "base/url.h"

/* Graph documentation: lifecycle events, one PATCH in 10 minutes. */
#define REAUTHORIZE_SECONDS 600

/* A stranger's refused items must not make us ask Graph all the time. */
#define LOOK_AGAIN_SECONDS 300

/* Nor is a single one of them believed, once an item was trusted. */
#define REFUSED_MIN 3

#define DAY_SECONDS 86400

bool plan_wants(const struct tenant *tenant, const char *resource,
                const char *change_type)
{
    return resource_is_same(resource, tenant->resource) &&
           change_type_is_same(change_type, tenant->change_type);
}

/* The newest of the subscription. */
static struct known *find(const struct plan *plan, const char *id)
{
    for (size_t i = plan->count; i-- > 0;)
        if (strcmp(plan->all[i].row->id, id) == 0)
            return &plan->all[i];
    return NULL;
}

const struct known *plan_known(const struct plan *plan, const char *id)
{
    return find(plan, id);
}

/* -- whose the rows are ------------------------------------------------ */

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

static bool is_orphan(const struct settings *settings, const struct row *row)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].tenant_id, row->tenant_id) == 0 &&
            plan_wants(&settings->tenants[i], row->resource, row->change_type))
            return false;
    return true;
}

static void sort_rows(struct plan *plan, const struct snapshot *snapshot,
                      const struct settings *settings)
{
    const struct tenant *tenant = plan->tenant;
    size_t first = find_part(
        snapshot->rows, snapshot->row_count, sizeof(struct row),
        offsetof(struct row, tenant_id), tenant->tenant_id, &plan->count);
    size_t announced = 0, live = 0;

    plan->all = memory_new(plan->count, sizeof(*plan->all));
    for (size_t i = 0; i < plan->count; i++) {
        struct known *known = &plan->all[i];
        const struct row *row = &snapshot->rows[first + i];
        bool wanted = plan_wants(tenant, row->resource, row->change_type);
        bool open = wanted && !row->ended_at;

        *known = (struct known){.row = row,
                                .wanted = wanted,
                                .orphan = !wanted && is_orphan(settings, row),
                                .announced = open && !*row->id,
                                .live = open && *row->id};
        announced += known->announced;
        live += known->live;
        if (known->announced)
            plan->announced_no = row->no;
        if (known->live)
            plan->only = known;
        if (wanted && row->alive_at > plan->last_alive_at)
            plan->last_alive_at = row->alive_at;
    }
    if (announced != 1)
        plan->announced_no = NULL;
    if (announced || live != 1)
        plan->only = NULL;
    if (live != 1)
        plan->due |= live ? PLAN_LOOK : PLAN_CREATE;
}

/* -- what Graph and the receiver said ---------------------------------- */

/* It asks for a PATCH that has not been sent since. */
static bool asks_for_patch(const struct event *event, const struct row *row)
{
    return strcmp(event->name, "reauthorizationRequired") == 0 &&
           event->received_at >= row->renewed_at;
}

static enum work sort_event(const struct event *event, const struct row *row)
{
    if (!row || row->ended_at)
        return WORK_MARK;
    if (strcmp(event->name, "missed") == 0)
        return WORK_MISSED;
    if (strcmp(event->name, "subscriptionRemoved") == 0)
        return WORK_REMOVED;
    return asks_for_patch(event, row) ? WORK_AUTHORISE : WORK_MARK;
}

/* Another [tenant] of the same tenant_id works off its own. */
static void sort_events(struct plan *plan, const struct snapshot *snapshot)
{
    size_t count;
    const struct event *events =
        snapshot->events + find_part(snapshot->events, snapshot->event_count,
                                     sizeof(struct event),
                                     offsetof(struct event, tenant_id),
                                     plan->tenant->tenant_id, &count);

    plan->tasks = memory_new(count, sizeof(*plan->tasks));
    for (size_t i = 0; i < count; i++) {
        struct known *known = find(plan, events[i].subscription_id);
        const struct row *row = known ? known->row : NULL;
        enum work work = sort_event(&events[i], row);

        if (known && !known->wanted && !known->orphan)
            continue;
        plan->tasks[plan->task_count++] =
            (struct task){.event = &events[i], .row = row, .work = work};
        if (work == WORK_MARK || work == WORK_MISSED)
            plan->has_task = true;
        if (known && strcmp(events[i].name, "subscriptionRemoved") == 0)
            known->removed = true;
        if (work == WORK_AUTHORISE && known->live &&
            plan->now - row->renewed_at >= REAUTHORIZE_SECONDS)
            plan->due |= PLAN_RENEW;
    }
}

/*
 * Whether Graph's own items are refused: its secret is not the one that we
 * know. Whoever has heard of the id can send wrong ones: so those that Graph
 * sends must stay away, as many must be refused as it used to send, and a day
 * sees one replacement.
 */
static bool is_secret_another(const struct plan *plan, const struct row *row,
                              const struct refusal *refusal)
{
    int64_t lasted = plan->now - refusal->first_at;
    int64_t usual = refusal->trusted * lasted / DAY_SECONDS;

    if (usual < REFUSED_MIN)
        usual = refusal->trusted ? REFUSED_MIN : 1;
    return !row->ended_at && refusal->last_at > row->announced_at + 60 &&
           refusal->refused >= usual && !refusal->trusted_since &&
           !refusal->replaced_of_late;
}

/*
 * Items of one that we do not know may be of one that we forgot (a database
 * restored from yesterday): Graph's list will tell.
 */
static bool is_worth_a_look(const struct plan *plan,
                            const struct refusal *refusal)
{
    return strcmp(refusal->tenant_id, plan->tenant->tenant_id) == 0 &&
           (!plan->past ||
            (refusal->last_at >= plan->past->last_run_at &&
             plan->now - plan->past->looked_at >= LOOK_AGAIN_SECONDS));
}

static void weigh_refusal(struct plan *plan, const struct refusal *refusal)
{
    struct known *known = find(plan, refusal->subscription_id);

    if (known && is_secret_another(plan, known->row, refusal)) {
        plan->due |= PLAN_REPLACE;
        known->refused_at = refusal->first_at;
    } else if (!known && is_worth_a_look(plan, refusal)) {
        plan->due |= PLAN_LOOK;
        plan->unknown = true;
    }
}

/* -- what is due ------------------------------------------------------- */

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

static unsigned weigh_row(const struct plan *plan, const struct known *known)
{
    const struct tenant *tenant = plan->tenant;
    const struct row *row = known->row;
    unsigned due = 0;

    /* Did Graph take what we announced? Is one left of another resource? */
    if (known->announced || (known->orphan && *row->id && !row->ended_at))
        return PLAN_LOOK;
    if (!known->live)
        return 0;
    if (is_time_to_renew(plan, row))
        due |= PLAN_RENEW;
    if (!url_is_same(row->notification_url, tenant->notification_url))
        due |= PLAN_MOVE;
    if (!url_is_same(row->lifecycle_url, tenant->lifecycle_url) ||
        known->removed)
        due |= PLAN_LOOK;
    return due;
}

void plan_make(struct plan *plan, const struct snapshot *snapshot,
               const struct settings *settings, const struct tenant *tenant)
{
    *plan = (struct plan){.tenant = tenant, .now = snapshot->now};
    for (size_t i = 0; i < snapshot->past_count; i++)
        if (strcmp(snapshot->pasts[i].tenant, tenant->name) == 0)
            plan->past = &snapshot->pasts[i];
    sort_rows(plan, snapshot, settings);
    sort_events(plan, snapshot);
    for (size_t i = 0; i < plan->count; i++)
        plan->due |= weigh_row(plan, &plan->all[i]);
    for (size_t i = 0; i < snapshot->refusal_count; i++)
        weigh_refusal(plan, &snapshot->refusals[i]);
    if (plan->past && plan->past->failed_at)
        plan->due |= PLAN_AGAIN;
    if (plan->past && plan->past->retry_at > plan->now &&
        plan->past->retry_at <= plan->now + PLAN_WAIT_MAX)
        plan->due = 0;
    /* To create: there was one before, and it may still be there. */
    plan->needs_list = plan->due & (PLAN_LOOK | PLAN_REPLACE) ||
                       (plan->due & PLAN_CREATE && plan->count > 0);
}

void plan_free(struct plan *plan)
{
    free(plan->all);
    free(plan->tasks);
}

bool plan_is_due(const struct plan *plan)
{
    return plan->due || plan->has_task;
}
