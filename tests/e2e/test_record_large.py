"""Records that are too large for one statement: stored whole, step by step.

CALLHOOK_TEST_FULL=1: a town hall of 50,000 sessions as well."""

import contextlib
import json
import os
import subprocess
import time

import pytest

from graph.records_data import Maker, Shape
from support.call_records import new_id
from support.database import literal
from support.full import full_only
from support.project import SUPPORT
from support.record_store import TENANT, Store
from support.records_world import Peak, RecordsWorld
from support.service import wait_until

SESSIONS, PAGE, SEGMENTS = 130, 30, 2
TABLES = ("call_records", "participants", "sessions", "segments", "media",
          "streams", "report_calls", "report_legs", "report_streams",
          "report_sides")


def replace(database, function, returns, value):
    database.execute(
        f"CREATE OR REPLACE FUNCTION callhook_store.{function}() RETURNS "
        f"{returns} LANGUAGE sql AS 'SELECT {value}::{returns}'")


@contextlib.contextmanager
def replaced(database, function, returns, value):
    """In a database that other tests have, too."""
    [row] = database.query("SELECT pg_get_functiondef("
                           f"'callhook_store.{function}()'::regprocedure) AS d")
    replace(database, function, returns, value)
    yield
    database.execute(row["d"])


@pytest.fixture
def store(cluster):
    made = cluster.create_database()
    replace(made, "large_bytes", "bigint", 30_000)
    yield Store(made)
    cluster.drop_database(made.name)


class Large:
    """A version of a large record, and its reading, which has all pages."""

    def __init__(self, store, call_id, version, sessions=SESSIONS):
        self.store, self.call_id = store, call_id
        now = time.time()
        content = Maker(call_id, TENANT, 7, Shape(
            sessions=sessions, segments=SEGMENTS, participants=150), now - 7200,
            3600, version, now - 3600).content()
        pages = [content.sessions[start:start + PAGE]
                 for start in range(0, sessions, PAGE)]
        self.further = len(pages) - 1
        bodies = [{**content.head, "participants_v2": content.participants,
                   "sessions": pages[0],
                   "sessions@odata.nextLink": "https://graph/0"}]
        bodies += [{"value": page, "@odata.nextLink": f"https://graph/{n}"}
                   for n, page in enumerate(pages[1:], 1)]
        del bodies[-1]["@odata.nextLink"]
        bodies.append({"id": call_id, "version": version})
        steps = [("record", 1)] + [("sessions", n) for n in range(
            1, len(pages))] + [("record", 2)]
        self.reading = store.begin(call_id)
        for (kind, number), body in zip(steps, bodies):
            [taken] = store.call("take_pages", TENANT, json.dumps(
                [[call_id, self.reading, kind, number, False]]), body)
        assert taken["outcome"] == "large"

    def step(self, session, step, place):
        """A statement of the transaction; the step that comes next."""
        [line] = session.run(
            "SELECT step, place FROM callhook_store.take_large("
            f"'{TENANT}', '{self.call_id}', {self.reading}, '{step}', "
            f"{place})").split()
        step, place = line.split("|")
        return step, int(place)

    def steps(self, session):
        """All of them, as the renewer's role; those there were."""
        step, place, done = "begin", 0, []
        while step not in ("stored", "lost"):
            done.append(step)
            step, place = self.step(session, step, place)
        return done + [step]


def counts(store, call_id):
    """Rows of the call in each table, by one look."""
    [row] = store.database.query("SELECT " + ", ".join(
        f"(SELECT count(*) FROM callhook_store.{table} WHERE call_id = "
        f"{literal(call_id)}) AS {table}" for table in TABLES))
    return row


def verified(store):
    days = store.database.query("SELECT DISTINCT day FROM "
                                "callhook_store.report_calls")
    return [problem for row in days for problem in store.database.query(
        f"SELECT * FROM callhook_store.verify_reports('{row['day']}')")]


