"""The logs of phone calls: read daily, and joined to call records."""

import os
import uuid

import pytest

from graph.journal import read_instant
from support.records_world import RecordsWorld
from support.world import DAY, HOUR, seconds_of

FULL = os.environ.get("CALLHOOK_TEST_FULL") == "1"
LOGS = {"pstn": "pstn_calls", "direct_routing": "direct_routing_calls"}

pytestmark = pytest.mark.world(kind=RecordsWorld, pstn="on", records="off")


@pytest.fixture
def tenant(world):
    """Its logs are still empty; its day began hours ago, and goes on.

    A day that has just begun would begin again where pass_time() moves what
    was read before it.
    """
    while True:
        tenant_id = str(uuid.uuid4())
        [row] = world.database.query(f"""
            SELECT now() - upper(callhook_store.listable('{tenant_id}',
                'pstn')) BETWEEN interval '2 hours' AND interval '12 hours'
                AS good""")
        if row["good"]:
            return world.add(tenant_id=tenant_id)


def add(world, log, tenant, begin, **details):
    make = {"pstn": world.logs.add_pstn,
            "direct_routing": world.logs.add_direct_routing}[log]
    return make(tenant, begin, **details)


def stored(world, log, tenant):
    return world.database.query(
        f"SELECT * FROM callhook.{LOGS[log]} WHERE tenant_id = "
        f"'{tenant.tenant_id}' ORDER BY start_date_time", "test_reader")


def ids(rows):
    return [row["id"] for row in rows]


@pytest.mark.parametrize("log", LOGS)
def test_the_rows_are_stored(world, tenant, log):
    now = world.double.clock.now()
    rows = [add(world, log, tenant, now - age)
            for age in (3 * DAY, 30 * HOUR)]
    world.quiet()
    found = stored(world, log, tenant)
    assert ids(found) == ids(rows)
    for row, made in zip(found, rows):
        assert row["user_id"] == made["userId"]
        assert row["caller_number"] == made["callerNumber"]
        assert row["duration_seconds"] == made["duration"]
        assert abs(seconds_of(row["start_date_time"])
                   - read_instant(made["startDateTime"])) < 0.001
        assert row.get("failure_date_time") is None     # "never"
        assert row["extra"] is None


def test_once_a_day(world, tenant):
    world.quiet()
    asked = len(world.double.asked("pstn"))
    assert asked >= 1
    assert len(world.double.asked("direct_routing")) == asked
    world.pass_time(HOUR)
    world.quiet()
    assert len(world.double.asked("pstn")) == asked
    begin = world.double.clock.now() - 2 * HOUR
    row = world.logs.add_pstn(tenant, begin)
    world.pass_time(DAY)
    world.quiet()
    assert len(world.double.asked("pstn")) > asked
    assert ids(stored(world, "pstn", tenant)) == [row["id"]]


def test_a_row_that_changes(world, tenant):
    """It comes late or again: read again for some days, and never twice."""
    row = world.logs.add_pstn(tenant, world.double.clock.now() - 2 * DAY)
    world.quiet()
    row["charge"] = 12.34
    late = world.logs.add_pstn(tenant, world.double.clock.now() - 1.5 * DAY)
    world.pass_time(DAY)
    world.quiet()
    found = stored(world, "pstn", tenant)
    assert ids(found) == [row["id"], late["id"]]
    assert float(found[0]["charge"]) == 12.34


def test_every_page(world, tenant):
    world.logs.page = 10
    begin = world.double.clock.now() - 2 * DAY
    for number in range(25):
        for log in LOGS:
            add(world, log, tenant, begin + number)
    world.quiet()
    for log in LOGS:
        assert len(stored(world, log, tenant)) == 25


def test_a_window_that_is_too_long_is_cut(world, tenant):
    """A log of many pages is read in several windows."""
    world.logs.page = 10
    now = world.double.clock.now()
    for number in range(160):
        for log in LOGS:
            add(world, log, tenant, now - 60 * DAY + number * 9 * HOUR)
    world.renewer.settings["quota"] = "off"
    world.quiet()
    for log in LOGS:
        assert len(stored(world, log, tenant)) == 160
    asked = len(world.double.asked("pstn"))
    assert asked > 16
    world.pass_time(HOUR)
    world.quiet()
    assert len(world.double.asked("pstn")) == asked


