"""Reading call records: every page, every version, every failure."""

import json
import time
import uuid

import pytest

from graph.journal import instant_text
from support.project import DATA
from support.records_world import RecordsWorld
from support.world import DAY, HOUR, MINUTE, seconds_of

SHAPES = [
    {}, {"form": "full"}, {"form": "bare", "participants": 0},
    {"form": "full", "late": True}, {"unknown": True},
    {"sessions": 3, "segments": 2, "media": 2, "streams": 3,
     "participants": 7},
]

pytestmark = [pytest.mark.world(kind=RecordsWorld), pytest.mark.subscribed]


def asked_for(world, call, endpoint="record"):
    """The requests for the record of a call."""
    return [entry for entry in world.double.asked(endpoint)
            if call.id in entry.path]


def fetch(world, tenant, *calls):
    return world.run("fetch", tenant.name, *[call.id for call in calls])


# -- what is stored --------------------------------------------------------

def test_a_notified_call_is_read(world, tenant):
    call = world.happen(tenant)
    world.quiet()
    known = world.known(call)
    assert known["record_state"] == "stored"
    assert (known["version"], known["notifications"]) == (1, 1)
    assert known["source"] == "notification"
    assert known["type"] == call.content.head["type"]
    assert (known["participants"], known["sessions"]) == (2, 1)
    assert world.assert_whole(call) > 50
    for entry in asked_for(world, call):
        assert entry.headers["prefer"] == "include-unknown-enum-members"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_value_is_stored(world, tenant, shape):
    call = world.happen(tenant, **shape)
    world.quiet()
    assert world.state(call) == "stored"
    if not shape.get("unknown"):
        world.assert_whole(call)
    assert world.count("sessions", call) == shape.get("sessions", 1)


def test_the_documented_record(world, tenant):
    sample = json.loads((DATA / "callrecord-p2p-expanded.json")
                        .read_text())
    people = json.loads((DATA
                         / "callrecord-p2p-participants-v2.json").read_text())
    sample["participants_v2"] = people["participants_v2"]
    call = world.happen(tenant, sample=sample)
    world.quiet()
    world.assert_whole(call)
    assert world.count("participants", call) == 2


@pytest.mark.parametrize("form", ["nulls", "empty", "old"])
def test_odd_forms_are_stored(world, tenant, form):
    call = world.happen(tenant, form=form)
    world.quiet()
    assert world.state(call) == "stored"
    if form == "old":               # the deprecated properties step in
        assert world.count("participants", call) == 2


def test_one_reading_for_many_notifications(world, tenant):
    call = world.happen(tenant, notified=5)
    world.quiet()
    assert world.known(call)["notifications"] == 5
    first = len(asked_for(world, call))
    world.quiet()
    assert len(asked_for(world, call)) == first
    world.tell(tenant, call)            # it may be a later version
    world.quiet()
    assert len(asked_for(world, call)) == 2 * first
    assert world.known(call)["notifications"] == 6


def test_records_off_keeps_ids_alone(world):
    tenant = world.subscribed(records="off")
    calls = [world.happen(tenant) for _ in range(3)]
    world.quiet()
    assert [world.state(call) for call in calls] == ["none"] * 3
    assert world.double.asked("record", tenant.tenant_id) == []
    [row] = world.database.query(f"""
        SELECT count(*) AS n FROM callhook_store.record_pages
        WHERE tenant_id = '{tenant.tenant_id}'""")
    assert row["n"] == 0


def test_switching_records_on_reads_what_is_known(world):
    tenant = world.subscribed(records="off")
    call = world.happen(tenant)
    world.quiet()
    tenant.keys["records"] = "on"
    world.quiet()
    assert world.state(call) == "stored"
    tenant.keys["records"] = "off"
    world.tell(tenant, call)
    before = len(asked_for(world, call))
    world.quiet()
    assert len(asked_for(world, call)) == before
    assert world.state(call) == "stored"        # what is there stays


def test_tenants_do_not_mix(world):
    one, other = world.add(), world.add()
    world.quiet()
    call_id = str(uuid.uuid4())
    calls = [world.happen(tenant, call_id=call_id, version=number)
             for number, tenant in enumerate((one, other), 1)]
    world.quiet()
    rows = world.database.query(
        "SELECT tenant_id, version FROM callhook.calls "
        f"WHERE call_id = '{call_id}' ORDER BY version", "test_reader")
    assert [tuple(row.values()) for row in rows] == [
        (call.tenant_id, call.version) for call in calls]


