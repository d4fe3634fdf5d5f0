/* What is due for a tenant. */
#include "base/guid.h"
#include "plan_world.h"

TEST(nothing_for_a_fresh_one)
{
    static struct world world;

    make_world(&world);
    add_row(&world);
    assert_int_equal(find(&world), 0);
    assert_int_equal(world.plan.count, 1);
    assert_int_equal(world.plan.now, NOW);
    assert_null(world.plan.past);
}

TEST(a_new_one_where_there_is_none)
{
    static struct world world;

    make_world(&world);
    assert_int_equal(find(&world), PLAN_CREATE);
    add_row(&world)->ended_at = NOW - MINUTE;
    assert_int_equal(find(&world), PLAN_CREATE);
}

/* What was announced may have become one: look, and make one if not. */
TEST(a_look_after_an_announcement)
{
    static struct world world;
    struct row *row;

    make_world(&world);
    row = add_row(&world);
    *row->id = '\0';
    assert_int_equal(find(&world), PLAN_CREATE | PLAN_LOOK);
    add_row(&world);
    assert_int_equal(find(&world), PLAN_LOOK);
}

TEST(a_look_where_two_live)
{
    static struct world world;

    make_world(&world);
    add_row(&world);
    memcpy(add_row(&world)->id, STRANGE, GUID_SIZE);
    assert_int_equal(find(&world), PLAN_LOOK);
}

/* Rows, the oldest first: each a letter of "live, Announced, ended, Other". */
static const struct standing {
    const char *name;
    const char *rows;
    unsigned due;
    bool needs_list;
    const char *announced_no; /* rows are numbered from 1 */
    const char *only;         /* its number */
    bool was_alive;
} standings[] = {
    {"no row", "", PLAN_CREATE, false, NULL, NULL, false},
    {"one lives", "l", 0, false, NULL, "1", true},
    {"one has ended", "e", PLAN_CREATE, true, NULL, NULL, true},
    {"one has ended, the next lives", "el", 0, false, NULL, "2", true},
    {"one is announced", "A", PLAN_CREATE | PLAN_LOOK, true, "1", NULL, false},
    {"one has ended, one is announced", "eA", PLAN_CREATE | PLAN_LOOK, true,
     "2", NULL, true},
    {"two are announced", "AA", PLAN_CREATE | PLAN_LOOK, true, NULL, NULL,
     false},
    {"one lives, one is announced", "lA", PLAN_LOOK, true, "2", NULL, true},
    {"two live", "ll", PLAN_LOOK, true, NULL, NULL, true},
    {"only an orphan", "O", PLAN_CREATE | PLAN_LOOK, true, NULL, NULL, false},
    {"one lives beside an orphan", "lO", PLAN_LOOK, true, NULL, "1", true},
};

TEST_EACH(rows_are_sorted, standings, standing)
{
    static struct world world;

    make_world(&world);
    for (const char *kind = standing->rows; *kind; kind++) {
        struct row *row = add_row(&world);

        snprintf(row->no, sizeof(row->no), "%d",
                 (int)(kind - standing->rows) + 1);
        row->id[0] = (char)('a' + (kind - standing->rows));
        if (*kind == 'A')
            row->id[0] = '\0';
        if (*kind == 'A')
            row->alive_at = 0;
        if (*kind == 'e')
            row->ended_at = NOW - MINUTE;
        if (*kind == 'O')
            row->resource = TEXT("communications/onlineMeetings");
    }
    assert_int_equal(find(&world), standing->due);
    assert_int_equal(world.plan.needs_list, standing->needs_list);
    assert_int_equal(world.plan.last_alive_at, standing->was_alive ? NOW : 0);
    assert_int_equal(!world.plan.announced_no, !standing->announced_no);
    if (standing->announced_no)
        assert_string_equal(world.plan.announced_no, standing->announced_no);
    assert_int_equal(!world.plan.only, !standing->only);
    if (standing->only)
        assert_string_equal(world.plan.only->row->no, standing->only);
}

static const struct rhythm {
    const char *name;
    int64_t age;     /* since it was renewed */
    int64_t granted; /* from then on */
    long every;      /* renew_every_minutes */
    bool due;
} rhythms[] = {
    {"just renewed", 0, 70 * HOUR, 120, false},
    {"a second too early", 2 * HOUR - 1, 70 * HOUR, 120, false},
    {"its time", 2 * HOUR, 70 * HOUR, 120, true},
    {"long after its time", 69 * HOUR, 70 * HOUR, 120, true},
    {"expired", 71 * HOUR, 70 * HOUR, 120, true},
    {"another rhythm", 59 * MINUTE, 70 * HOUR, 60, false},
    {"another rhythm's time", 60 * MINUTE, 70 * HOUR, 60, true},
    {"a short life, early", 15 * MINUTE, 45 * MINUTE, 120, false},
    {"a short life, not half over", 22 * MINUTE, 45 * MINUTE, 120, true},
    {"a very short life", 5, 10, 120, true},
    {"a clock that went back", -MINUTE, 70 * HOUR, 120, true},
};