@pytest.mark.no_program
def test_each_statement_takes_a_page(store):
    """Nobody sees a part of it; its facts are those of one statement."""
    # No time is left for a second page, or for further sessions.
    replace(store.database, "is_time_over", "boolean", "true")
    call_id = new_id()
    large = Large(store, call_id, 1)
    with store.database.session("test_renewer") as session:
        session.run("BEGIN")
        done = large.steps(session)
        assert set(counts(store, call_id).values()) == {0}
        assert store.known(call_id)["record_state"] == "waiting"
        session.run("COMMIT")
    assert done.count("pages") == 1 + large.further
    assert done.count("streams") == 1 + SESSIONS // 100
    found = counts(store, call_id)
    assert (found["sessions"], found["segments"]) == (SESSIONS, SESSIONS * SEGMENTS)
    assert found["report_streams"] == found["streams"] == SESSIONS * SEGMENTS * 2
    assert found["report_sides"] == 0
    assert store.known(call_id)["record_state"] == "stored"
    assert store.known(call_id)["sessions"] == SESSIONS
    assert store.known(call_id)["participants"] == 150
    assert verified(store) == []
    numbers = store.database.query(
        "SELECT min(session_no), max(session_no), count(DISTINCT session_no) "
        f"AS n FROM callhook_store.sessions WHERE call_id = '{call_id}'")
    assert numbers == [{"min": 1, "max": SESSIONS, "n": SESSIONS}]


@pytest.mark.no_program
def test_a_newer_version_replaces_it_whole(store):
    """One that is interrupted leaves the version before, and begins anew."""
    call_id = new_id()
    with store.database.session("test_renewer") as session:
        for version in (1, 2):
            large = Large(store, call_id, version, 60 * version)
            before = counts(store, call_id)
            session.run("BEGIN")
            for step in ("begin", "remove", "pages"):
                large.step(session, step, 0)
            session.run("ROLLBACK")
            assert counts(store, call_id) == before
            session.run("BEGIN")
            assert large.steps(session)[-1] == "stored"
            assert counts(store, call_id) == before
            session.run("COMMIT")
            assert counts(store, call_id)["sessions"] == 60 * version
            assert store.known(call_id)["version"] == version
            assert verified(store) == []
    assert store.database.query(
        "SELECT DISTINCT reading_no FROM callhook_store.record_pages") == [
            {"reading_no": large.reading}]


@pytest.mark.no_program
def test_a_forgotten_person_is_in_none_of_its_pages(store):
    call_id = new_id()
    large = Large(store, call_id, 1)
    person = store.database.query(f"""
        SELECT DISTINCT i #>> '{{}}' AS id FROM callhook_store.record_pages,
            jsonb_path_query(body::jsonb, '$.value[*].caller.**.id') AS i
        WHERE call_id = '{call_id}' AND kind = 'sessions' AND page_no = 4
            AND jsonb_typeof(i) = 'string' LIMIT 1""")[0]["id"]
    assert person in store.database.dump()
    store.database.execute("INSERT INTO callhook_store.forgotten (id_sha256) "
                           "SELECT callhook_store.id_digest("
                           f"callhook_store.plain_id('{person}'))")
    with store.database.session("test_renewer") as session:
        session.run("BEGIN")
        assert large.steps(session)[-1] == "stored"
        session.run("COMMIT")
    assert person not in store.database.dump()


@pytest.mark.no_program
def test_a_reading_that_another_has_taken_over(store):
    call_id = new_id()
    large = Large(store, call_id, 1)
    store.begin(call_id)
    with store.database.session("test_renewer") as session:
        session.run("BEGIN")
        assert large.steps(session) == ["begin", "lost"]
        session.run("ROLLBACK")


@pytest.mark.no_program
def test_a_reading_that_another_takes_over_in_the_middle(store):
    """It ends at the next step, not after minutes."""
    call_id = new_id()
    large = Large(store, call_id, 1)
    with store.database.session("test_renewer") as session:
        session.run("BEGIN")
        assert large.step(session, "begin", 0) == ("remove", 0)
        store.begin(call_id)
        assert large.step(session, "remove", 0)[0] == "lost"
        session.run("ROLLBACK")


