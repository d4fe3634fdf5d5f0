/* What is due for a tenant, from what the database says. */
#include "due.h"

#include <stddef.h>

#include "names.h"

/* Graph documentation: lifecycle events, one PATCH in 10 minutes. */
#define REAUTHORIZE_SECONDS 600

/* A stranger's refused items must not make us ask Graph all the time. */
#define LOOK_AGAIN_SECONDS 600

bool due_is_wanted(const struct tenant *tenant, const struct row *row)
{
    return names_same_resource(row->resource, tenant->resource) &&
           names_same_change_type(row->change_type, tenant->change_type);
}

const struct row *due_row_of(const struct row *rows, size_t count,
                             const char *id)
{
    while (count-- > 0)
        if (strcmp(rows[count].id, id) == 0)
            return &rows[count];
    return NULL;
}

bool due_event_asks(const struct event *event, const struct row *row)
{
    return strcmp(event->name, "reauthorizationRequired") == 0 &&
           strcmp(event->subscription_id, row->id) == 0 &&
           event->received_at >= row->renewed_at;
}

/*
 * Renewals are spread over the life that Graph granted: the first well before
 * half of it is over, so that a second one is left if it fails.
 */
static bool is_time_to_renew(const struct duty *duty, const struct row *row)
{
    int64_t granted = row->expires_at - row->renewed_at;
    int64_t wait = duty->tenant->renew_every_minutes * 60;
    int64_t age = duty->now - row->renewed_at;

    if (wait > granted * 2 / 5)
        wait = granted * 2 / 5;
    return age >= wait || age < 0;
}

static bool events_ask(const struct duty *duty, const struct row *row)
{
    if (duty->now - row->renewed_at < REAUTHORIZE_SECONDS)
        return false;
    for (size_t i = 0; i < duty->event_count; i++)
        if (due_event_asks(&duty->events[i], row))
            return true;
    return false;
}

bool due_says_removed(const struct duty *duty, const char *id)
{
    for (size_t i = 0; i < duty->event_count; i++)
        if (strcmp(duty->events[i].name, "subscriptionRemoved") == 0 &&
            strcmp(duty->events[i].subscription_id, id) == 0)
            return true;
    return false;
}

static unsigned due_of_live(const struct duty *duty, const struct row *row)
{
    const struct tenant *tenant = duty->tenant;
    unsigned due = 0;

    if (is_time_to_renew(duty, row) || events_ask(duty, row))
        due |= DUE_RENEW;
    if (strcmp(row->notification_url, tenant->notification_url) != 0)
        due |= DUE_MOVE;
    if (strcmp(row->lifecycle_url, tenant->lifecycle_url) != 0 ||
        due_says_removed(duty, row->id))
        due |= DUE_LOOK;
    return due;
}

/*
 * Items of a subscription that we know are refused, and none is trusted: its
 * secret is not the one that we know. Items of one that we do not know may be
 * of one that we forgot (a database restored from yesterday): Graph's list
 * will tell.
 */
static void weigh_refusal(struct duty *duty, const struct refusal *refusal)
{
    for (size_t i = 0; i < duty->row_count; i++) {
        const struct row *row = &duty->rows[i];

        if (strcmp(row->id, refusal->subscription_id) != 0)
            continue;
        if (!row->ended_at && !refusal->trusted_since &&
            refusal->last_at > row->announced_at + 60) {
            duty->due |= DUE_REPLACE;
            duty->refused_id = row->id;
            duty->refused_at = refusal->first_at;
        }
        return;
    }
    if (strcmp(refusal->tenant_id, duty->tenant->tenant_id) != 0)
        return;
    if (!duty->past || refusal->first_at >= duty->past->last_run_at ||
        (refusal->last_at >= duty->past->last_run_at &&
         duty->now - duty->past->last_run_at > LOOK_AGAIN_SECONDS))
        duty->due |= DUE_LOOK;
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

static void find_parts(struct duty *duty, const struct knowledge *knowledge)
{
    const char *tenant_id = duty->tenant->tenant_id;

    duty->rows =
        knowledge->rows +
        find_part(knowledge->rows, knowledge->row_count, sizeof(struct row),
                  offsetof(struct row, tenant_id), tenant_id, &duty->row_count);
    duty->events =
        knowledge->events + find_part(knowledge->events, knowledge->event_count,
                                      sizeof(struct event),
                                      offsetof(struct event, tenant_id),
                                      tenant_id, &duty->event_count);
    for (size_t i = 0; i < knowledge->past_count; i++)
        if (strcmp(knowledge->pasts[i].tenant, duty->tenant->name) == 0)
            duty->past = &knowledge->pasts[i];
}

bool due_needs_list(const struct duty *duty)
{
    if (duty->due & (DUE_LOOK | DUE_REPLACE))
        return true;
    /* There was one before, and it may still be there. */
    return duty->due & DUE_CREATE && duty->row_count > 0;
}

bool due_is_orphan(const struct settings *settings, const struct row *row)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].tenant_id, row->tenant_id) == 0 &&
            due_is_wanted(&settings->tenants[i], row))
            return false;
    return true;
}

/* Weighs one row; returns whether it is a live subscription of the tenant's. */
static bool weigh_row(struct duty *duty, const struct settings *settings,
                      const struct row *row)
{
    bool wanted = due_is_wanted(duty->tenant, row);

    if (row->ended_at)
        return false;
    if (wanted && *row->id) {
        duty->due |= due_of_live(duty, row);
        return true;
    }
    /* Did Graph take what we announced? Is one left of another resource? */
    if (wanted || (*row->id && due_is_orphan(settings, row)))
        duty->due |= DUE_LOOK;
    return false;
}

void due_find(struct duty *duty, const struct knowledge *knowledge,
              const struct settings *settings, const struct tenant *tenant)
{
    size_t live = 0;

    *duty = (struct duty){.tenant = tenant, .now = knowledge->now};
    find_parts(duty, knowledge);
    for (size_t i = 0; i < duty->row_count; i++)
        live += weigh_row(duty, settings, &duty->rows[i]);
    if (live != 1)
        duty->due |= live ? DUE_LOOK : DUE_CREATE;
    for (size_t i = 0; i < knowledge->refusal_count; i++)
        weigh_refusal(duty, &knowledge->refusals[i]);
    if (duty->past && duty->past->retry_at > duty->now)
        duty->due = 0;
}
