"""Calls folded from notifications and lists: each counted once, none missed."""

import datetime
import random
import subprocess
import time
import uuid

import pytest

from support.call_records import new_id, sample, small_record
from support.database import literal
from support.later import Later
from support.notification import NIL
from support.record_store import TENANT, Store, notification
from support.service import Trouble, wait_until

pytestmark = pytest.mark.no_program


@pytest.fixture
def store(database):
    return Store(database)


def counts(store):
    """Notifications by call."""
    return {row["call_id"]: row["notifications"]
            for row in store.view("calls")}


def expected(store):
    rows = store.database.query(f"""
        SELECT call_id, count(*) AS n FROM callhook_store.notifications
        WHERE call_id <> '{NIL}' GROUP BY call_id""")
    return {row["call_id"]: row["n"] for row in rows}


def fold_all(store):
    total = 0
    while True:
        taken = store.fold(1000)
        total += taken
        if taken < 1000:
            return total


# --- Folding ---

def test_one_row_for_each_call(store):
    call_id, other = new_id(), new_id()
    for minute in (5, 1, 3):
        store.notify(call_id, f"'2026-03-01T10:0{minute}:00Z'")
    store.notify(other)
    store.notify(call_id, tenant=NIL)
    assert store.fold() == 5
    assert store.fold() == 0
    rows = store.view("calls", f"call_id = '{call_id}'", "tenant_id")
    assert [row["tenant_id"] for row in rows] == [TENANT, None]
    first = rows[0]
    assert first["first_notified_at"] == "2026-03-01T10:01:00+00:00"
    assert first["last_notified_at"] == "2026-03-01T10:05:00+00:00"
    assert (first["notifications"], first["source"]) == (3, "notification")
    assert (first["record_state"], first["record_error"]) == ("none", None)
    store.notify(call_id, "'2026-03-01T10:00:00Z'")     # from the spool
    assert store.fold() == 1
    again = store.view("calls", f"call_id = '{call_id}'", "tenant_id")[0]
    assert again["first_notified_at"] == "2026-03-01T10:00:00+00:00"
    assert again["notifications"] == 4


def test_what_is_no_call_is_left_out(store):
    store.notify(NIL)
    store.notify(None)                  # it counts in its hour
    assert store.fold() == 1
    assert store.view("calls") == []


def test_batches_end_and_miss_nothing(store):
    store.database.execute(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, stored_at, tenant_id, call_id)
        SELECT gen_random_uuid(), t, t, '{TENANT}',
            md5((n / 3)::text)::uuid
        FROM generate_series(1, 5000) AS n
        CROSS JOIN LATERAL (SELECT now() - interval '1 month'
            + n * random() * interval '9 min') AS r (t)""")
    taken = []
    while not taken or taken[-1] >= 700:
        taken.append(store.fold(700))
    assert sum(taken) == 5000
    assert max(taken) <= 1400
    assert counts(store) == expected(store)


def test_a_clock_that_was_set_back(store):
    """Rows of times to come are folded now, and once."""
    store.database.execute(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, stored_at, tenant_id, call_id)
        SELECT gen_random_uuid(), t, t, '{TENANT}', md5(n::text)::uuid
        FROM generate_series(1, 10) AS n
        CROSS JOIN LATERAL (SELECT now() + n * interval '10 days') AS l (t)""")
    assert store.fold() == 10
    assert store.fold() == 0
    store.notify(new_id())
    assert store.fold() == 1


@pytest.mark.parametrize("ago", ["0 s", "5 minutes"])
@pytest.mark.parametrize("ahead", ["1 hour", "400 days"])
def test_a_clock_that_was_ahead(store, ahead, ago):
    """What was final by it is not: new rows are before that time. Those that
    were folded are not folded again, whatever time they have."""
    for stored_at in (f"now() + interval '{ahead}' - interval '1 s'",
                      "now() + interval '1 minute'", "now()",
                      "now() - interval '10 minutes'"):
        store.notify(new_id(), stored_at=stored_at)
    assert store.fold() == 4
    store.database.execute(f"""
        DELETE FROM callhook_store.folded;
        UPDATE callhook_store.fold_state
        SET folded_to = now() + interval '{ahead}', seen_to = now()
                + interval '{ahead}', asked_at = now() + interval '{ahead}',
            final_to = now() + interval '{ahead}'""")
    for number in range(3):
        store.notify(new_id(),
                     stored_at=f"now() - {number} * interval '{ago}'")
    assert (store.fold(), store.fold()) == (3, 0)
    store.notify(new_id())
    assert (store.fold(), store.fold()) == (1, 0)
    assert counts(store) == expected(store)
    assert len(counts(store)) == 8


