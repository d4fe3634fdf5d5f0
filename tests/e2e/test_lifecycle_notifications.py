"""Lifecycle items that the receiver stored: worked off by the next run."""

import time

import pytest

from support.world import HOUR, MINUTE, seconds_of

pytestmark = pytest.mark.subscribed


def say(world, tenant, event, **changes):
    """Graph says it of the tenant's subscription, and the receiver stores."""
    [entry] = world.live(tenant)
    assert world.double.lifecycle(entry, event, **changes) == 202
    return entry


def handled(world, tenant):
    """(event, whether it has been worked off), in the order of arrival."""
    rows = world.database.query(f"""
        SELECT n.lifecycle_event, h.notification_id IS NOT NULL AS handled
        FROM callhook_store.notifications AS n
        LEFT JOIN callhook_store.lifecycle_handled AS h USING (notification_id)
        WHERE n.tenant_id = '{tenant.tenant_id}'
        ORDER BY n.notification_id""")
    return [(row["lifecycle_event"], row["handled"]) for row in rows]


def test_reauthorization_is_one_patch(world, tenant):
    world.pass_time(HOUR)
    entry = say(world, tenant, "reauthorizationRequired")
    say(world, tenant, "reauthorizationRequired")
    world.quiet()
    assert world.asked()[-1] == "patch"
    assert world.one(tenant) is entry
    assert entry.renewals == 1
    assert handled(world, tenant) == [("reauthorizationRequired", True)] * 2
    assert world.asks() == []
    assert world.gaps(tenant) == []
    assert world.double.asked("reauthorize") == []


def test_reauthorization_at_most_once_in_ten_minutes(world, tenant):
    """Short-lived subscriptions get a stream of them."""
    world.pass_time(HOUR)
    entry = say(world, tenant, "reauthorizationRequired")
    world.quiet()
    assert entry.renewals == 1
    for _ in range(9):
        world.pass_time(MINUTE)
        say(world, tenant, "reauthorizationRequired")
        world.quiet()
    assert entry.renewals == 1
    world.pass_time(MINUTE)
    world.quiet()
    assert entry.renewals == 2
    assert all(done for _, done in handled(world, tenant))


def test_reauthorization_that_fails_is_tried_again(world, tenant):
    world.pass_time(HOUR)
    entry = say(world, tenant, "reauthorizationRequired")
    world.double.fail("patch", status=403)
    world.failing(tenant.name, "renew subscription", "HTTP 403")
    assert handled(world, tenant) == [("reauthorizationRequired", False)]
    world.quiet()
    assert entry.renewals == 1
    assert handled(world, tenant) == [("reauthorizationRequired", True)]


def test_it_was_removed(world, tenant):
    world.pass_time(HOUR)
    entry = say(world, tenant, "subscriptionRemoved")
    world.double.remove(entry)
    made = world.kept(tenant)
    assert made is not entry
    assert handled(world, tenant) == [("subscriptionRemoved", True)]
    world.assert_covered(tenant)
    gaps = world.gaps(tenant)
    assert all(gap["ends_at"] for gap in gaps)
    # It begins with the last moment that it was seen, an hour ago.
    assert min(seconds_of(gap["begins_at"]) for gap in gaps) \
        < time.time() - HOUR + 5
    world.asked()
    assert world.asks() == []
    assert world.gaps(tenant) == gaps


def test_it_was_said_to_be_removed_and_lives(world, tenant):
    world.pass_time(HOUR)
    entry = say(world, tenant, "subscriptionRemoved")
    assert world.kept(tenant) is entry
    assert entry.renewals == 1
    assert handled(world, tenant) == [("subscriptionRemoved", True)]
    world.quiet()
    assert len(world.live(tenant)) == 1


def test_some_were_missed(world, tenant):
    """A gap row; Graph is not asked."""
    world.pass_time(HOUR)
    entry = say(world, tenant, "missed")
    assert world.asks() == []
    assert world.one(tenant) is entry
    [gap] = world.gaps(tenant)
    [item] = world.notifications(tenant)
    assert abs(seconds_of(gap["ends_at"])
               - seconds_of(item["received_at"])) <= 1
    assert seconds_of(gap["begins_at"]) \
        <= seconds_of(item["received_at"]) - HOUR
    assert gap["closed_at"] is None
    world.quiet()
    assert len(world.gaps(tenant)) == 1
    assert handled(world, tenant) == [("missed", True)]


def test_events_that_nobody_knows(world, tenant):
    say(world, tenant, "unheardOf")
    assert world.asks() == []
    assert handled(world, tenant) == [("unheardOf", True)]
    assert world.gaps(tenant) == []


def test_late_events_of_one_that_is_gone(world, tenant):
    entry = say(world, tenant, "missed")
    world.double.remove(entry)
    world.pass_time(2 * HOUR)
    world.quiet()
    gaps = len(world.gaps(tenant))
    # Its secret is good for a day; what it says is of no use any more.
    assert world.double.lifecycle(entry, "subscriptionRemoved") == 202
    assert world.double.lifecycle(entry, "reauthorizationRequired") == 202
    made = world.one(tenant)
    world.asked()
    assert world.asks() == []
    assert world.one(tenant) is made
    assert len(world.gaps(tenant)) == gaps
    assert all(done for _, done in handled(world, tenant))


def test_events_of_another_tenant(world, tenant):
    """Each sees to its own."""
    other = world.add()
    world.quiet()
    world.pass_time(HOUR)
    say(world, tenant, "reauthorizationRequired")
    assert world.kept(tenant).renewals == 1
    assert world.one(other).renewals == 0


def test_without_a_database_they_wait(world, tenant):
    world.pass_time(HOUR)
    say(world, tenant, "missed")
    assert world.run(environment={"PGHOST": "/nowhere"}).status == 1
    assert handled(world, tenant) == [("missed", False)]
    world.quiet()
    assert handled(world, tenant) == [("missed", True)]
