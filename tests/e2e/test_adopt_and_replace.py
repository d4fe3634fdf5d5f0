"""callhook-renewer run: which subscriptions it keeps, adopts, replaces."""

import dataclasses
import time
import uuid

import pytest

from support.world import DAY, HOUR, MINUTE, seconds_of


# -- own ones, foreign ones, several ---------------------------------------

def test_the_answer_of_a_creation_was_lost(world, tenant):
    world.double.fail("create", lost=True)
    world.quiet()
    assert world.asked().count("create") == 1
    entry = world.one(tenant)
    call_id = world.notify(entry)
    assert world.notifications(tenant)[0]["call_id"] == call_id
    assert len(world.rows(tenant)) == 1


def test_the_answer_was_lost_and_the_list_is_late(world, tenant):
    """No second one: the next run adopts it when the list shows it."""
    world.double.fail("create", lost=True)
    world.double.fail("list", after=1, hide=True)
    world.failing(tenant.name, "create subscription")
    [entry] = world.live(tenant)
    assert world.kept(tenant) is entry
    world.notify(entry)
    assert len(world.notifications(tenant)) == 1
    assert world.double.asked("create")[1:] == []


def test_graph_said_500_and_did_it(world, tenant):
    world.double.fail("create", status=500, worked=True)
    world.notify(world.kept(tenant))
    assert world.asked().count("create") == 1
    assert len(world.notifications(tenant)) == 1


def test_the_answer_was_lost_and_nothing_was_made(world, tenant):
    world.double.fail("create", close=True)
    done = world.run()
    assert done.status == 1
    assert world.live(tenant) == []
    world.notify(world.kept(tenant))


def test_a_conflict_with_our_own(world, tenant):
    """The list did not show it: 409, and then it does."""
    entry = world.kept(tenant)
    world.database.execute("DELETE FROM callhook_store.subscriptions "
                           f"WHERE tenant_id = '{tenant.tenant_id}'")
    world.double.fail("list", hide=True)
    world.quiet()
    # Its secret was not known: another one is in its place.
    made = world.one(tenant)
    assert made is not entry
    world.notify(made)
    assert len(world.notifications(tenant)) == 1


def test_a_conflict_with_a_foreign_one(world, tenant):
    foreign = world.double.plant(tenant.tenant_id, tenant.client_id)
    line = world.failing(tenant.name, "create subscription", foreign.id)
    assert f"callhook-renewer unsubscribe {tenant.name} {foreign.id}" in line
    assert foreign in world.live(tenant)
    assert all(row["ended_at"] for row in world.rows(tenant))
    world.silently_failing()
    assert foreign.renewals == 0
    assert world.double.asked("delete") == []
    done = world.run("unsubscribe", tenant.name, foreign.id)
    assert done.status == 0
    assert world.kept(tenant) is not foreign


def test_foreign_ones_are_never_touched(world, tenant):
    foreign = world.double.plant(
        tenant.tenant_id, tenant.client_id, change_type="created",
        notification_url=world.url)
    other = world.double.plant(tenant.tenant_id, str(uuid.uuid4()))
    world.quiet()
    world.pass_time(3 * HOUR)
    world.quiet()
    live = world.live(tenant)
    assert foreign in live and other in live and len(live) == 3
    assert foreign.renewals == other.renewals == 0


@pytest.mark.parametrize("resource", ["/communications/callRecords",
                                      "Communications/callrecords"])
def test_our_duplicate_is_deleted(world, tenant, resource):
    """Graph may take "/X" for another than "x"; we do not."""
    entry = world.kept(tenant)
    double = world.double.plant(
        tenant.tenant_id, tenant.client_id, notification_url=world.url,
        resource=resource, seconds=2 * DAY)
    world.pass_time(2 * HOUR)
    assert world.kept(tenant) is entry
    assert double.removed_at is not None
    assert world.gaps(tenant) == []                 # there was one always


def test_one_with_an_unknown_secret(world, tenant):
    """Our URL, and no row: its items cannot be trusted."""
    planted = world.double.plant(tenant.tenant_id, tenant.client_id,
                                 notification_url=world.url,
                                 client_state="unknown")
    entry = world.kept(tenant)
    assert entry is not planted
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is not None and gap["tenant"] == tenant.name
    world.notify(entry)
    assert len(world.notifications(tenant)) == 1