@pytest.mark.parametrize("late, back", [("0 s", "4 minutes"),
                                        ("50 minutes", "55 minutes")])
def test_a_clock_that_has_caught_up_since(store, late, back):
    """It went back by less than the time since the last run: that has found
    nothing odd, but for rows of before its end."""
    set_margin(store, "0 s")
    for _ in range(3):
        store.notify(new_id(), stored_at="now() - interval '1 hour'")
        store.notify(new_id())
    assert (store.fold(), store.fold(), store.fold()) == (6, 0, 0)
    store.database.execute(
        f"UPDATE callhook_store.fold_state SET asked_at = now() - '{late}'"
        "::interval")
    store.notify(new_id(), stored_at=f"now() - interval '{back}'")
    assert (store.fold(), store.fold()) == (1, 0)
    assert counts(store) == expected(store)
    assert len(counts(store)) == 7


def test_a_restored_database_is_not_folded_again(store):
    """All its rows are of new transactions there."""
    store.notify(new_id(), stored_at="now() - interval '2 minutes'")
    assert store.fold() == 1
    store.database.execute("""
        UPDATE callhook_store.fold_state SET unseen_of = 'another',
            folded_to = now() - interval '1 minute';
        DELETE FROM callhook_store.folded;
        UPDATE callhook_store.notifications SET stored_at = stored_at""")
    assert (store.fold(), store.fold()) == (0, 0)
    assert counts(store) == expected(store)


def make_final(store):
    """Until all that is there lies before folded_to."""
    set_margin(store, "0 s")
    assert store.fold() > 0
    assert (store.fold(), store.fold(), final_to(store)["kept"]) == (0, 0, 0)


def test_a_restore_in_the_same_place_is_not_folded_again(store):
    """The numbers are of this cluster and this database then."""
    store.notify(new_id())
    make_final(store)
    database = store.database
    dump = subprocess.run(
        [database.cluster.bin / "pg_dump", "-h", database.cluster.home, "-U",
         "postgres", database.name],
        cwd="/", text=True, capture_output=True, check=True).stdout
    done = database.cluster.psql(
        "-v", "ON_ERROR_STOP=1", database=database.name,
        given="DROP SCHEMA callhook, callhook_store CASCADE;\n" + dump)
    assert done.returncode == 0, done.stderr
    assert (store.fold(), store.fold()) == (0, 0)
    assert counts(store) == expected(store)
    store.notify(new_id())
    assert (store.fold(), store.fold()) == (1, 0)


def test_whom_one_forgets_folds_nothing_again(store):
    """A row without the person is of a new transaction."""
    person = new_id()
    store.notify(new_id())
    store.notify(new_id())
    store.database.execute(f"""
        UPDATE callhook_store.notifications SET extra = '{{"by": "{person}"}}'
        WHERE notification_id IN (
            SELECT notification_id FROM callhook_store.notifications LIMIT 1)
        """)
    make_final(store)
    store.database.execute(f"SELECT callhook_store.forget_person('{person}')")
    assert store.view("notifications", f"extra::text ~ '{person}'") == []
    assert (store.fold(), store.fold()) == (0, 0)
    assert counts(store) == expected(store)


def test_a_month_that_gets_its_table_is_not_folded_again(store):
    """The default partition's rows are moved by a new transaction."""
    store.notify(new_id(), received_at="now() + interval '3 years'")
    make_final(store)
    store.database.execute("SELECT callhook_store.make_partition("
                           "(now() + interval '3 years')::date)")
    assert (store.fold(), store.fold()) == (0, 0)
    assert counts(store) == expected(store)