# -- pages -----------------------------------------------------------------

def test_a_record_of_many_pages(world, tenant):
    call = world.happen(tenant, sessions=125, segments=2, participants=300)
    world.quiet()
    assert world.state(call) == "stored"
    assert world.count("sessions", call) == 125
    assert world.count("segments", call) == 250
    assert world.count("participants", call) == 300
    world.assert_whole(call)
    assert len(world.double.asked("sessions")) == 2
    assert len(world.double.asked("participants")) >= 2


def test_a_version_that_rises_between_pages(world, tenant):
    """Never a record of two versions."""
    call = world.happen(tenant, sessions=200, participants=2)
    call.change_at = (2,)
    world.read_all(tenant)
    assert call.version == 2
    assert world.version(call) == 2
    names = world.database.query(
        "SELECT DISTINCT substring(caller_name FROM 'v[0-9]+$') AS v "
        f"FROM callhook.sessions WHERE call_id = '{call.id}'", "test_reader")
    assert names == [{"v": "v2"}]
    world.assert_whole(call)


def test_a_version_that_never_stands_still(world, tenant):
    """It does not keep a run, nor the quota, for itself."""
    call = world.happen(tenant, sessions=130)
    call.change_at = range(1, 1000)
    world.quiet()
    assert world.state(call) == "waiting"
    assert call.requests < 30
    call.change_at = ()
    world.pass_time(11 * MINUTE)
    world.quiet()
    assert world.version(call) == call.version
    world.assert_whole(call)


@pytest.mark.parametrize("endpoint", ["sessions", "participants"])
def test_no_token_goes_to_another_host(world, tenant, endpoint):
    world.records.elsewhere = {endpoint}
    call = world.happen(tenant, sessions=61, participants=131)
    done = world.run("run")
    assert done.status == 1
    assert world.double.journal.elsewhere == []
    assert world.state(call) != "stored"
    assert world.count("sessions", call) == 0
    assert world.failure(call)[1]
    # It stays visible, and is tried again.
    world.records.elsewhere = set()
    call.edition = None
    world.make_due(tenant)
    world.run("run")
    assert world.state(call) == "stored"


@pytest.mark.parametrize("trouble", [
    {"malformed": True}, {"body": b""}, {"body": b"[]"}, {"cut": True},
    {"body": b'{"id":"\xff"}'}, {"body": b'{"id":"\\u0000"}'},
    {"body": b"[" * 100000}, {"status": 503}, {"close": True},
    {"padding": 40 << 20}], ids=lambda trouble: str(trouble)[:30])
def test_a_page_in_trouble(world, tenant, trouble):
    """Nothing of it is shown, others are read, and it is read later."""
    calls = [world.happen(tenant) for _ in range(3)]
    world.double.fail("record", times=1, **trouble)
    world.run("run")
    states = [world.state(call) for call in calls]
    assert states.count("stored") >= 2, states
    world.make_due(tenant)
    world.run("run")
    assert [world.state(call) for call in calls] == ["stored"] * 3


def test_a_page_of_16_mebibytes(world, tenant):
    """The largest that is taken."""
    call = world.happen(tenant)
    world.double.fail("record", padding=(16 << 20) - 100000)
    world.quiet()
    assert world.state(call) == "stored"


# -- amid its pages --------------------------------------------------------

@pytest.fixture
def stopped(world, tenant):
    """A record of 9 pages whose reading stopped after the fourth."""
    world.records.session_page = 5
    call = world.happen(tenant, sessions=40, participants=131)
    world.double.fail("sessions", status=429, retry_after=300, after=3)
    assert world.run("run").status == 1
    assert world.state(call) == "waiting"
    assert world.count("sessions", call) == 0
    world.pass_time(400)
    return call


def test_a_reading_goes_on_where_it_stopped(world, stopped):
    world.quiet()
    assert world.state(stopped) == "stored"
    world.assert_whole(stopped)
    assert len(asked_for(world, stopped)) == 2      # at the end once more
    assert len(asked_for(world, stopped, "sessions")) == 7 + 1   # and the 429
    assert len(asked_for(world, stopped, "participants")) == 1


