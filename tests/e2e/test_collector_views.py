"""What readers see of the collector itself: its receivers, tenants, refusals,
versions, pages, and notifications by the hour."""

import random
import uuid

import pytest

from support.call_records import copy_of, new_id, whole_record
from support.notification import NIL
from support.record_store import TENANT, Store, notification
from support.service import wait_until

OTHER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def store(database):
    return Store(database)


# --- Receivers ---

def receivers(database):
    return {row["host"]: row for row in database.query(
        "SELECT * FROM callhook.receivers", "test_reader")}


def minute(database, host, process, *, spool=0, oldest=None, stopped=False,
           seen="0 s"):
    """What a process says at the end of a minute, and how long ago."""
    database.execute(f"""
        SELECT callhook_store.add_minute(now(), '{host}', '{{1}}', '{{1}}',
            1, 0, {process}, {spool}, {oldest or 'NULL'}, {stopped})""",
        "test_receiver")
    database.execute(f"""
        UPDATE callhook_store.receivers
        SET last_seen_at = now() - interval '{seen}'
        WHERE host = '{host}' AND process = {process}""")


def states(database):
    return {host: row["state"] for host, row in receivers(database).items()}


def test_a_receiver_lives_until_nothing_is_heard_of_it(database):
    minute(database, "lives", 1, seen="170 s")
    minute(database, "died", 1, seen="181 s")
    minute(database, "ended", 1, stopped=True)
    assert states(database) == {"lives": "live", "died": "dead",
                                "ended": "stopped"}
    minute(database, "ended", 1)                # begun anew
    assert states(database)["ended"] == "live"


def test_several_processes_of_a_host(database):
    minute(database, "host", 1, stopped=True)
    minute(database, "host", 2, seen="1 minute", spool=7,
           oldest="'2026-01-01Z'")
    [host] = receivers(database).values()
    assert host["state"] == "live"
    assert host["spool_bytes"] == 7
    assert host["oldest_spooled_at"] == "2026-01-01T00:00:00+00:00"
    minute(database, "host", 2, stopped=True)
    minute(database, "host", 3, seen="1 hour")  # killed long before
    assert states(database) == {"host": "stopped"}


def test_who_is_gone_for_7_days_is_dropped(store):
    minute(store.database, "recent", 1, seen="6 days 23 hours")
    minute(store.database, "gone", 1, seen="7 days 1 hour")
    assert store.value("drop_gone_receivers") == 1
    assert states(store.database) == {"recent": "dead"}


def test_a_receiver_of_before_tells_nothing_of_itself(database):
    database.execute("SELECT callhook_store.add_minute(now(), 'h', '{1}', "
                     "'{1}', 1, 0)", "test_receiver")
    assert receivers(database) == {}
    assert database.query("SELECT 1 FROM callhook.receiver_minutes")


def test_a_start_and_a_clean_end_are_told_and_a_kill_is_not(launch, database):
    def wait_for(state):
        [row] = wait_until(lambda: [row for row in receivers(database).values()
                                    if row["state"] == state], state)
        assert (row["spool_bytes"], row["oldest_spooled_at"]) == (0, None)

    stopped = launch()
    wait_for("live")
    stopped.terminate()
    assert stopped.wait() == 0
    wait_for("stopped")
    killed = launch()
    wait_for("live")
    killed.kill()
    wait_for("live")


# --- Tenants, refusals ---

def test_tenants_and_refusals(database):
    database.execute(f"""
        INSERT INTO callhook_store.tenants (tenant, tenant_id, last_run_at,
            failed_at, failure, retry_at)
        VALUES ('contoso', '{TENANT}', '2026-01-01Z', '2026-01-02Z', 'why',
            '2026-01-03Z')""", "test_renewer")
    [row] = database.query("SELECT * FROM callhook.tenants", "test_reader")
    assert row == {"tenant": "contoso", "tenant_id": TENANT,
                   "last_run_at": "2026-01-01T00:00:00+00:00",
                   "failed_at": "2026-01-02T00:00:00+00:00",
                   "failure": "why",
                   "retry_at": "2026-01-03T00:00:00+00:00"}
    named = str(uuid.uuid4())
    database.execute(f"""
        SELECT callhook_store.add_refusals('{{{named}}}', '{{{NIL}}}',
            '{{secret}}', '{{3}}')""", "test_receiver")
    [row] = database.query("SELECT * FROM callhook.refusals", "test_reader")
    assert row.pop("first_at") == row.pop("last_at") is not None
    assert row == {"tenant_id": None, "subscription_id": named,
                   "reason": "secret", "refusals": 3}


def test_tenants_are_uuid_wherever_they_are_joined(database):
    assert database.query("""
        SELECT attrelid::regclass::text AS view FROM pg_attribute
        JOIN pg_class AS c ON c.oid = attrelid
        WHERE relnamespace = 'callhook'::regnamespace
            AND attname = 'tenant_id' AND atttypid <> 'uuid'::regtype""") == []


