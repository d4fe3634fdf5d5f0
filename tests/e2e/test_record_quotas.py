"""Graph's quotas for call records: none exceeded, and all of it used.

The double complains of a request too many. CALLHOOK_TEST_FULL=1: as long as a
run may last, and the quotas of one record and of the list as well."""

import time

import pytest

from graph.journal import instant_text
from support.full import FULL
from support.records_world import RecordsWorld
from support.world import DAY, HOUR

SECONDS = 35 if FULL else 10
ALLOWED = 75                    # records a second: 1,500 in 20 s
WINDOW = 20

pytestmark = pytest.mark.world(kind=RecordsWorld)


def most_in_a_window(times):
    """The most requests in any 20 s."""
    most, start = 0, 0
    for end, at in enumerate(times):
        while times[start] <= at - WINDOW:
            start += 1
        most = max(most, end - start + 1)
    return most


def test_the_quota_of_a_tenant(world, capsys):
    tenant = world.subscribed()
    count = ALLOWED * SECONDS
    calls = [world.records.add(tenant, form="bare") for _ in range(count)]
    world.tell(tenant, *calls)
    world.read_all(tenant)
    times = sorted(entry.time for entry in world.double.requests
                   if entry.endpoint in ("record", "sessions",
                                         "participants"))
    share = (len(times) - 1) / (times[-1] - times[0]) / ALLOWED
    with capsys.disabled():
        print(f"\n{len(times)} requests for {count} records: "
              f"{share:.1%} of the quota, {most_in_a_window(times)} in 20 s",
              flush=True)
    assert len(world.versions_of(tenant)) == count
    assert world.double.violations == []
    assert most_in_a_window(times) <= WINDOW * ALLOWED
    # The run's own beginning takes its part of so short a time.
    assert share >= (0.95 if FULL else 0.9)


def test_two_sections_of_one_tenant(world):
    """They share the quota; Graph counts in a shorter window here."""
    one = world.subscribed()
    world.add(tenant_id=one.tenant_id, client_id=one.client_id,
              resource="communications/callRecords",
              change_type="created,updated")
    limit = world.double.limits["record"]
    limit.seconds, limit.app_in_tenant = 4, 330
    calls = [world.records.add(one, form="bare") for _ in range(700)]
    world.tell(one, *calls)
    world.quiet()
    assert len(world.versions_of(one)) == len(calls)
    assert world.double.violations == []


def test_a_record_of_more_pages_than_a_run_may_ask_for(world):
    """The next run goes on, and the others are read all the same."""
    tenant = world.subscribed()
    world.records.session_page = 1
    long = world.happen(tenant, sessions=100)
    world.quiet("run")
    assert world.state(long) == "waiting"
    assert world.count("sessions", long) == 0
    read = len(world.double.asked("sessions"))
    assert 70 <= read < 80
    world.pass_time(30)
    world.quiet("run")
    assert world.state(long) == "stored"
    assert len(world.double.asked("sessions")) == 99
    world.assert_whole(long)


@pytest.mark.skipif(not FULL, reason="it waits for 20 s and more")
def test_the_quota_of_a_record(world):
    """A meeting of more pages than a record may be asked for in 20 s."""
    tenant = world.subscribed()
    world.records.session_page = 5
    call = world.happen(tenant, sessions=300)
    begun = time.monotonic()
    world.read_all(tenant)
    assert world.state(call) == "stored"
    assert time.monotonic() - begun > 15
    world.assert_whole(call)


@pytest.mark.skipif(not FULL, reason="it waits for 20 s and more")
def test_the_quota_of_the_list(world):
    tenant = world.subscribed(records="off")
    world.records.list_page = 5
    now = world.double.clock.now()
    for number in range(5 * 60):
        world.records.add(tenant, begin=now - HOUR - number)
    done = world.run("reconcile", tenant.name, "--since",
                     instant_text(now - DAY, 0), seconds=120)
    assert (done.status, done.stderr) == (0, "")
    assert world.completeness(tenant)["listed"] == 5 * 60


@pytest.mark.skipif(not FULL, reason="it waits for more than a minute")
def test_the_quota_of_the_logs(world):
    """Not even by a run after a run that found no end."""
    world.renewer.settings["pstn"] = "on"
    world.double.phone_logs.page = 1
    tenant = world.add()
    begin = world.double.clock.now() - DAY - HOUR
    for number in range(60):
        world.double.phone_logs.add_pstn(tenant, begin + number)
    for _ in range(2):
        world.run(seconds=120)
    assert len(world.double.asked("pstn", tenant.tenant_id)) > 12


@pytest.mark.world(kind=RecordsWorld, records="on", reconcile="on", pstn="on")
@pytest.mark.parametrize("endpoint", ["records", "pstn", "record"])
def test_a_time_to_wait_outlives_the_run(world, endpoint):
    """The next run comes a minute later; the other steps go on meanwhile."""
    tenant = world.subscribed()
    world.pass_time(25 * HOUR)          # each list and log is due again
    world.double.fail(endpoint, status=429, retry_after=300)
    world.happen(tenant)
    done = world.run("run")
    assert (done.status, "429" in done.stderr) == (1, True), done
    asked = len(world.double.asked(endpoint))
    late = world.happen(tenant)
    world.make_due(tenant)
    world.quiet()
    assert len(world.double.asked(endpoint)) == asked
    assert (world.state(late) == "stored") == (endpoint != "record")
    world.pass_time(301)
    world.make_due(tenant)
    world.quiet()
    assert len(world.double.asked(endpoint)) > asked
    assert world.state(late) == "stored"
    assert world.double.violations == []


@pytest.mark.parametrize("far", [86400, 99999999999])
def test_a_record_waits_no_longer_than_the_others(world, far):
    """Graph's mistake must not cost more than an hour, as for lists."""
    tenant = world.subscribed()
    world.double.fail("record", status=429, retry_after=far)
    call = world.happen(tenant)
    assert world.run("run").status == 1
    world.double.journal._not_before.clear()
    world.pass_time(HOUR + 1)
    world.quiet()
    assert world.state(call) == "stored"