@pytest.mark.parametrize("told", [False, True])
def test_a_version_that_rises_between_runs(world, tenant, stopped, told):
    """Never a record of two versions; and no page too many if we know."""
    world.records.change(stopped)
    if told:
        world.tell(tenant, stopped)
    world.quiet()
    assert world.version(stopped) == 2
    world.assert_whole(stopped)
    assert len(asked_for(world, stopped)) == (3 if told else 4)
    assert len(asked_for(world, stopped, "sessions")) == (11 if told else 15)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_link_that_is_no_longer_good(world, stopped, status):
    """The record is read anew, in the same run."""
    world.double.fail("sessions", status=status)
    world.quiet()
    assert world.state(stopped) == "stored"
    world.assert_whole(stopped)
    assert len(asked_for(world, stopped)) == 3


def test_a_stored_link_to_another_host(world, stopped):
    world.database.execute(f"""
        UPDATE callhook_store.record_pages SET next = replace(next,
            '{world.double.graph_url}', '{world.double.other_url}')
        WHERE call_id = '{stopped.id}'""")
    world.quiet()
    assert world.double.journal.elsewhere == []
    assert world.state(stopped) == "stored"
    assert len(asked_for(world, stopped)) == 3


def test_fetch_begins_anew(world, tenant, stopped):
    done = fetch(world, tenant, stopped)
    assert (done.status, done.stderr) == (0, "")
    world.assert_whole(stopped)
    assert len(asked_for(world, stopped)) == 3


def test_one_relationship_in_a_request(world, tenant):
    """Graph's documentation promises no more."""
    world.records.one_expansion = True
    world.records.session_page = 5
    small = [world.happen(tenant) for _ in range(10)]
    large = world.happen(tenant, sessions=6, participants=131)
    world.quiet()
    for call in (*small, large):
        assert world.state(call) == "stored"
        world.assert_whole(call)
    statuses = [entry.status for entry in world.double.asked("record")]
    assert statuses.count(400) == 1
    assert statuses.count(200) == 2 * len(small) + 3
    assert len(asked_for(world, large, "sessions")) == 1
    assert len(asked_for(world, large, "participants")) == 1


def test_one_relationship_and_a_stop(world, tenant):
    world.records.one_expansion = True
    world.records.session_page = 5
    call = world.happen(tenant, sessions=12, participants=300)
    for endpoint in ("sessions", "participants"):
        world.double.fail(endpoint, status=429, retry_after=300, after=1)
        assert world.run("run").status == 1
        world.pass_time(400)
    world.quiet()
    assert world.state(call) == "stored"
    world.assert_whole(call)
    assert len(asked_for(world, call)) == 4         # once in vain


# -- not there -------------------------------------------------------------

def test_not_found_until_it_is_there(world, tenant):
    """Graph may take 150 minutes: that is no failure."""
    call = world.happen(tenant, misses=2)
    world.quiet()
    assert world.state(call) == "waiting"
    assert world.failure(call)[:2] == (404, "NotFound")
    before = len(asked_for(world, call))
    world.quiet()                       # not at every run
    assert len(asked_for(world, call)) == before
    for _ in range(2):
        world.make_due(tenant)
        world.quiet()
    assert world.state(call) == "stored"
    assert world.failure(call) == (None, None, None)


def test_the_wait_for_a_record(world, tenant):
    """Some minutes at first, then less and less often."""
    call = world.happen(tenant, misses=1000)

    def wait():
        world.make_due(tenant)
        world.quiet()
        [row] = world.database.query(
            "SELECT extract(epoch FROM next_read_at - now())::float AS n "
            f"FROM callhook_store.calls WHERE call_id = '{call.id}'")
        return row["n"]

    assert 50 < wait() <= 10 * 60
    world.age_database(3 * HOUR)
    assert 14 * 60 < wait() < HOUR
    world.age_database(10 * DAY)
    assert 2 * HOUR < wait() <= DAY
    assert world.state(call) == "waiting"


def test_gone_after_30_days(world, tenant):
    call = world.happen(tenant, misses=1000)
    world.quiet()
    world.age_database(31 * DAY)
    world.make_due(tenant)
    world.run("run")
    assert world.state(call) == "gone"
    before = len(asked_for(world, call))
    world.make_due(tenant)
    world.quiet()
    assert len(asked_for(world, call)) == before