def test_what_ends_while_it_is_folded_counts_once(store):
    """Of a time that is final then, and the newest of all transactions."""
    set_margin(store, "0 s")
    store.database.execute("""
        ALTER FUNCTION callhook_store.advance_final() RENAME TO advance;
        CREATE FUNCTION callhook_store.advance_final() RETURNS void
        LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(1);
            PERFORM callhook_store.advance();
        END $$""")
    with store.database.session() as writer, \
            store.database.session() as gate:
        writer.run("BEGIN; SELECT now()")
        assert store.fold() == 0
        gate.run("SELECT pg_advisory_lock(1)")
        writer.run(notification(new_id()))
        folding = Later(store.fold)
        wait_until(lambda: store.database.query("""
            SELECT FROM pg_locks WHERE locktype = 'advisory'
                AND NOT granted"""), "the folding waits")
        writer.run("COMMIT")
        gate.run("SELECT pg_advisory_unlock(1)")
        assert folding.result() == 1
    assert (store.fold(), store.fold()) == (0, 0)
    assert counts(store) == expected(store)


def test_recent_rows_are_folded_in_batches_too(store):
    for _ in range(10):
        store.notify(new_id())
    assert [store.fold(4), store.fold(4), store.fold(4)] == [4, 4, 2]
    assert len(counts(store)) == 10


def set_margin(store, margin):
    store.database.execute(
        f"UPDATE callhook_store.fold_state SET margin = '{margin}'")


def final_to(store):
    [row] = store.database.query("SELECT final_to, folded_to, (SELECT "
                                 "count(*) FROM callhook_store.folded) AS "
                                 "kept FROM callhook_store.fold_state")
    return row


def test_transactions_may_commit_in_any_order(store):
    """One that stays open for longer than the margin holds up nothing but
    the final time; its rows count when they appear."""
    set_margin(store, "100 ms")
    early, middle, late = new_id(), new_id(), new_id()
    with store.database.session() as open_one, \
            store.database.session() as idle_one:
        open_one.run("BEGIN; " + notification(early))
        idle_one.run("BEGIN; SELECT now()")
        begun = store.database.query("SELECT now() AS t")[0]["t"]
        for _ in range(5):
            time.sleep(0.1)
            store.notify(middle)
            assert store.fold() == 1
            assert (final_to(store)["final_to"] or "") < begun
        idle_one.run(notification(late))    # an old time, just now
        idle_one.run("COMMIT")
        assert store.fold() == 1
        open_one.run("COMMIT")
    assert store.fold() == 1
    assert counts(store) == expected(store) == {early: 1, middle: 5, late: 1}
    time.sleep(0.2)
    assert store.fold() == store.fold() == 0
    state = final_to(store)
    assert state["final_to"] > begun and state["kept"] == 0


def test_what_is_open_through_many_runs_stops_nothing(store):
    """A dump of a large database, run after run. What the last batch spanned
    must not grow with their number, and no span kept from before may hinder."""
    def fold_one():
        store.notify(new_id())
        assert store.fold() == 1

    fold_one()
    with store.database.session() as session:
        session.run("BEGIN; SELECT now()")
        for _ in range(50):
            fold_one()
    [row] = store.database.query(
        "SELECT slab < '1 hour' AS is_short FROM callhook_store.fold_state")
    assert row["is_short"]
    store.database.execute("UPDATE callhook_store.fold_state "
                           "SET slab = '88664617 days'")
    fold_one()


def test_a_rolled_back_row_does_not_count(store):
    with store.database.session() as session:
        session.run("BEGIN; " + notification(new_id()))
        assert store.fold() == 0
        session.run("ROLLBACK")
    assert store.fold() == 0


def test_a_savepoints_row_counts_once(store):
    with store.database.session() as session:
        session.run("BEGIN; SAVEPOINT s; " + notification(new_id()))
        session.run("RELEASE s")
        assert store.fold() == 0
        session.run("COMMIT")
    assert (store.fold(), store.fold()) == (1, 0)


def test_folding_beside_writers_of_every_pace(store):
    """Writers that hold transactions open for up to a second, two folders."""
    set_margin(store, "50 ms")
    ids = [new_id() for _ in range(20)]
    end = time.monotonic() + 6

    def write(seed):
        dice = random.Random(seed)
        with store.database.session() as session:
            while time.monotonic() < end:
                session.run("BEGIN")
                session.run(notification(dice.choice(ids)))
                time.sleep(dice.choice((0, 0, 0.05, 0.3, 1)))
                session.run(notification(dice.choice(ids)))
                session.run(dice.choice(("COMMIT", "COMMIT", "ROLLBACK")))

    def fold():
        total = 0
        while time.monotonic() < end + 1:
            total += store.fold(random.choice((5, 1000)))
        return total

    writers = [Later(write, seed) for seed in range(4)]
    folders = [Later(fold) for _ in range(2)]
    for writer in writers:
        writer.result()
    total = sum(folder.result() for folder in folders) + fold_all(store)
    assert counts(store) == expected(store)
    assert total == sum(expected(store).values()) > 50