def test_the_next_run_goes_on(world, tenant):
    """Not from the beginning, if a run has not come to a log's end."""
    now = world.double.clock.now()
    world.logs.add_pstn(tenant, now - 30 * DAY)
    row = world.logs.add_pstn(tenant, now - 10 * DAY)
    world.quiet()
    world.database.execute("DELETE FROM callhook_store.pstn_calls WHERE "
                           f"tenant_id = '{tenant.tenant_id}'")
    world.database.execute(f"""
        UPDATE callhook_store.listings SET ends_at = now() - interval '20 days'
        WHERE tenant_id = '{tenant.tenant_id}' AND list = 'pstn'""")
    world.quiet()
    assert ids(stored(world, "pstn", tenant)) == [row["id"]]
    asked = len(world.double.asked("pstn"))
    world.quiet()
    assert len(world.double.asked("pstn")) == asked


@pytest.mark.skipif(not FULL, reason="takes half a minute")
def test_a_log_leaves_time_for_records(folder, site):
    """However long it is; and it gets on with each run."""
    with RecordsWorld(folder, site, records="on", pstn="on") as world:
        world.double.phone_logs.page = 10
        tenant = world.subscribed()
        world.pass_time(2 * DAY)
        now = world.double.clock.now()
        for number in range(300):
            world.double.phone_logs.add_pstn(
                tenant, now - 6 * DAY + number * 1000)
        call = world.happen(tenant)
        reached = []
        for _ in range(4):
            world.quiet()
            [row] = world.database.query(f"""
                SELECT sum(extract(epoch FROM ends_at - begins_at))::bigint AS n
                FROM callhook_store.listings WHERE list = 'pstn'
                  AND tenant_id = '{tenant.tenant_id}'
                  AND listed_at > now() - interval '1 day'""")
            reached.append(row["n"])
        assert world.state(call) == "stored"
        assert sorted(set(reached)) == reached, "it gets on"


def test_nothing_lies_between_two_windows(world, tenant):
    """Rows at each full hour and day, whatever the windows' ends are."""
    now = world.double.clock.now()
    midnight = now - now % DAY
    begins = [midnight - hour * HOUR for hour in range(0, 120)]
    for begin in begins:
        for log in LOGS:
            add(world, log, tenant, begin)
    world.quiet()
    for log in LOGS:
        assert len(stored(world, log, tenant)) == len(begins)


def test_no_token_goes_to_another_host(world, tenant):
    world.logs.page = 10
    world.logs.elsewhere = True
    begin = world.double.clock.now() - 2 * DAY
    for number in range(12):
        world.logs.add_pstn(tenant, begin + number)
    world.failing(tenant.name)
    assert world.double.journal.elsewhere == []


@pytest.mark.parametrize("trouble", [
    {"status": 403}, {"malformed": True}, {"status": 500}], ids=str)
def test_a_log_that_fails(world, tenant, trouble):
    """It is told, the other log is read, and it is tried again."""
    begin = world.double.clock.now() - 2 * DAY
    for log in LOGS:
        add(world, log, tenant, begin)
    world.double.fail("pstn", times=None, **trouble)
    done = world.run()
    assert done.status == 1 and tenant.name in done.stderr
    assert len(stored(world, "direct_routing", tenant)) == 1
    world.double.clear_faults()
    world.pass_time(2 * HOUR)
    world.run()
    assert len(stored(world, "pstn", tenant)) == 1


def test_off_by_default(folder, site):
    with RecordsWorld(folder, site) as world:
        tenant = world.add()
        world.quiet()
        assert world.double.asked("pstn", tenant.tenant_id) == []
        assert world.double.asked("direct_routing", tenant.tenant_id) == []


def test_the_leg_of_a_call(world, tenant):
    """By the correlation id: exact."""
    world.quiet()
    call = world.happen(tenant)
    row = world.logs.add_direct_routing(tenant, call.begin,
                                        correlationId=call.id)
    world.pass_time(DAY)
    world.quiet()
    [leg] = world.database.query(
        "SELECT * FROM callhook.call_legs WHERE leg_id = "
        f"'{row['id']}'", "test_reader")
    assert (leg["call_id"], leg["match"]) == (call.id, "correlation")
