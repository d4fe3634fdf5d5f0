/* A tenant and what the database says about it, for tests to change. */
#ifndef CALLHOOK_PLAN_WORLD_H
#define CALLHOOK_PLAN_WORLD_H

#include <stdio.h>

#include "subscriptions/plan.h"
#include "unit.h"

#define NOW 1800000000
#define MINUTE 60
#define HOUR 3600
#define TENANT_ID "11111111-1111-1111-1111-111111111111"
#define OTHER_ID "22222222-2222-2222-2222-222222222222"
#define SUBSCRIPTION "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define STRANGE "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"
#define NOTIFICATION "cccccccc-cccc-cccc-cccc-cccccccccccc"
#define RESOURCE "communications/callRecords"
#define URL "https://calls.example.com/callhook"
#define WORLD_ROOM 4

struct world {
    struct tenant tenants[2]; /* the second only with two_tenants() */
    struct settings settings;
    struct row rows[WORLD_ROOM];
    struct event events[WORLD_ROOM];
    struct refusal refusals[WORLD_ROOM];
    struct past pasts[1];
    struct snapshot snapshot;
    struct plan plan;
};

#define TEXT(pg_list) ((char *)(uintptr_t)(pg_list))

/* A live one, renewed just now, of 70 hours. */
static inline struct row *add_row(struct world *world)
{
    struct row *row = &world->rows[world->snapshot.row_count++];

    *row = (struct row){.no = "1",
                        .tenant_id = TENANT_ID,
                        .id = SUBSCRIPTION,
                        .resource = TEXT(RESOURCE),
                        .change_type = TEXT("updated"),
                        .notification_url = TEXT(URL),
                        .lifecycle_url = TEXT(URL),
                        .announced_at = NOW - 24 * HOUR,
                        .expires_at = NOW + 70 * HOUR,
                        .renewed_at = NOW,
                        .alive_at = NOW};
    return row;
}

static inline struct event *add_event(struct world *world, const char *name)
{
    struct event *event = &world->events[world->snapshot.event_count++];

    *event = (struct event){.notification_id = NOTIFICATION,
                            .tenant_id = TENANT_ID,
                            .subscription_id = SUBSCRIPTION,
                            .name = TEXT(name),
                            .received_at = NOW - MINUTE};
    return event;
}

static inline struct refusal *add_refusal(struct world *world, const char *id)
{
    struct refusal *refusal = &world->refusals[world->snapshot.refusal_count++];

    *refusal = (struct refusal){.tenant_id = TENANT_ID,
                                .first_at = NOW - 10 * MINUTE,
                                .last_at = NOW - MINUTE,
                                .refused = 1};
    snprintf(refusal->subscription_id, sizeof(refusal->subscription_id), "%s",
             id);
    return refusal;
}

static inline struct past *add_past(struct world *world, int64_t last_run_at)
{
    world->snapshot.past_count = 1;
    world->pasts[0] =
        (struct past){.tenant = TEXT("contoso"), .last_run_at = last_run_at};
    return &world->pasts[0];
}

/* In place: the parts point at each other. A world is static: zero at first. */
static inline void make_world(struct world *world)
{
    plan_free(&world->plan);
    *world = (struct world){0};
    world->tenants[0] = (struct tenant){.name = "contoso",
                                        .tenant_id = TEXT(TENANT_ID),
                                        .resource = TEXT(RESOURCE),
                                        .change_type = TEXT("updated"),
                                        .notification_url = TEXT(URL),
                                        .lifecycle_url = TEXT(URL),
                                        .lifetime_minutes = 4200,
                                        .renew_every_minutes = 120};
    world->settings =
        (struct settings){.tenants = world->tenants, .tenant_count = 1};
    world->snapshot = (struct snapshot){.rows = world->rows,
                                        .events = world->events,
                                        .refusals = world->refusals,
                                        .pasts = world->pasts,
                                        .now = NOW};
}

/* The second wants calls that were created, in the same tenant_id. */
static inline void two_tenants(struct world *world)
{
    world->tenants[1] = world->tenants[0];
    snprintf(world->tenants[1].name, sizeof(world->tenants[1].name), "other");
    world->tenants[1].change_type = TEXT("created");
    world->settings.tenant_count = 2;
}

static inline unsigned find(struct world *world)
{
    plan_free(&world->plan);
    plan_make(&world->plan, &world->snapshot, &world->settings,
              &world->tenants[0]);
    return world->plan.due;
}

#endif