@pytest.mark.no_program
def test_a_claim_lasts_as_long_as_it_takes(store):
    call_id = new_id()
    reading = store.begin(call_id)
    for holder, claimed in ((reading, []), (reading - 1, [call_id])):
        store.database.execute("UPDATE callhook_store.calls "
                               "SET next_read_at = now() - interval '1 s'")
        store.call("keep_claim", TENANT, call_id, holder)
        assert [row["call_id"] for row in
                store.call("claim_calls", TENANT, 10)] == claimed


def stored_whole(store, large):
    with store.database.session("test_renewer") as session:
        session.run("BEGIN")
        assert large.steps(session)[-1] == "stored"
        session.run("COMMIT")


def retain_all(store, batch):
    """What each statement of retention says that it removed."""
    store.database.execute("""
        UPDATE callhook_store.calls
        SET filed_at = now() - interval '90 days', started_at = NULL,
            ended_at = NULL""")
    removed = batch
    while removed >= batch:
        removed = store.value("retain", 30, batch)
        yield removed


@pytest.mark.no_program
def test_retention_takes_it_in_pieces(store):
    call_id = new_id()
    stored_whole(store, Large(store, call_id, 1))
    left = [(removed, counts(store, call_id)["sessions"])
            for removed in retain_all(store, 50)]
    assert left == [(50, 80), (50, 30), (31, 0)]
    assert set(counts(store, call_id).values()) == {0}
    assert store.view("calls") == []


@pytest.mark.no_program
def test_sessions_count_in_a_batch_of_retention(store):
    """As calls do: a batch of large meetings is not a minute's work."""
    for _ in range(2):
        stored_whole(store, Large(store, new_id(), 1, 60))
    assert list(retain_all(store, 60)) == [61, 61, 0]


@pytest.mark.no_program
def test_one_that_retention_has_begun_with_is_read_anew(store):
    """Where something is heard of it, although its version is the same."""
    call_id = new_id()
    stored_whole(store, Large(store, call_id, 1))
    assert next(retain_all(store, 50)) == 50
    stored_whole(store, Large(store, call_id, 1))
    assert counts(store, call_id)["sessions"] == SESSIONS
    assert store.known(call_id)["sessions"] == SESSIONS


@pytest.mark.no_program
def test_a_step_ends_in_a_quarter_of_the_time(store):
    """That its statement may take."""
    with store.database.session() as session:
        for limit, over in (("14s", "f"), ("400ms", "t"), ("0", "f")):
            session.run(f"SET statement_timeout = '{limit}'")
            assert session.run(
                "SELECT callhook_store.is_time_over() FROM (SELECT "
                "pg_sleep(0.15) OFFSET 0) AS s").split() == [over]


@pytest.mark.world(kind=RecordsWorld, quota="off")
@pytest.mark.subscribed
def test_the_renewer_stores_one(world, tenant):
    """And its newer version."""
    world.database.execute(
        f"ALTER DATABASE {world.database.name} SET track_functions = 'pl'")
    replace(world.database, "large_bytes", "bigint", 30_000)
    call = world.happen(tenant, sessions=130, participants=140)
    world.read_all(tenant)
    assert world.state(call) == "stored"
    world.assert_whole(call)
    world.records.change(call)
    world.tell(tenant, call)
    world.read_all(tenant)
    assert world.version(call) == call.version == 2
    world.assert_whole(call)
    assert verified(world.store(tenant)) == []
    calls = {row["funcname"]: row["calls"] for row in world.database.query(
        "SELECT funcname, calls FROM pg_stat_user_functions "
        "WHERE funcname IN ('end_large', 'take_large', 'keep_claim')")}
    assert calls["end_large"] == 2
    assert calls["keep_claim"] == calls["take_large"] >= 2 * 8


def sessions_of_renewers(world, condition="true"):
    return world.database.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        f"AND usename = 'test_renewer' AND {condition}")