TEST_EACH(renewal_in_time, rhythms, rhythm)
{
    static struct world world;
    struct row *row;

    make_world(&world);
    world.tenants[0].renew_every_minutes = rhythm->every;
    row = add_row(&world);
    row->renewed_at = NOW - rhythm->age;
    row->expires_at = row->renewed_at + rhythm->granted;
    assert_int_equal(find(&world), rhythm->due ? PLAN_RENEW : 0);
}

TEST(a_move_to_another_url)
{
    static struct world world;

    make_world(&world);
    add_row(&world)->notification_url = TEXT("https://old.example.com/");
    assert_int_equal(find(&world), PLAN_MOVE);
    make_world(&world);
    add_row(&world)->lifecycle_url = TEXT("https://old.example.com/");
    assert_int_equal(find(&world), PLAN_LOOK); /* no PATCH can change it */
}

/* One of another resource is none of the tenant's, unless nobody wants it. */
TEST(what_is_wanted)
{
    static struct world world;
    struct row *row;

    make_world(&world);
    add_row(&world)->resource = TEXT("/COMMUNICATIONS/callrecords");
    assert_int_equal(find(&world), 0);
    row = add_row(&world);
    row->change_type = TEXT("created");
    assert_int_equal(find(&world), PLAN_LOOK);
    assert_true(world.plan.all[1].orphan);
    two_tenants(&world);
    assert_int_equal(find(&world), 0);
    assert_false(world.plan.all[1].orphan);
}

static const struct asking {
    const char *name;
    const char *event;
    const char *id;
    int64_t received; /* ago */
    int64_t renewed;  /* ago */
    unsigned due;
} askings[] = {
    {"reauthorize", "reauthorizationRequired", SUBSCRIPTION, 1, 20 * MINUTE,
     PLAN_RENEW},
    {"reauthorize, 10 minutes after a PATCH", "reauthorizationRequired",
     SUBSCRIPTION, 1, 10 * MINUTE, PLAN_RENEW},
    {"reauthorize, too soon after a PATCH", "reauthorizationRequired",
     SUBSCRIPTION, 1, 10 * MINUTE - 1, 0},
    {"reauthorize, renewed since", "reauthorizationRequired", SUBSCRIPTION,
     21 * MINUTE, 20 * MINUTE, 0},
    {"reauthorize another one", "reauthorizationRequired", STRANGE, 1,
     20 * MINUTE, 0},
    {"removed", "subscriptionRemoved", SUBSCRIPTION, 1, MINUTE, PLAN_LOOK},
    {"another one removed", "subscriptionRemoved", STRANGE, 1, MINUTE, 0},
    {"missed", "missed", SUBSCRIPTION, 1, MINUTE, 0},
    {"an event of tomorrow", "unheardOf", SUBSCRIPTION, 1, 20 * MINUTE, 0},
};

TEST_EACH(events_ask, askings, asking)
{
    static struct world world;
    struct event *event;

    make_world(&world);
    add_row(&world)->renewed_at = NOW - asking->renewed;
    event = add_event(&world, asking->event);
    event->received_at = NOW - asking->received;
    memcpy(event->subscription_id, asking->id, GUID_SIZE);
    assert_int_equal(find(&world), asking->due);
}

/* Its items are refused, and none is trusted: its secret is another. */
TEST(refusals_of_ours)
{
    static struct world world;
    struct refusal *refusal;

    make_world(&world);
    struct row *row = add_row(&world);
    refusal = add_refusal(&world, SUBSCRIPTION);
    assert_int_equal(find(&world), PLAN_REPLACE);
    assert_int_equal(world.plan.all[0].refused_at, NOW - 10 * MINUTE);
    refusal->trusted_since = true; /* somebody else tries our id */
    assert_int_equal(find(&world), 0);
    refusal->trusted_since = false;
    row->announced_at = refusal->last_at - MINUTE - 1;
    assert_int_equal(find(&world), PLAN_REPLACE);
    row->announced_at = refusal->last_at - MINUTE; /* it was in the making */
    assert_int_equal(find(&world), 0);
    row->announced_at = NOW - 24 * HOUR;
    row->ended_at = NOW - HOUR; /* late ones of one that is gone */
    assert_int_equal(find(&world), PLAN_CREATE);
}