def test_who_holds_up_nothing(store, cluster):
    """Whoever cannot store a row, or is in another database."""
    set_margin(store, "0 s")
    other = cluster.create_database()
    with other.session() as elsewhere, \
            store.database.session("test_reader") as reader:
        for session in (elsewhere, reader):
            session.run("BEGIN; SELECT now()")
        begun = store.database.query("SELECT now() AS t")[0]["t"]
        store.notify(new_id())
        assert (store.fold(), store.fold()) == (1, 0)
        state = final_to(store)
        assert state["final_to"] > begun and state["kept"] == 0
    cluster.drop_database(other.name)


def test_new_rows_cost_by_their_own_number(store):
    """However many wait for a transaction that somebody has forgotten."""
    set_margin(store, "0 s")
    with store.database.session() as forgotten:
        forgotten.run("BEGIN; " + notification(new_id()))
        for number in range(3):
            store.database.execute(f"""
                INSERT INTO callhook_store.notifications (notification_id,
                    received_at, tenant_id, call_id)
                SELECT gen_random_uuid(), now(), '{TENANT}',
                    gen_random_uuid() FROM generate_series(1, 500)""")
            assert store.fold() == 500
            [row] = store.database.query("""
                SELECT count(*) AS n FROM callhook_store.notifications
                WHERE stored_at >= (SELECT seen_to
                                    FROM callhook_store.fold_state)""")
            assert row["n"] <= 500
        assert final_to(store)["kept"] == 1500
        forgotten.run("COMMIT")
    assert store.fold() == 1
    assert store.fold() == 0
    assert final_to(store)["kept"] == 0
    assert counts(store) == expected(store)


def test_what_waited_is_worked_off_in_pieces(store):
    """No statement looks at all of it, and each keeps what it did."""
    set_margin(store, "0 s")
    with store.database.session() as forgotten:
        forgotten.run("BEGIN; SELECT now()")
        for number in range(40):
            store.notify(new_id())
        assert store.fold() == 40
        forgotten.run("COMMIT")
    kept = []
    while not kept or kept[-1]:
        assert store.fold(1) == 0
        kept.append(final_to(store)["kept"])
        assert len(kept) < 20
    assert len(kept) > 2 and kept == sorted(kept, reverse=True)
    assert counts(store) == expected(store)


def test_a_notification_updates_its_call_in_place(store):
    """Within the row's page: neither the indexes nor the heap grow by it."""
    calls = 3000
    for _ in range(3):
        store.database.execute(f"""
            INSERT INTO callhook_store.notifications (notification_id,
                received_at, tenant_id, call_id)
            SELECT gen_random_uuid(), now(), '{TENANT}',
                   md5(n::text)::uuid
            FROM generate_series(1, {calls}) AS n""")
        fold_all(store)
    [row] = store.database.query("""
        SELECT n_tup_upd AS updated, n_tup_hot_upd AS in_place
        FROM pg_stat_user_tables
        WHERE relid = 'callhook_store.calls'::regclass""")
    assert row["updated"] == 2 * calls
    assert row["in_place"] > 0.9 * row["updated"]


def test_a_moved_row_counts_once(store):
    """A month made late takes its rows out of the default partition."""
    store.notify(new_id(), "'2100-01-15T00:00:00Z'")
    assert store.fold() == 1
    store.database.execute("SELECT callhook_store.make_partition("
                           "'2100-01-01')")
    assert store.fold() == 0


def test_folding_needs_snapshots_of_its_own(store):
    with pytest.raises(Trouble, match="read committed"):
        store.database.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; "
            "SELECT callhook_store.fold_notifications()", "test_renewer")


def test_only_calls_that_graph_may_still_have_become_due(store):
    store.turn_reading_on()
    young, old = new_id(), new_id()
    for call_id, age in ((young, 29), (old, 31)):
        store.notify(call_id, *[f"now() - interval '{age} days'"] * 2)
    store.fold()
    assert store.known(young)["record_state"] == "waiting"
    assert store.known(old)["record_state"] == "none"
    assert [row["call_id"] for row in store.call(
        "claim_calls", TENANT, 10)] == [young]