# --- Records ---

def test_versions_and_raw_pages(store):
    call_id = new_id()
    record = whole_record(call_id)
    for version in (1, 2):
        last = copy_of(record, version=version)
        assert store.read(call_id, last) == "stored"
    versions = store.view("call_versions", order="version")
    assert [row["version"] for row in versions] == [1, 2]
    assert {row["call_id"] for row in versions} == {call_id}
    assert {row["tenant_id"] for row in versions} == {TENANT}
    assert versions[0]["sha256"] != versions[1]["sha256"]
    assert None not in [row["read_at"] for row in versions]
    [page] = store.database.query("SELECT * FROM callhook.raw_pages")
    assert page == {"tenant_id": TENANT, "call_id": call_id, "version": 2,
                    "page": 1, "json": last, "kind": "record"}


def test_pages_are_numbered_through(store):
    call_id = new_id()
    record = whole_record(call_id)
    rest = {"value": record.pop("sessions")}
    people = {"value": record.pop("participants_v2", [])}
    assert store.read(call_id, record, sessions=[rest],
                      participants=[people]) == "stored"
    assert [(row["page"], row["kind"]) for row in store.database.query(
        "SELECT page, kind FROM callhook.raw_pages ORDER BY page")] == [
            (1, "record"), (2, "sessions"), (3, "participants_v2")]


def test_what_a_session_and_its_segments_say_is_one(store):
    """Graph repeats the session's feedback in its segments."""
    call_id = new_id()
    record = whole_record(call_id)
    said = {"rating": "poor", "text": None, "tokens": None}
    session = record["sessions"][0]
    for other in record["sessions"]:
        for part in (other, *other["segments"]):
            for side in ("caller", "callee"):
                part[side].pop("feedback", None)
    session["segments"] = [session["segments"][0],
                           copy_of(session["segments"][0])]
    for part in (session, *session["segments"]):
        part["callee"]["feedback"] = said
    session["segments"][1]["caller"]["feedback"] = {"rating": "good"}
    assert store.read(call_id, record) == "stored"
    assert [(row["session_no"], row["segment_no"], row["side"],
             row["rating"]) for row in store.view("feedback", order="side")] \
        == [(1, None, "callee", "poor"), (1, 2, "caller", "good")]


def test_the_day_of_a_call(store):
    call_id, told = new_id(), new_id()
    record = whole_record(call_id)
    store.read(call_id, copy_of(record, startDateTime="2026-02-03T23:59:59Z"))
    store.notify(told, "'2026-03-04T00:30:00+01:00'")
    store.fold()
    assert store.known(call_id)["day"] == "2026-02-03"
    assert store.known(told)["day"] == "2026-03-03"


# --- Notifications by the hour ---

def hours(database):
    return database.query("""
        SELECT tenant_id, hour, notifications
        FROM callhook.notifications_by_hour ORDER BY 1, 2""", "test_reader")


def counted(database):
    return database.query(f"""
        SELECT tenant_id, date_trunc('hour', received_at) AS hour,
            count(*) AS notifications
        FROM callhook.notifications WHERE call_id IS DISTINCT FROM '{NIL}'
        GROUP BY 1, 2 ORDER BY 1, 2""", "test_reader")


def test_each_notification_counts_once_in_its_hour(store):
    """However late it is, in whatever order transactions commit."""
    chance = random.Random(13)
    database = store.database
    database.execute("UPDATE callhook_store.fold_state SET margin = '10 ms'")
    with database.session() as open_one:
        open_one.run("BEGIN; " + notification(new_id(), tenant=OTHER))
        for _ in range(10):
            late = chance.choice(["now()", "now() - interval '5 hours'",
                                  "now() - interval '40 days'"])
            store.notify(chance.choice([new_id(), None, NIL]), late,
                         tenant=chance.choice([TENANT, OTHER, NIL]))
            store.fold(chance.choice([1, 3, 50000]))
        open_one.run("COMMIT")
    while store.fold(3) >= 3:
        pass
    assert hours(database) == counted(database) != []
    store.fold()
    assert hours(database) == counted(database)


def test_hours_are_counted_in_batches_at_most(store):
    store.database.execute(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, stored_at, tenant_id, call_id)
        SELECT gen_random_uuid(), t, t, '{TENANT}', md5(n::text)::uuid
        FROM generate_series(1, 3000) AS n
        CROSS JOIN LATERAL (SELECT now() - n * interval '7 min') AS l (t)""")
    assert store.fold(700) <= 1400
    assert 0 < sum(row["notifications"] for row in hours(store.database)) \
        <= 1400
    while store.fold(700) >= 700:
        pass
    assert hours(store.database) == counted(store.database)


def test_hours_stay_when_notifications_go(store):
    store.notify(new_id(), *["now() - interval '50 days'"] * 2)
    store.fold()
    before = hours(store.database)
    while store.value("retain", 30, 1000) >= 1000:
        pass
    assert counted(store.database) == []
    assert hours(store.database) == before != []