def test_a_failure_is_visible(world, tenant):
    """Status, code and request id, in the view and in the status."""
    calls = [world.happen(tenant) for _ in range(3)]
    world.double.fail("record", status=403, after=1)
    assert world.run("run").status == 1
    [call] = [call for call in calls if world.state(call) == "failed"]
    status, code, request_id = world.failure(call)
    assert (status, code) == (403, "Forbidden")
    assert uuid.UUID(request_id)
    error = world.known(call)["record_error"]
    assert "403" in error and "Forbidden" in error
    world.make_due(tenant)
    world.run("run")
    assert world.state(call) == "stored"
    assert world.known(call)["record_error"] is None


def test_an_answer_that_is_none(world, tenant):
    """Whatever spoilt it, it may be whole in a minute."""
    call = world.happen(tenant)
    world.double.fail("record", malformed=True)
    assert world.run("run").status == 1
    assert world.state(call) == "waiting"
    world.pass_time(10 * MINUTE)
    world.quiet()
    assert world.state(call) == "stored"


@pytest.mark.parametrize("body", [b"null", b" [] ", b'"x"'])
def test_an_answer_that_is_json_but_no_record(world, tenant, body):
    """It is asked for once in a run, and another call is stored."""
    calls = [world.happen(tenant) for _ in range(2)]
    world.double.fail("record", body=body, after=1)
    assert world.run("run").status == 1
    states = {world.state(call): call for call in calls}
    assert sorted(states) == ["failed", "stored"]
    assert len(asked_for(world, states["failed"])) == 1


