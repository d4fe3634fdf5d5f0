/* Lifecycle items: which can be worked off, and when. */
#include "base/guid.h"
#include "subscriptions/lifecycle.h"

#include "plan_world.h"

static const struct waiting {
    const char *name;
    const char *event;
    const char *id;
    int64_t renewed; /* ago */
    bool ended;
    bool waits; /* can be worked off without Graph */
} waitings[] = {
    {"missed", "missed", SUBSCRIPTION, HOUR, false, true},
    {"missed, of one that ended", "missed", SUBSCRIPTION, HOUR, true, true},
    {"of one that we do not know", "missed", STRANGE, HOUR, false, true},
    {"removed", "subscriptionRemoved", SUBSCRIPTION, HOUR, false, false},
    {"removed, and we know that it ended", "subscriptionRemoved", SUBSCRIPTION,
     HOUR, true, true},
    {"reauthorize", "reauthorizationRequired", SUBSCRIPTION, HOUR, false,
     false},
    {"reauthorize, renewed since", "reauthorizationRequired", SUBSCRIPTION, 0,
     false, true},
    {"an event of tomorrow", "unheardOf", SUBSCRIPTION, HOUR, false, true},
};

static void make(struct world *world, const struct waiting *waiting)
{
    struct row *row;

    make_world(world);
    row = add_row(world);
    row->renewed_at = NOW - waiting->renewed;
    row->ended_at = waiting->ended ? NOW - MINUTE : 0;
    memcpy(add_event(world, waiting->event)->subscription_id, waiting->id,
           GUID_SIZE);
    find(world);
}

TEST_EACH(some_wait, waitings, waiting)
{
    static struct world world;

    make(&world, waiting);
    assert_int_equal(world.plan.has_task, waiting->waits);
}

/* Without a database nothing can be written: true is "nothing was". */
static bool wrote_nothing(struct world *world, bool kept, bool renewed)
{
    return lifecycle_work_off(NULL, &world->plan, kept, renewed);
}

TEST_EACH(those_that_wait_are_marked, waitings, waiting)
{
    static struct world world;

    make(&world, waiting);
    assert_int_equal(wrote_nothing(&world, false, false), !waiting->waits);
}

TEST(the_others_when_their_time_comes)
{
    static struct world world;

    make(&world, &waitings[3]); /* removed */
    assert_true(wrote_nothing(&world, false, true));
    assert_false(wrote_nothing(&world, true, false));
    make(&world, &waitings[5]); /* reauthorize */
    assert_true(wrote_nothing(&world, true, false));
    assert_false(wrote_nothing(&world, false, true));
}

/* Another [tenant] of the same tenant_id works off its own. */
TEST(those_of_others_are_left)
{
    static struct world world;

    make_world(&world);
    two_tenants(&world);
    add_row(&world)->change_type = TEXT("created");
    add_event(&world, "missed");
    find(&world);
    assert_false(world.plan.has_task);
    assert_true(wrote_nothing(&world, true, true));
    world.settings.tenant_count = 1; /* nobody is left to do it */
    find(&world);
    assert_true(world.plan.has_task);
}