def test_a_call_is_found_by_its_id(store):
    store.database.execute(f"""
        INSERT INTO callhook_store.calls (tenant_id, call_id)
        SELECT '{TENANT}', gen_random_uuid() FROM generate_series(1, 20000);
        ANALYZE callhook_store.calls""")
    plan = store.database.execute(
        f"EXPLAIN SELECT * FROM callhook.calls WHERE call_id = '{NIL}'")
    assert "calls_pkey" in plan and "Seq Scan on calls" not in plan


# --- Lists ---

def listed(*ids, version=1, day="2026-03-01"):
    return {"value": [{"id": call_id, "version": version,
                       "startDateTime": f"{day}T10:00:00.1234567Z",
                       "endDateTime": f"{day}T10:10:00Z"}
                      for call_id in ids]}


def file(store, page):
    [row] = store.call("file_listed_calls", store.tenant, page)
    return row["listed"], row["missing"], row["newer"]


def test_the_documented_list(store):
    page = sample("callrecord-list-page.json")
    assert file(store, page) == (3, 3, 0)
    assert file(store, {"value": page}) == (3, 0, 0)
    known = store.known(page[1]["id"])
    assert (known["source"], known["notifications"]) == ("list", 0)
    assert known["started_at"] == "2025-05-29T17:27:51.652895+00:00"
    assert known["duration_seconds"] == 162
    assert known["record_state"] == "none"


def test_a_listed_call_is_notified_later(store):
    call_id = new_id()
    file(store, listed(call_id))
    store.notify(call_id)
    store.fold()
    known = store.known(call_id)
    assert (known["source"], known["notifications"]) == ("notification", 1)


def test_higher_versions_are_read(store):
    store.turn_reading_on()
    call_id = new_id()
    day = str(datetime.date.today())
    record = small_record(call_id, endDateTime=f"{day}T10:00:00Z")
    assert store.read(call_id, record) == "stored"
    assert file(store, listed(call_id, day=day)) == (1, 0, 0)
    assert store.call("claim_calls", TENANT, 10) == []
    assert file(store, listed(call_id, version=2, day=day)) == (1, 0, 1)
    [claimed] = store.call("claim_calls", TENANT, 10)
    assert claimed["call_id"] == call_id
    assert store.known(call_id)["version"] == 1
    store.page(call_id, claimed["reading_no"], "record", 1, record)
    assert store.finish(call_id, claimed["reading_no"]) == "same"
    [row] = store.database.query("SELECT next_read_at > now() AS later "
                                 "FROM callhook_store.calls")
    assert row["later"]                 # still behind: later again
    assert store.read(call_id, small_record(call_id, version=2)) == "stored"
    assert store.call("claim_calls", TENANT, 10) == []


def test_what_is_listed_is_not_gone(store):
    store.turn_reading_on()
    call_id = new_id()
    store.database.execute(f"""
        INSERT INTO callhook_store.calls (tenant_id, call_id, record_state)
        VALUES ('{TENANT}', '{call_id}', 'gone')""")
    file(store, listed(call_id))
    assert store.known(call_id)["record_state"] == "waiting"


@pytest.mark.parametrize("page", [
    {"value": [{"id": None}, {}, "x", {"id": "no GUID"}, None]}, [], {
        "value": []}])
def test_rows_without_an_id_are_left_out(store, page):
    assert file(store, page) == (0, 0, 0)


def test_a_page_names_a_call_twice(store):
    call_id = new_id()
    page = {"value": listed(call_id, version=2)["value"]
            + listed(call_id, version=1)["value"]}
    assert file(store, page) == (1, 1, 0)