def test_tables_that_somebody_locks(world, tenant):
    """As forget_person() does, for long: the run ends and tries later."""
    calls = [world.happen(tenant) for _ in range(20)]
    with world.database.session() as session:
        session.run("BEGIN; LOCK TABLE callhook_store.forgotten "
                    "IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        world.run("run")
        assert time.monotonic() - begun < 20
        session.run("ROLLBACK")
    assert {world.state(call) for call in calls} == {"waiting"}
    world.pass_time(2 * MINUTE)
    world.quiet()
    assert {world.state(call) for call in calls} == {"stored"}


def test_where_nothing_may_be_read(world, tenant):
    """Without the role the tenant is at fault, and no record."""
    calls = [world.happen(tenant) for _ in range(50)]
    world.double.fail("record", status=403, times=None)
    world.failing(tenant.name, "403", "Forbidden")
    assert {world.state(call) for call in calls} == {"waiting"}
    assert len(world.double.asked("record")) < 40       # it gave up
    world.double.clear_faults()
    world.make_due(tenant)
    world.quiet()
    assert {world.state(call) for call in calls} == {"stored"}


def test_a_token_from_before_the_consent(world, tenant):
    """The role has been given since it was got: a new one reads them all."""
    calls = [world.happen(tenant) for _ in range(20)]
    world.pass_time(2 * MINUTE)
    world.make_due(tenant)
    world.double.fail("record", status=403)
    before = len(world.double.asked("token"))
    world.quiet()
    assert len(world.double.asked("token")) == before + 1
    assert {world.state(call) for call in calls} == {"stored"}


def test_a_token_that_ends_amid_the_reading(world, tenant):
    calls = [world.happen(tenant) for _ in range(20)]
    world.double.revoke(tenant.tenant_id)
    world.quiet()
    assert {world.state(call) for call in calls} == {"stored"}


def test_told_to_wait(world, tenant):
    """429 is no failure of the record; no request comes before its time."""
    calls = [world.happen(tenant) for _ in range(10)]
    world.double.fail("record", status=429, retry_after=2)
    world.run("run")
    world.make_due(tenant)
    world.run("run")
    assert {world.state(call) for call in calls} == {"stored"}


# -- versions --------------------------------------------------------------

def test_a_higher_version_replaces_the_old_one(world, tenant):
    call = world.happen(tenant, sessions=3)
    world.quiet()
    world.records.change(call, sessions=2, participants=5)
    world.tell(tenant, call)
    world.quiet()
    assert world.version(call) == 2
    assert world.count("sessions", call) == 2
    world.assert_whole(call)
    versions = world.database.query(
        "SELECT version FROM callhook_store.record_versions "
        f"WHERE call_id = '{call.id}' ORDER BY 1")
    assert versions == [{"version": 1}, {"version": 2}]


def test_an_older_version_never_replaces_a_newer_one(world, tenant):
    call = world.happen(tenant, version=3, sessions=2)
    world.quiet()
    world.records.change(call, version=2, sessions=5)
    world.tell(tenant, call)
    world.quiet()
    assert (world.version(call), world.count("sessions", call)) == (3, 2)


# -- the command -----------------------------------------------------------

def test_fetch(world, tenant):
    """Reads records at once, also those that nobody told of."""
    known = world.happen(tenant)
    unknown = world.happen(tenant, notified=0)
    world.quiet()
    world.records.change(known)
    done = fetch(world, tenant, known, unknown)
    assert (done.status, done.stderr) == (0, "")
    assert world.version(known) == 2
    assert world.state(unknown) == "stored"


def test_fetch_where_no_records_are_read(world):
    """What is not there is not waited for: nothing else reads it."""
    tenant = world.subscribed(records="off")
    call = world.happen(tenant, notified=0)
    absent = world.happen(tenant, notified=0, misses=1)
    assert fetch(world, tenant, call).status == 0
    done = fetch(world, tenant, absent)
    assert done.status == 1 and "404" in done.stdout
    assert (world.state(call), world.state(absent)) == ("stored", "none")
    assert world.completeness(tenant)["missing"] == 0


def test_fetch_reads_nothing_else(world, tenant):
    """Others that are due are left to the runs."""
    others = [world.happen(tenant) for _ in range(3)]
    world.database.query("SELECT callhook_store.fold_notifications()",
                         "test_renewer")
    call = world.happen(tenant, notified=0)
    done = fetch(world, tenant, call)
    assert (done.status, done.stderr) == (0, "")
    assert world.state(call) == "stored"
    assert [world.state(other) for other in others] == ["waiting"] * 3
    assert [asked_for(world, other) for other in others] == [[]] * 3


def test_all_records_of_a_time_are_read_again(world, tenant):
    """Changed or not, and those that only Graph's list tells of."""
    now = world.double.clock.now()
    early, inside = (world.happen(tenant, begin=now - age * DAY)
                     for age in (8, 5))
    world.quiet()
    unheard = world.happen(tenant, notified=0, begin=now - 5 * DAY)
    before = [len(asked_for(world, call)) for call in (early, inside)]
    done = world.run("reconcile", tenant.name, "--reread",
                     "--since", instant_text(now - 6 * DAY, 0),
                     "--until", instant_text(now - 4 * DAY, 0))
    assert (done.status, done.stderr) == (0, "")
    assert "2 records to be read again: done" in done.stdout
    assert len(asked_for(world, inside)) > before[1]
    assert len(asked_for(world, early)) == before[0]
    assert world.state(unheard) == "stored"
    assert world.completeness(tenant)["missing"] == 0


def test_fetch_says_what_failed(world, tenant):
    call = world.happen(tenant, notified=0, misses=1)
    done = fetch(world, tenant, call)
    assert done.status == 1
    assert "404" in done.stdout + done.stderr
    assert call.id in done.stdout + done.stderr
    assert world.state(call) == "none"
    assert world.completeness(tenant)["missing"] == 0


@pytest.mark.parametrize("arguments", [
    ["fetch"], ["fetch", "{tenant}"], ["fetch", "{tenant}", "no-guid"],
    ["fetch", "nobody", "00000000-0000-4000-8000-000000000000"]])
def test_fetch_wants_a_tenant_and_ids(world, tenant, arguments):
    done = world.run(*[text.format(tenant=tenant.name)
                       for text in arguments])
    assert done.status in (64, 78) and done.stderr
    assert world.double.asked("record", tenant.tenant_id) == []


def test_status_shows_the_backlog(world, tenant):
    for misses in (0, 1000, 1000, 1000):
        world.happen(tenant, misses=misses)
    world.quiet()
    done = world.run("status", "--json")
    [shown] = json.loads(done.stdout)["tenants"]
    assert (done.status, shown["ok"]) == (0, True)
    assert (shown["records_waiting"], shown["records_failed"],
            shown["records_gone"], shown["calls_missing"]) == (3, 0, 0, 3)
    since = seconds_of(shown["records_waiting_since"])
    assert -1 < time.time() - since < 60
    assert world.completeness(tenant)["missing"] == 3
    assert "- 3 calls wait for their records, the oldest came" \
        in world.run("status").stdout
    world.pass_time(31 * DAY)
    world.make_due(tenant)
    world.run()
    [shown] = json.loads(world.run("status", "--json").stdout)["tenants"]
    assert (shown["records_waiting"], shown["records_waiting_since"],
            shown["records_failed"], shown["records_gone"],
            shown["calls_missing"]) == (0, None, 0, 3, 0)