@pytest.mark.world(kind=RecordsWorld, quota="off")
@pytest.mark.subscribed
def test_a_renewer_that_dies_in_the_middle(world, tenant):
    """Nothing of it is there, and a later run begins anew."""
    store = world.store(tenant)
    with replaced(world.database, "large_bytes", "bigint", 30_000):
        call = world.happen(tenant, sessions=130, participants=140)
        with world.database.session() as session:
            session.run("BEGIN; LOCK TABLE callhook_store.report_people "
                        "IN EXCLUSIVE MODE")
            process = world.renewer.start("run")
            wait_until(lambda: sessions_of_renewers(
                world, "wait_event_type = 'Lock' AND query ~ 'take_large'"),
                "the step that waits")
            process.kill()
            process.communicate()
            session.run("ROLLBACK")
        wait_until(lambda: not sessions_of_renewers(world),
                   "the end of its transaction")
        assert set(counts(store, call.id).values()) == {0}
        assert world.state(call) == "waiting"
        world.make_due(tenant)
        world.read_all(tenant)
    assert world.state(call) == "stored"
    world.assert_whole(call)


@pytest.fixture
def alarms(folder):
    """What makes a renewer write its alarms down, and the file."""
    library, path = folder / "alarms.so", folder / "alarms"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC",
                    "-o", library, SUPPORT / "alarms.c"], check=True)
    yield {"LD_PRELOAD": library, "ALARMS": path,
           "ASAN_OPTIONS": "verify_asan_link_order=0"}, path
    path.unlink(missing_ok=True)


@pytest.mark.world(kind=RecordsWorld, quota="off")
def test_two_large_records_at_once(world, alarms):
    """One at a time, for there is one watchdog to stop. It goes on with what
    it had left."""
    environment, path = alarms
    tenants = [world.add(), world.add()]
    world.quiet()
    # The first session keeps the lock: a second beside it fails.
    alone = ("1 / pg_try_advisory_lock(20011)::integer = 1 "
             "AND pg_sleep(0.1) IS NOT NULL")
    with replaced(world.database, "large_bytes", "bigint", 30_000), \
            replaced(world.database, "is_time_over", "boolean", f"({alone})"):
        calls = [world.happen(tenant, sessions=130, participants=140)
                 for tenant in tenants]
        for _ in calls:
            world.quiet(environment=environment)
            for tenant in tenants:
                world.make_due(tenant)
    assert [world.state(call) for call in calls] == ["stored", "stored"]
    for call in calls:
        world.assert_whole(call)
    alarms = [tuple(map(int, line.split()))
              for line in path.read_text().splitlines()]
    stopped = [(left, following) for (seconds, left), (following, _)
               in zip(alarms, alarms[1:]) if seconds == 0]
    assert len(stopped) == 2
    for left, following in stopped:
        assert 0 < left == following <= 50


def durations(world):
    """Seconds of the renewer's statements that took over one."""
    return [float(line.split("duration: ")[1].split(" ms")[0]) / 1000
            for line in world.database.cluster.log().splitlines()
            if "duration: " in line and "callhook_store." in line]


@full_only
@pytest.mark.world(kind=RecordsWorld, quota="off")
@pytest.mark.subscribed
def test_a_town_hall_of_fifty_thousand_sessions(world, tenant):
    """833 pages, over several runs; no statement takes over 14 s."""
    world.database.execute("ALTER SYSTEM SET log_min_duration_statement = "
                           "'1s'")
    world.database.execute("SELECT pg_reload_conf()")
    call = world.happen(tenant, sessions=50_000, segments=3,
                        participants=10_000)
    call.newest()
    runs = seconds = peak = 0
    while runs == 0 or world.state(call) != "stored":
        assert (runs := runs + 1) < 60
        done = Peak(world, "run")
        done.quiet()
        world.make_due(tenant)
        seconds, peak = seconds + done.seconds, max(peak, done.bytes)
    assert runs > 1
    assert world.count("sessions", call) == 50_000
    assert world.count("segments", call) == 150_000
    longest = max(durations(world), default=0)
    print(f"{runs} runs, {seconds:.0f} s, longest statement {longest:.1f} s, "
          f"{peak >> 20} MiB")
    assert longest < 14