def test_completeness(store):
    """Notified, only listed, read, behind and failed calls of two days."""
    store.turn_reading_on()
    notified, only_listed, behind, failed, other_day = (
        new_id() for _ in range(5))
    for call_id in (notified, behind, failed):
        store.notify(call_id, "'2026-03-01T10:00:00Z'")
    store.fold()
    file(store, listed(notified, only_listed, failed))
    file(store, listed(behind, version=2))
    file(store, listed(other_day, day="2026-03-02"))
    store.call("note_listing", TENANT, "calls", "2026-03-01T00:00Z",
               "2026-03-02T12:00Z", 5, 2, 0)
    for call_id in (notified, only_listed, behind):
        store.read(call_id, small_record(call_id))
    store.read(failed, [])
    [one, two] = store.view("completeness", order="day")
    assert one.pop("last_listed_at") is not None
    assert sorted(one.pop("missing_ids")) == sorted([behind, failed])
    assert one == {
        "tenant_id": TENANT, "day": "2026-03-01", "calls": 4, "listed": 4,
        "notified": 3, "only_listed": 1, "stored": 3, "newest_version": 2,
        "missing": 2, "gone": 0}
    assert (two["missing"], two["missing_ids"]) == (1, [other_day])
    assert two["last_listed_at"] is None
    store.read(behind, small_record(behind, version=2))
    store.read(failed, small_record(failed))
    store.read(other_day, small_record(
        other_day, startDateTime="2026-03-02T10:00:00Z"))
    assert [(row["missing"], row["missing_ids"]) for row in store.view(
        "completeness")] == [(0, None)] * 2


def test_many_calls_with_many_faults_end_complete(store):
    """Notifications dropped, doubled and shuffled; versions that rise."""
    store.turn_reading_on()
    dice = random.Random(5)
    graph = {str(uuid.UUID(int=dice.getrandbits(128))): dice.randint(1, 3)
             for _ in range(300)}
    told = [call_id for call_id in graph for _ in range(dice.randint(0, 3))]
    dice.shuffle(told)
    store.database.execute(";".join(
        notification(call_id, "'2026-03-01T10:00:00Z'") for call_id in told))
    fold_all(store)
    ids = list(graph)
    for start in range(0, len(ids), 60):
        page = [row for call_id in ids[start:start + 60]
                for row in listed(call_id, version=graph[call_id])["value"]]
        file(store, page)
    while claimed := store.call("claim_calls", TENANT, 50):
        calls = ",".join(literal(row["call_id"]) for row in claimed)
        numbers = ",".join(str(row["reading_no"]) for row in claimed)
        store.database.execute(f"""
            SELECT callhook_store.store_pages('{TENANT}',
                json_agg(json_build_array(call_id, reading_no, 'record', 1,
                                          false)),
                VARIADIC array_agg(json_build_object('id', call_id, 'version',
                    coalesce((SELECT v::int FROM json_each_text(
                        {literal(str(graph).replace("'", '"'))})
                        AS g (k, v) WHERE k = call_id::text), 0),
                    'startDateTime', '2026-03-01T10:00:00Z')))
            FROM unnest(ARRAY[{calls}]::uuid[], ARRAY[{numbers}]::bigint[])
                AS c (call_id, reading_no);
            SELECT callhook_store.finish_records('{TENANT}',
                ARRAY[{calls}]::uuid[], ARRAY[{numbers}]::bigint[])""")
    [day] = store.view("completeness")
    assert (day["calls"], day["stored"], day["newest_version"],
            day["missing"]) == (300, 300, 300, 0)
    assert day["notified"] == len(set(told))
    assert {row["call_id"]: row["version"]
            for row in store.view("calls")} == graph


def test_gaps_are_closed(store):
    def gap(begins, ends):
        store.database.execute(f"""
            INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
                change_type, reason, begins_at, ends_at)
            VALUES ('contoso', '{TENANT}', 'communications/callRecords',
                'updated', 'outage', '{begins}', {literal(ends)})""",
            "test_renewer")

    gap("2026-03-01T09:00Z", "2026-03-01T11:00Z")
    gap("2026-03-01T12:30Z", "2026-03-01T12:35Z")
    gap("2026-03-01T13:00Z", None)
    gap("2026-03-05T00:00Z", "2026-03-05T01:00Z")
    missed, known = new_id(), new_id()
    store.notify(known)
    store.fold()
    file(store, listed(missed, known))      # both ended at 10:10
    [closed] = store.call("close_gaps", TENANT, "2026-03-01T00:00Z",
                          "2026-03-03T00:00Z")
    assert closed == {"gaps": 2, "found": 2}
    rows = store.view("gaps", order="begins_at")
    assert [row["found"] for row in rows] == [1, 1, None, None]
    assert [row["closed_at"] is None for row in rows] == [
        False, False, True, True]
    [again] = store.call("close_gaps", TENANT, "2026-03-01T00:00Z",
                         "2026-03-03T00:00Z")
    assert again["gaps"] == 0