/* A stranger who knows the id sends items: what we had shows that. */
TEST(refusals_beside_what_was_trusted)
{
    static struct world world;
    struct refusal *refusal;

    make_world(&world);
    add_row(&world);
    refusal = add_refusal(&world, SUBSCRIPTION);
    refusal->trusted = 1; /* in the day before */
    assert_int_equal(find(&world), 0);
    refusal->refused = 2;
    assert_int_equal(find(&world), 0);
    refusal->refused = 3;
    assert_int_equal(find(&world), PLAN_REPLACE);
    refusal->trusted = 10 * 24 * 6; /* ten in 10 minutes are usual */
    assert_int_equal(find(&world), 0);
    refusal->refused = 9;
    assert_int_equal(find(&world), 0);
    refusal->refused = 10;
    assert_int_equal(find(&world), PLAN_REPLACE);
    refusal->replaced_of_late = true;
    assert_int_equal(find(&world), 0);
}

/* One that we do not know may be one that the database forgot. */
TEST(refusals_of_an_unknown_one)
{
    static struct world world;
    struct refusal *refusal;
    struct past *past;

    make_world(&world);
    add_row(&world);
    refusal = add_refusal(&world, STRANGE);
    assert_int_equal(find(&world), PLAN_LOOK);
    past = add_past(&world, NOW - 15 * MINUTE);
    assert_int_equal(find(&world), PLAN_LOOK);
    past->last_run_at = NOW; /* that run has looked already */
    assert_int_equal(find(&world), 0);
    past->last_run_at = refusal->last_at;
    past->looked_at = NOW - 5 * MINUTE + 1; /* strangers have many ids */
    assert_int_equal(find(&world), 0);
    past->looked_at = NOW - 5 * MINUTE; /* it goes on: look again */
    assert_int_equal(find(&world), PLAN_LOOK);
    assert_true(world.plan.unknown);
    memcpy(refusal->tenant_id, OTHER_ID, GUID_SIZE);
    assert_int_equal(find(&world), 0);
}

/* It may have kept the subscription and still have left something undone. */
TEST(again_after_a_failure)
{
    static struct world world;

    make_world(&world);
    add_row(&world);
    add_past(&world, NOW - MINUTE)->failed_at = NOW - HOUR;
    assert_int_equal(find(&world), PLAN_AGAIN);
    assert_false(world.plan.needs_list);
    world.pasts[0].retry_at = NOW + 1;
    assert_int_equal(find(&world), 0);
}

TEST(nothing_before_a_time_to_wait_is_over)
{
    static struct world world;
    struct past *past;

    make_world(&world);
    past = add_past(&world, NOW - MINUTE);
    past->retry_at = NOW + 1;
    assert_int_equal(find(&world), 0);
    past->retry_at = NOW;
    assert_int_equal(find(&world), PLAN_CREATE);
    past->retry_at = NOW + PLAN_WAIT_MAX;
    assert_int_equal(find(&world), 0);
    past->retry_at = NOW + PLAN_WAIT_MAX + 1; /* a clock that went back */
    assert_int_equal(find(&world), PLAN_CREATE);
    assert_ptr_equal(world.plan.past, past);
}

/* Graph's list has a low limit: it is asked for only where it must be. */
TEST(who_needs_the_list)
{
    static struct world world;
    struct row *row;

    make_world(&world);
    find(&world);
    assert_false(world.plan.needs_list); /* there never was one */
    row = add_row(&world);
    row->renewed_at = NOW - 3 * HOUR;
    find(&world);
    assert_false(world.plan.needs_list); /* a PATCH will do */
    row->notification_url = TEXT("https://old.example.com/");
    find(&world);
    assert_false(world.plan.needs_list);
    row->ended_at = NOW;
    find(&world);
    assert_true(world.plan.needs_list); /* it may not have ended */
    row->ended_at = 0;
    add_event(&world, "subscriptionRemoved");
    find(&world);
    assert_true(world.plan.needs_list);
    world.snapshot.event_count = 0;
    add_refusal(&world, SUBSCRIPTION);
    find(&world);
    assert_true(world.plan.needs_list);
}

/* The arrays are ordered by tenant_id: each tenant sees its own part. */
TEST(parts_of_the_arrays)
{
    static struct world world;

    make_world(&world);
    memcpy(add_row(&world)->tenant_id, "01111111", 8);
    add_row(&world);
    add_row(&world);
    memcpy(add_row(&world)->tenant_id, OTHER_ID, GUID_SIZE);
    memcpy(add_event(&world, "missed")->tenant_id, "01111111", 8);
    add_event(&world, "missed");
    find(&world);
    assert_ptr_equal(world.plan.all[0].row, &world.rows[1]);
    assert_int_equal(world.plan.count, 2);
    assert_ptr_equal(world.plan.tasks[0].event, &world.events[1]);
    assert_int_equal(world.plan.task_count, 1);
    world.tenants[0].tenant_id = TEXT(OTHER_ID);
    assert_int_equal(find(&world), 0);
    assert_ptr_equal(world.plan.all[0].row, &world.rows[3]);
    assert_int_equal(world.plan.task_count, 0);
    world.tenants[0].tenant_id = TEXT("33333333-3333-3333-3333-333333333333");
    assert_int_equal(find(&world), PLAN_CREATE);
    assert_int_equal(world.plan.count, 0);
}
