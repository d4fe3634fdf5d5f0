"""Records that are too large for one statement: stored whole, step by step.

CALLHOOK_TEST_FULL=1: a town hall of 50,000 sessions as well."""

import json
import time

import pytest

from graph.records_data import Maker, Shape
from support.call_records import new_id
from support.database import literal
from support.full import full_only
from support.record_store import TENANT, Store
from support.records_world import RecordsWorld

SESSIONS, PAGE, SEGMENTS = 130, 15, 2
TABLES = ("call_records", "participants", "sessions", "segments", "media",
          "streams", "report_calls", "report_legs", "report_streams")


def replace(database, function, returns, value):
    database.execute(
        f"CREATE OR REPLACE FUNCTION callhook_store.{function}() RETURNS "
        f"{returns} LANGUAGE sql AS 'SELECT {value}::{returns}'")


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
            large.step(session, "begin", 0)
            large.step(session, "pages", 0)
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
    calls = world.database.query(
        "SELECT calls FROM pg_stat_user_functions "
        "WHERE funcname = 'end_large'")
    assert calls == [{"calls": 2}]


@full_only
@pytest.mark.world(kind=RecordsWorld, quota="off")
@pytest.mark.subscribed
def test_a_town_hall_of_fifty_thousand_sessions(world, tenant):
    """833 pages, over several runs; no statement takes over 14 s."""
    world.database.execute("ALTER SYSTEM SET log_min_duration_statement = "
                           "'14s'")
    world.database.execute("SELECT pg_reload_conf()")
    call = world.happen(tenant, sessions=50_000, segments=3,
                        participants=10_000)
    call.newest()
    runs = 0
    while world.state(call) != "stored":
        assert (runs := runs + 1) < 60
        done = world.run("run", seconds=600)
        assert (done.status, done.stderr) == (0, "")
        world.make_due(tenant)
    assert runs > 1
    assert world.count("sessions", call) == 50_000
    assert world.count("segments", call) == 150_000
    assert "duration:" not in world.database.cluster.log()