def test_the_case_of_the_configuration(world):
    tenant = world.add(resource="Communications/CALLRECORDS")
    world.quiet()
    world.asked()
    tenant.keys["resource"] = "communications/callRecords"
    assert world.asks() == []
    world.one(tenant)


# -- other URLs ------------------------------------------------------------

def test_urls_that_graph_writes_otherwise(world):
    """In small letters, as libraries for URLs do: they are the same."""
    tenant = world.add(
        notification_url=world.url.replace("127.0.0.1", "LOCALHOST"))

    def in_small_letters(said):
        for one in said.get("value", [said]):
            for name in ("notificationUrl", "lifecycleNotificationUrl"):
                one[name] = one[name].lower()

    for endpoint in ("create", "list", "patch"):
        world.double.fail(endpoint, edit=in_small_letters, times=None)
    world.quiet()
    [entry] = world.live(tenant)
    world.asked()
    assert world.asks() == []
    world.pass_time(2 * HOUR)
    assert world.asks() == ["token", "list", "patch"]
    assert world.live(tenant) == [entry]
    assert world.gaps(tenant) == []


def test_another_notification_url(world, tenant):
    entry = world.kept(tenant)
    world.asked()
    tenant.keys["notification_url"] = world.url + "?2"
    tenant.keys["lifecycle_url"] = world.url
    assert world.asks() == ["list", "patch"]
    assert world.one(tenant) is entry
    assert entry.notification_url == world.url + "?2"
    world.notify(entry)
    assert len(world.notifications(tenant)) == 1
    assert world.asks() == []
    assert world.gaps(tenant) == []


def test_another_lifecycle_url(world, tenant):
    """No PATCH can change it: delete, create, and a gap between them."""
    entry = world.kept(tenant)
    world.asked()
    tenant.keys["lifecycle_url"] = world.url + "?lifecycle"
    assert world.asks() == ["list", "delete", "create"]
    made = world.one(tenant)
    assert made is not entry
    assert made.lifecycle_url == world.url + "?lifecycle"
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is not None
    world.assert_covered(tenant)
    assert world.asks() == []


def test_both_urls_change(world, tenant):
    """notification_url alone in the configuration: both are another."""
    world.quiet()
    world.asked()
    tenant.keys["notification_url"] = world.url + "?2"
    made = world.kept(tenant)
    assert made.lifecycle_url == made.notification_url == world.url + "?2"
    world.assert_covered(tenant)
    assert world.double.moments_with_two(tenant.tenant_id) == []


def test_a_url_that_nobody_answers(world, tenant):
    entry = world.kept(tenant)
    tenant.keys["notification_url"] = "http://127.0.0.1:9/"
    tenant.keys["lifecycle_url"] = world.url
    world.failing(tenant.name, "renew subscription", "HTTP 400",
                  "ValidationError", "request-id")
    assert world.live(tenant) == [entry]            # as it was
    assert entry.notification_url == world.url


# -- what Graph does not show ----------------------------------------------

def test_a_404_that_is_not_true(world, tenant):
    entry = world.kept(tenant)
    world.pass_time(3 * HOUR)
    world.double.fail("patch", status=404)
    assert world.kept(tenant) is entry
    assert entry.renewals == 1
    assert world.gaps(tenant) == []


def test_a_404_that_stays_although_it_is_there(world, tenant):
    """It is shown and cannot be renewed: no second one beside it."""
    entry = world.kept(tenant)
    world.pass_time(3 * HOUR)
    world.double.fail("patch", status=404, times=None)
    world.run()
    assert world.double.moments_with_two(tenant.tenant_id) == []
    world.double.clear_faults()
    world.run()
    world.quiet()
    assert len(world.live(tenant)) == 1
    assert entry.live(time.time()) or world.gaps(tenant)
    world.assert_covered(tenant)


def test_it_was_removed(world, tenant):
    entry = world.kept(tenant)
    world.pass_time(2 * HOUR)
    world.quiet()
    world.pass_time(HOUR)
    world.double.remove(entry)
    world.pass_time(HOUR)
    assert world.kept(tenant) is not entry
    [gap] = world.gaps(tenant)
    # From the last moment that Graph showed it to the 201 of its successor.
    assert abs(seconds_of(gap["ends_at"])
               - seconds_of(gap["begins_at"]) - 2 * HOUR) < 5
    assert abs(seconds_of(gap["ends_at"]) - time.time()) < 5
    assert gap["closed_at"] is None
    world.assert_covered(tenant)
    world.quiet()
    assert len(world.gaps(tenant)) == 1


def test_it_ran_out(world, tenant):
    """No cron for three days."""
    entry = world.kept(tenant)
    world.pass_time(3 * DAY)
    assert world.live(tenant) == []
    assert world.kept(tenant) is not entry
    world.assert_covered(tenant)
    assert len(world.gaps(tenant)) == 1


def test_no_successor_for_hours(world, tenant):
    """The gap is open as long as Graph lets us make none."""
    world.quiet()
    world.pass_time(HOUR)
    world.double.remove(world.one(tenant))
    world.double.fail("create", status=403, times=None)
    for _ in range(4):
        world.pass_time(HOUR)
        world.run()
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is None
    world.double.clear_faults()
    world.kept(tenant)
    [gap] = world.gaps(tenant)
    assert abs(seconds_of(gap["ends_at"]) - time.time()) < 5
    assert seconds_of(gap["begins_at"]) <= time.time() - 5 * HOUR + 5
    world.assert_covered(tenant)
    # Those that were announced in vain are not waited for.
    assert sum(row["ended_at"] is None for row in world.rows(tenant)) == 1


def test_those_announced_in_vain_are_forgotten(world, tenant):
    """After the day for which a secret stays good; a run is every minute."""
    entry = world.kept(tenant)
    world.double.fail("create", status=403, times=None)
    world.double.remove(entry)
    for _ in range(3):
        world.pass_time(13 * HOUR)
        world.run()
    assert [row["subscription_id"] for row in world.rows(tenant)] == [
        entry.id, None, None]


def test_the_very_first_one_is_late(world, tenant):
    """Before it there was nothing to miss: no gap."""
    world.double.fail("create", status=403, times=2)
    world.failing(tenant.name)
    world.pass_time(HOUR)
    world.run()
    world.pass_time(HOUR)
    world.kept(tenant)
    assert world.gaps(tenant) == []


def test_an_entry_that_the_list_misses(world, tenant):
    """It is asked for itself before another one is made."""
    entry = world.kept(tenant)
    world.asked()
    world.pass_time(2 * HOUR)
    world.double.fail("list", hide=True)
    assert world.kept(tenant) is entry
    assert "get" in world.asked()
    assert entry.renewals == 1
    assert world.gaps(tenant) == []


def test_expired_ones_in_the_list(world, tenant):
    world.double.subscriptions.expired_stay_seconds = 10 * DAY
    first = world.kept(tenant)
    world.pass_time(4 * DAY)
    assert world.kept(tenant) is not first
    world.pass_time(2 * HOUR)
    world.quiet()
    world.assert_covered(tenant)
    assert len(world.gaps(tenant)) == 1


def test_a_list_of_many_pages(world, tenant):
    world.double.subscriptions.page_size = 3
    for number in range(10):
        world.double.plant(
            tenant.tenant_id, tenant.client_id,
            resource="communications/callRecords?$filter=participants/"
                     f"any(p:p/id eq '{number}')")
    world.quiet()
    assert world.asked().count("list") == 4
    entry = world.live(tenant)[-1]
    world.pass_time(2 * HOUR)
    world.quiet()
    assert entry.renewals == 1
    assert len(world.live(tenant)) == 11


def test_a_page_on_another_host(world, tenant):
    world.quiet()
    world.pass_time(2 * HOUR)
    world.double.fail("list", elsewhere=True)
    line = world.failing(tenant.name, "list subscriptions")
    assert "host" in line
    assert world.double.journal.elsewhere == []     # no token went there
    world.quiet()


# -- a database that is not the one we wrote to -----------------------------

def refuse(world, entry, **changes):
    """The receiver refuses an item of it, and has noted that."""
    assert world.double.notify(entry, **changes) == 202
    # It writes its notes once a minute: this is what it would write.
    world.database.execute(
        "SELECT callhook_store.add_refusals("
        f"ARRAY['{entry.id}']::uuid[], ARRAY['{entry.tenant_id}']::uuid[], "
        "ARRAY['secret'], ARRAY[1])", "test_receiver")


def age(world, tenant, change):
    """The tenant's row becomes one of yesterday."""
    world.database.execute(
        f"UPDATE callhook_store.subscriptions SET {change}, announced_at = "
        "announced_at - interval '1 day' "
        f"WHERE tenant_id = '{tenant.tenant_id}'")


def test_refused_items_of_ours(world, tenant):
    """A database restored from yesterday holds the secret of yesterday."""
    entry = world.kept(tenant)
    age(world, tenant, "secret_sha256 = sha256('before')")
    refuse(world, entry)
    assert world.notifications(tenant) == []
    done = world.run("-v", "run")
    assert done.status == 0
    assert "its items were refused" in done.stderr
    assert entry.removed_at is not None
    made = world.one(tenant)
    world.notify(made)
    assert len(world.notifications(tenant)) == 1
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is not None
    assert "refused" in gap["reason"]
    world.asked()
    assert world.asks() == []
    assert len(world.gaps(tenant)) == 1


def test_one_replacement_a_day(world, tenant):
    """Who goes on to send under our ids gets no second one."""
    entry = world.kept(tenant)
    world.pass_time(HOUR)
    refuse(world, entry, clientState="stranger")
    assert world.run().status == 0
    made = world.one(tenant)
    assert made is not entry
    for _ in range(20):
        world.pass_time(HOUR)
        for _ in range(9):
            refuse(world, made, clientState="stranger")
        world.quiet()
    assert world.one(tenant) is made
    world.pass_time(5 * HOUR)
    refuse(world, made, clientState="stranger")
    assert world.run().status == 0
    assert world.one(tenant) is not made


def test_one_item_in_a_quiet_hour(world, tenant):
    """One that was trusted says that the secret is ours."""
    entry = world.kept(tenant)
    world.notify(entry)
    world.pass_time(3 * HOUR)
    world.quiet()
    world.asked()
    refuse(world, entry, clientState="stranger")
    world.quiet()
    assert world.asks() == []
    assert world.one(tenant) is entry
    assert world.gaps(tenant) == []


def test_made_up_ids_make_few_lists(world, tenant):
    world.kept(tenant)
    world.pass_time(HOUR)
    world.quiet()
    world.asked()
    lists = 0
    for _ in range(20):
        world.pass_time(MINUTE)
        refuse(world, dataclasses.replace(world.one(tenant),
                                          id=str(uuid.uuid4())))
        lists += world.asks().count("list")
    assert 1 <= lists <= 4


def test_refused_items_of_one_that_we_forgot(world, tenant):
    """Its row is gone: the list tells, and it is replaced."""
    entry = world.kept(tenant)
    age(world, tenant, f"subscription_id = '{uuid.uuid4()}'")
    refuse(world, entry)
    made = world.kept(tenant)
    assert made is not entry and entry.removed_at is not None
    world.notify(made)
    assert len(world.notifications(tenant)) == 1
    assert all(gap["ends_at"] for gap in world.gaps(tenant))
    world.asked()
    assert world.asks() == []


def test_a_stranger_cannot_make_us_work(world, tenant):
    """Items with our id and a wrong secret beside good ones: nothing."""
    entry = world.kept(tenant)
    world.pass_time(HOUR)
    world.asked()
    refuse(world, entry, clientState="stranger")
    world.notify(entry)
    assert world.asks() == []
    world.pass_time(5 * MINUTE)
    refuse(world, entry, clientState="stranger")
    assert world.asks() == []


@pytest.mark.parametrize("odd", ["", "%5C' or p/id eq '\\\\\\x5cé"])
def test_a_gap_of_a_long_resource_is_noted(world, odd):
    """A filter names many persons: a line of renewer.conf has 4,000 bytes."""
    people = " or ".join(f"p/id eq '{uuid.uuid4()}{odd}'" for _ in range(50))
    tenant = world.add(resource="communications/callRecords?$filter="
                                f"participants/any(p:{people})")
    world.double.remove(world.kept(tenant))
    world.pass_time(3 * HOUR)
    world.double.fail("create", status=503)
    world.run()
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is None
    world.run()                         # the same one lasts
    world.kept(tenant)
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is not None
