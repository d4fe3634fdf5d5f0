"""Consumers: each name gets each row at least once, whenever it is committed,
and none again that it has settled."""

import contextlib
import select
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from support.call_records import new_id, small_record
from support.record_store import TENANT, Store

REFUSED = "55000"


class Worker:
    """A session of a consumer; every statement is a transaction of its own."""

    def __init__(self, database, user="test_consumer"):
        self.connection = psycopg2.connect(
            host=str(database.cluster.home), dbname=database.name, user=user)
        self.connection.autocommit = True

    def run(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            if not cursor.description:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor]

    def next(self, name="a", most=100, kind="notifications"):
        return self.run(f"SELECT * FROM callhook.next_{kind}(%s, %s)", name,
                        most)

    def done(self, rows):
        return self.run("SELECT callhook.done(%s)", rows[0]["batch"])

    def failed(self, rows, why="no reason"):
        return self.run("SELECT callhook.failed(%s, %s)", rows[0]["batch"],
                        why)


@pytest.fixture
def workers(database):
    """Makes sessions of consumers, or of others."""
    with contextlib.ExitStack() as stack:
        def make(user="test_consumer"):
            worker = Worker(database, user)
            stack.callback(worker.connection.close)
            return worker

        yield make


@pytest.fixture
def worker(workers):
    return workers()


@pytest.fixture
def owner(workers):
    return workers("postgres")


def insert(session, rows=1, stored_at="now()", received_at="now()"):
    """Stores notifications; their ids."""
    return {row["notification_id"] for row in session.run(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, stored_at, tenant_id, call_id, resource)
        SELECT gen_random_uuid(), {received_at}, {stored_at}, '{TENANT}',
               gen_random_uuid(), 'communications/callRecords'
        FROM generate_series(1, {rows}) RETURNING notification_id""")}


def ids(rows):
    found = [row["notification_id"] for row in rows]
    assert len(set(found)) == len(found)
    assert len({row["batch"] for row in rows}) <= 1
    return set(found)


def refused(function, *arguments):
    with pytest.raises(psycopg2.Error) as failure:
        function(*arguments)
    return failure.value.pgcode == REFUSED


def make_due(owner, condition="true"):
    """Lets leases and pauses run out."""
    owner.run("UPDATE callhook_store.consumer_batches SET ready_at = "
              f"'2020-01-01' WHERE ready_at > '-infinity' AND {condition}")


def consumers(owner):
    return {row["consumer"]: row
            for row in owner.run("SELECT * FROM callhook.consumers")}


# --- What is handed out ---

def test_a_name_begins_at_its_first_call(worker, owner):
    insert(owner)
    assert worker.next("a") == []
    first = insert(owner)
    assert worker.next("b") == []
    second = insert(owner)
    assert ids(worker.next("a")) == first | second
    assert ids(worker.next("b")) == second
    assert worker.next("a") == worker.next("b") == []


def test_a_row_has_the_columns_of_the_view(worker, owner):
    worker.next()
    insert(owner, received_at="now() - interval '40 days'")
    row, = worker.next()
    assert isinstance(row.pop("batch"), int)
    assert [row] == owner.run("SELECT * FROM callhook.notifications")
    assert list(row) == list(owner.run(
        "SELECT * FROM callhook.notifications")[0])


@pytest.mark.parametrize("name", [None, "", "x" * 101])
@pytest.mark.parametrize("call", [
    "next_calls(%s, 1)", "next_notifications(%s, 1)",
    "make_consumer(%s, now())"])
def test_a_bad_name(worker, call, name):
    with pytest.raises(psycopg2.errors.InvalidParameterValue,
                       match="a consumer's name has 1 to 100 characters"):
        worker.run(f"SELECT callhook.{call}", name)


def test_at_most_so_many_rows(worker, owner):
    worker.next()
    stored = insert(owner, 25)
    assert len(worker.next(most=10)) == 10
    more = insert(owner, 2)
    got = worker.next(most=20)
    assert len(got) == 17
    assert more <= ids(got) and ids(got) - more < stored
    for most in (0, -1, None):
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            worker.next(most=most)
    for name in ("", None, "n" * 101):
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            worker.next(name)


@pytest.mark.parametrize("steps", ["{insert}", "SAVEPOINT s; {insert}",
                                   "SAVEPOINT s; {insert}; RELEASE s"])
def test_rows_that_are_committed_late(worker, workers, owner, steps):
    worker.next()
    late = workers("postgres")
    late.run("BEGIN")
    before, _, _ = steps.partition("{insert}")
    if before:
        late.run(before.rstrip("; "))
    expected = insert(late)
    if "RELEASE" in steps:
        late.run("RELEASE s")
    for _ in range(3):
        other = insert(owner)
        assert ids(worker.next()) == other
    late.run("COMMIT")
    assert ids(worker.next()) == expected
    assert worker.next() == []


def test_what_began_long_ago_is_found_when_it_ends(worker, workers, owner):
    """A transaction that is open for long widens no search until it ends."""
    late = workers("postgres")
    late.run("BEGIN")
    worker.next()
    for _ in range(2):
        other = insert(owner)
        assert ids(worker.next()) == other
    owner.run("""
        UPDATE callhook_store.consumer_queues
        SET seen.open_from = ARRAY(SELECT t - interval '2 hours'
                                   FROM unnest((seen).open_from) AS t)""")
    expected = insert(late, stored_at="now() - interval '1 hour'")
    assert worker.next() == []
    late.run("COMMIT")
    assert ids(worker.next()) == expected
    assert worker.next() == []


@pytest.mark.parametrize("others", [3, 1000])
def test_rows_that_came_among_settled_ones(worker, owner, others):
    """Few others: the time between is read as a whole; many: row by row."""
    worker.next()
    insert(owner, others, received_at="now() + random() * interval '1 hour'")
    worker.done(worker.next(most=others))
    expected = set().union(*(
        insert(owner, 1, received_at=f"now() + interval '{minutes} minutes'")
        for minutes in (-1, 30, 61)))
    assert ids(worker.next()) == expected
    assert worker.next() == []


def test_what_is_rolled_back_never_comes(worker, workers, owner):
    worker.next()
    other = workers("postgres")
    other.run("BEGIN")
    insert(other)
    other.run("ROLLBACK")
    expected = insert(owner)
    assert ids(worker.next()) == expected


def test_a_beginning_in_the_past(worker, owner):
    insert(owner, 5, "now() - interval '3 days'")
    young = insert(owner, 7, "now() - interval '1 day'")
    worker.run("SELECT callhook.make_consumer('a', now() - interval '2 day')")
    worker.run("SELECT callhook.make_consumer('all', '-infinity')")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        worker.run("SELECT callhook.make_consumer('a', now())")
    young |= insert(owner, 2)
    assert ids(worker.next("a")) == young
    assert len(worker.next("all")) == 14
    assert worker.next("a") == worker.next("all") == []
    more = insert(owner)
    assert ids(worker.next("a")) == ids(worker.next("all")) == more


def test_many_rows_are_found_piece_by_piece(worker, workers, owner):
    """More than one search takes, with rows that come in between."""
    worker.next()
    late = workers("postgres")
    late.run("BEGIN")
    expected = insert(late, 100)
    expected |= insert(owner, 30000)
    expected |= insert(owner, 30000, received_at="now() - interval '40 days'")
    found = []
    while batch := worker.next(most=1000):
        found += ids(batch)
        worker.done(batch)
        if len(found) == 5000:
            late.run("COMMIT")
            expected |= insert(owner, 50)
    assert len(found) == len(set(found)) == len(expected)
    assert set(found) == expected
    assert backlog(owner) == 0


def test_a_table_that_is_written_anew_amid_a_walk(worker, owner):
    worker.next()
    expected = insert(owner, 30000)
    found = set()
    for number in range(100):
        batch = worker.next(most=1000)
        if not batch:
            break
        found |= ids(batch)
        worker.done(batch)
        if number == 6:
            owner.run("DELETE FROM callhook_store.notifications WHERE "
                      "notification_id = %s", min(found))
            owner.run("VACUUM FULL callhook_store.notifications")
    assert found == expected


def backlog(owner, name="a"):
    return consumers(owner)[name]["backlog"]


def test_the_backlog_is_what_is_not_settled(worker, owner):
    worker.next()
    insert(owner, 30000)
    assert backlog(owner) == 30000
    first = worker.next()           # the first step of a walk
    assert backlog(owner) == 30000
    insert(owner, 50)
    assert backlog(owner) == 30050
    worker.done(first)
    row = consumers(owner)["a"]
    assert row["backlog"] == 29950
    assert row["oldest_at"] is not None and row["failures"] == 0
    assert row["last_settled_at"] is not None


def test_the_backlog_of_a_name_that_has_not_asked_yet(worker, owner, store):
    """Everything waits for it, and a monitor must see that."""
    insert(owner, 5, "now() - interval '3 days'")
    insert(owner, 7, "now() - interval '1 day'")
    worker.run("SELECT callhook.make_consumer('a', now() - interval '2 day')")
    worker.run("SELECT callhook.make_consumer('all', '-infinity')")
    worker.run("SELECT callhook.make_consumer('none', now())")
    assert [backlog(owner, name) for name in ("a", "all", "none")] == [
        7, 12, 0]
    days = owner.run("SELECT extract(day FROM now() - oldest_at) AS days "
                     "FROM callhook.consumers ORDER BY consumer")
    assert [row["days"] for row in days] == [1, 3, None]
    ids(worker.next("a"))
    assert backlog(owner) == 7
    for _ in range(14):             # lists of calls: no notification of them
        owner.run("INSERT INTO callhook_store.calls (call_id, tenant_id, "
                  f"listed_at) VALUES (gen_random_uuid(), '{TENANT}', now())")
    assert [backlog(owner, name) for name in ("a", "all", "none")] == [
        7, 14, 14]


def test_a_great_backlog_is_not_counted_to_its_end(worker, owner):
    """So many or more, wherever the rows are; and with little work."""
    owner.run("CREATE OR REPLACE FUNCTION callhook_store.most_counted() "
              "RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10000'")
    worker.run("SELECT callhook.make_consumer('all', '-infinity')")
    worker.next("late")
    worker.run("SELECT callhook.make_consumer('amid', '-infinity')")
    insert(owner, 60000)
    worker.next("amid")
    owner.run("UPDATE callhook_store.consumer_queues SET walk_page = "
              "walk_pages[1] / 2 WHERE walk_page IS NOT NULL")
    for name in ("all", "late", "amid"):
        assert 10000 <= backlog(owner, name) < 20000
        assert consumers(owner)[name]["oldest_at"] is not None
    read = owner.run("EXPLAIN (ANALYZE, BUFFERS, FORMAT json) SELECT * "
                     "FROM callhook.consumers WHERE consumer = 'all'")
    plan = read[0]["QUERY PLAN"][0]["Plan"]
    table = owner.run("SELECT sum(pg_relation_size(inhrelid)) / 8192 AS pages "
                      "FROM pg_inherits WHERE inhparent = "
                      "'callhook_store.notifications'::regclass")[0]["pages"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < table / 2


# --- Leases ---

def test_a_batch_is_settled_once(worker, owner):
    worker.next()
    insert(owner)
    batch = worker.next()
    worker.done(batch)
    assert refused(worker.done, batch)
    assert refused(worker.failed, batch)
    assert refused(worker.done, [{"batch": 0}])
    make_due(owner)
    assert worker.next() == []


def test_a_lease_that_runs_out(workers, owner):
    one, two = workers(), workers()
    one.next()
    expected = insert(owner, 3)
    held = one.next()
    lease, = owner.run("SELECT ready_at - clock_timestamp() AS left FROM "
                       "callhook_store.consumer_batches")
    assert 290 < lease["left"].total_seconds() <= 300
    assert two.next() == []
    make_due(owner)
    again = two.next()
    assert ids(again) == expected
    assert refused(one.done, held)
    assert refused(one.failed, held)
    two.done(again)
    assert refused(two.done, again)


def test_a_lease_that_ran_out_and_nobody_took(worker, owner):
    worker.next()
    insert(owner)
    batch = worker.next()
    make_due(owner)
    worker.done(batch)
    assert worker.next() == []


def test_what_fails_comes_again_after_a_pause(worker, owner):
    worker.next()
    insert(owner)
    for pause in (10, 20, 40, 80, 160, 320, 640, 1280, 2560):
        batch = worker.next()
        worker.failed(batch)
        assert refused(worker.done, batch)
        left, = owner.run("SELECT ready_at - clock_timestamp() AS left FROM "
                          "callhook_store.consumer_batches")
        assert pause - 5 < left["left"].total_seconds() <= pause
        assert worker.next() == []
        make_due(owner)


def test_a_row_that_always_fails_is_set_aside(worker, owner):
    worker.next()
    stored = insert(owner, 5)
    poison = min(stored)
    seen, sizes = set(), []
    while batch := worker.next():
        sizes.append(len(batch))
        if poison in ids(batch):
            worker.failed(batch, "poison " + "x" * 1000)
        else:
            seen |= ids(batch)
            worker.done(batch)
        make_due(owner)
    assert sizes == [5, 5, 5] + [1] * 11
    assert seen == stored - {poison}
    failure, = owner.run("SELECT * FROM callhook.consumer_failures")
    assert failure["notification_id"] == poison
    assert (failure["consumer"], failure["failures"]) == ("a", 10)
    assert failure["why"].startswith("poison x") and len(failure["why"]) == 500
    row = consumers(owner)["a"]
    assert (row["backlog"], row["failures"]) == (0, 1)


def test_a_row_that_kills_its_worker_comes_alone(worker, owner):
    """Nobody says that it failed: its leases run out."""
    worker.next()
    insert(owner, 5)
    for size in (5, 5, 5, 1, 1):
        assert len(worker.next()) == size
        make_due(owner)


# --- Side by side ---

def test_workers_side_by_side(workers, owner):
    crowd = [workers() for _ in range(4)]
    crowd[0].next()
    stored = insert(owner, 1000)
    got = [worker.next() for worker in crowd for _ in range(3)]
    assert len(set().union(*map(ids, got))) == 1000
    assert sum(map(len, got)) == 1000 == len(stored)


def test_who_leaves_a_transaction_open_holds_up_no_other_name(workers, owner):
    slow, quick = workers(), workers()
    slow.next("slow")
    quick.next("quick")
    expected = insert(owner, 3)
    slow.run("BEGIN")
    assert ids(slow.next("slow", 1)) < expected
    assert ids(quick.next("quick")) == expected
    expected = insert(owner)
    assert ids(quick.next("quick")) == expected
    # Its own name waits for a second at most, and loses nothing.
    assert workers().next("slow") == []
    slow.run("ROLLBACK")
    assert len(quick.next("slow")) == 4


def test_who_leaves_a_transaction_open_stops_no_settling(workers, owner):
    """Nor what comes again: none of it is a search."""
    slow, quick = workers(), workers()
    quick.run("SET statement_timeout = '5s'")
    for kind in ("notifications", "calls"):
        quick.next("a", kind=kind)
    insert(owner, 20)
    lapsed, failing, alone = (quick.next("a", n) for n in (3, 2, 1))
    for rows, failures in (failing, 2), (alone, 9):
        owner.run("UPDATE callhook_store.consumer_batches SET failures = %s "
                  "WHERE batch = %s", failures, rows[0]["batch"])
    last = quick.next("a", 14)
    insert(owner, 3)
    slow.run("BEGIN")
    slow.done(last)
    assert len(slow.next("a", 1)) == 1
    quick.failed(failing)
    quick.failed(alone)
    make_due(owner, f"batch = {lapsed[0]['batch']}")
    assert ids(quick.next("a", 2)) < ids(lapsed)
    slow.run("ROLLBACK")


def test_an_empty_queue_locks_and_writes_nothing(workers, owner):
    slow, quick = workers(), workers()
    slow.next()
    slow.run("BEGIN")
    assert slow.next() == []
    number, = slow.run("SELECT pg_current_xact_id_if_assigned() AS n")
    assert number["n"] is None
    expected = insert(owner)
    assert ids(quick.next()) == expected


def test_a_worker_that_is_killed(workers, owner):
    victim, other = workers(), workers()
    victim.next()
    expected = insert(owner, 3)
    victim.run("BEGIN")
    assert ids(victim.next()) == expected
    pid, = victim.run("SELECT pg_backend_pid() AS pid")
    owner.run("SELECT pg_terminate_backend(%s, 5000)", pid["pid"])
    assert ids(other.next()) == expected


def test_a_restart_of_the_database(cluster, database, workers):
    worker = workers()
    worker.next()
    owner = workers("postgres")
    settled = insert(owner, 3)
    batch = worker.next(most=2)
    worker.done(batch)
    leased = worker.next()
    insert_later = insert(owner)
    cluster.kill()
    cluster.start()
    worker, owner = workers(), workers("postgres")
    assert ids(worker.next()) == insert_later
    worker.done(leased)
    assert settled
    assert worker.next() == []


def test_what_is_settled_is_on_disk_whatever_a_role_sets(
        cluster, database, workers, owner):
    worker = workers()
    worker.next()
    insert(owner, 3)
    owner.run("ALTER SYSTEM SET wal_writer_delay = '10s'")
    owner.run("SELECT pg_reload_conf()")
    try:
        worker.run("SET synchronous_commit = off")
        worker.done(worker.next())
        cluster.kill()
        cluster.start()
        worker, owner = workers(), workers("postgres")
        make_due(owner)
        assert worker.next() == []
    finally:
        owner.run("ALTER SYSTEM RESET wal_writer_delay")
        owner.run("SELECT pg_reload_conf()")


@pytest.mark.parametrize("settle", [Worker.done, Worker.failed])
def test_all_that_is_written_waits_for_the_disk(worker, owner, settle):
    """A number that is leased twice would let one settle another's batch."""
    worker.next()
    insert(owner)
    worker.run("SET synchronous_commit = off")
    worker.run("BEGIN")
    leased = worker.next()
    assert worker.run("SHOW synchronous_commit")[0].popitem()[1] == "on"
    worker.run("COMMIT")
    worker.run("BEGIN")
    settle(worker, leased)
    assert worker.run("SHOW synchronous_commit")[0].popitem()[1] == "on"
    worker.run("COMMIT")


def test_another_isolation_level_is_refused(worker):
    worker.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(psycopg2.Error) as failure:
        worker.next()
    assert failure.value.pgcode == "25000"


# --- Calls ---

@pytest.fixture
def store(database):
    return Store(database)


def calls(worker, name="c", most=100):
    rows = worker.next(name, most, "calls")
    return {row["call_id"]: row["event"] for row in rows}


def test_what_becomes_known_of_a_call(worker, store):
    calls(worker)
    call_id = new_id()
    store.notify(call_id)
    store.fold()
    assert calls(worker) == {call_id: "notified"}
    store.notify(call_id)
    store.fold()
    assert calls(worker) == {}, "Graph repeats itself"
    store.read(call_id, small_record(call_id, version=1))
    assert calls(worker) == {call_id: "stored"}
    store.read(call_id, small_record(call_id, version=1))
    assert calls(worker) == {}
    store.read(call_id, small_record(call_id, version=2))
    assert calls(worker) == {call_id: "updated"}


def test_calls_begin_at_the_first_call_beside_an_open_transaction(
        worker, workers, owner, store):
    """Whose number is below that of an event that is there already."""
    other = workers("postgres")
    other.run("BEGIN")
    insert(other)
    store.notify(new_id())
    store.fold()
    assert calls(worker) == {}
    other.run("COMMIT")
    assert calls(worker) == {}
    store.fold()
    assert list(calls(worker).values()) == ["notified"]


def test_events_that_were_not_handed_out_are_one_row(worker, owner, store):
    calls(worker)
    one, two = new_id(), new_id()
    for call_id in (one, two):
        store.notify(call_id)
    store.fold()
    assert len(calls(worker, most=1)) == 1
    assert backlog(owner, "c") == 2
    for call_id in (one, two):
        store.read(call_id, small_record(call_id, version=1))
    assert backlog(owner, "c") == 3     # the leased one, and both anew
    assert calls(worker) == {one: "stored", two: "stored"}
    assert calls(worker) == {}
    assert backlog(owner, "c") == 3


def test_a_call_that_only_a_list_told_of(worker, owner):
    calls(worker)
    owner.run("""INSERT INTO callhook_store.calls (call_id, tenant_id,
                     listed_at) VALUES (%s, %s, now())""", new_id(), TENANT)
    assert list(calls(worker).values()) == ["listed"]


def test_a_call_has_the_columns_of_the_view(worker, owner, store):
    calls(worker)
    call_id = new_id()
    store.notify(call_id)
    store.fold()
    row, = worker.next("c", 100, "calls")
    del row["batch"], row["event"]
    assert [row] == owner.run("SELECT * FROM callhook.calls")


def test_calls_from_the_past(worker, store):
    call_id = new_id()
    store.notify(call_id)
    store.fold()
    worker.run("SELECT callhook.make_consumer('c', '-infinity')")
    assert calls(worker) == {call_id: "notified"}


# --- Retention, and persons ---

def test_retention_does_not_wait_for_consumers(worker, owner):
    worker.next()
    insert(owner, 5, received_at="now() - interval '100 days'")
    assert len(worker.next(most=1)) == 1
    owner.run("UPDATE callhook_store.notifications SET stored_at = received_at")
    new = insert(owner, 2)
    while owner.run("SELECT callhook_store.retain(30) AS n")[0]["n"] > 0:
        pass
    assert owner.run("SELECT count(*) AS n FROM callhook.notifications"
                     )[0]["n"] == 2
    make_due(owner)
    assert ids(worker.next()) == new
    assert worker.next() == []


def test_a_removed_call_leaves_nothing(worker, owner, store):
    calls(worker)
    call_id = new_id()
    store.notify(call_id)
    store.fold()
    owner.run("DELETE FROM callhook_store.calls")
    assert calls(worker) == {}
    assert owner.run("SELECT FROM callhook_store.call_events") == []


def test_a_consumer_that_asks_for_nothing_is_dropped(worker, owner):
    worker.next("a")
    worker.next("b")
    insert(owner)
    worker.next("a")
    owner.run("UPDATE callhook_store.consumers SET asked_at = now() - "
              "interval '31 days' WHERE consumer = 'a'")
    owner.run("UPDATE callhook_store.consumers SET asked_at = now() - "
              "interval '29 days' WHERE consumer = 'b'")
    assert len(worker.next("b")) == 1
    assert list(consumers(owner)) == ["b"]
    assert owner.run("SELECT consumer FROM callhook_store.consumers_dropped"
                     ) == [{"consumer": "a"}]
    assert worker.next("a") == []


def test_after_a_restore_nothing_is_skipped(worker, owner, store):
    """Transaction numbers of another cluster say nothing."""
    worker.next()
    calls(worker)
    lost = insert(owner, 3)
    store.notify(new_id())
    store.fold()
    owner.run("""
        UPDATE callhook_store.consumer_queues
        SET cluster = 'another', seen.low = 4000000000,
            seen.high = 4000000000, before.low = 4000000000""")
    owner.run("UPDATE callhook_store.call_events "
              "SET transaction = transaction + 3000000000")
    lost |= insert(owner)
    assert ids(worker.next()) >= lost
    assert len(calls(worker)) == 4
    expected = insert(owner)
    assert ids(worker.next()) == expected
    assert calls(worker) == {}


@pytest.mark.parametrize("first", ["new", "old"])
def test_after_a_restore_whoever_asks_first(workers, owner, store, first):
    """Also a name that is made only then finds the calls of before."""
    worker = workers()
    worker.run("SELECT * FROM callhook.next_calls('old', 1)")
    known = {new_id() for _ in range(4)}
    for call_id in known:
        store.notify(call_id)
    store.fold()
    owner.run("UPDATE callhook_store.consumer_queues SET cluster = 'another',"
              " seen.low = 4000000000, seen.high = 4000000000")
    owner.run("UPDATE callhook_store.call_events "
              "SET transaction = transaction + 3000000000")
    worker.run("SELECT callhook.make_consumer('new', now() - interval '1 h')")
    for name in (first, {"new": "old", "old": "new"}[first]):
        assert {str(row["call_id"]) for row in worker.run(
            f"SELECT * FROM callhook.next_calls('{name}', 9)")} == known
    assert owner.run("SELECT consumer, backlog FROM callhook.consumers "
                     "ORDER BY 1") == [{"consumer": "new", "backlog": 4},
                                       {"consumer": "old", "backlog": 4}]


@pytest.mark.parametrize("last", ["-5 seconds", "-2 days"])
def test_after_a_restore_a_minute_comes_twice(worker, owner, last):
    """However seldom the name asks, and however old the dump is."""
    since = f"now() + interval '{last}' - interval"
    worker.run("SELECT callhook.make_consumer('c', '-infinity')")
    old = insert(owner, 3, stored_at=f"{since} '3 minutes'")
    young = insert(owner, 2, stored_at=f"{since} '20 seconds'")
    leased = worker.next("c")
    assert ids(leased) == old | young
    worker.done(leased)
    owner.run(f"""UPDATE callhook_store.consumer_queues
        SET cluster = 'another', seen.at = now() + interval '{last}',
            before.at = {since} '1 hour'""")
    assert ids(worker.next("c")) == young


@pytest.mark.parametrize("last, one_before, dated", [
    ("1 hour", "59 minutes", "-30 seconds"),    # the clock was ahead
    ("400 days", "1 second", "-3 hours"),
    ("-5 seconds", "-65 seconds", "-55 seconds"),   # it has caught up since
    ("-8 minutes", "-481 seconds", "-10 minutes")]) # nobody had asked meanwhile
def test_a_clock_that_went_back(worker, owner, last, one_before, dated):
    """It dates new rows to before the last search."""
    known = insert(owner, 2)
    worker.run("SELECT callhook.make_consumer('c', now() - interval '1 h')")
    assert ids(worker.next("c")) == known
    owner.run(f"""UPDATE callhook_store.consumer_queues
        SET seen.at = now() + interval '{last}',
            before.at = now() + interval '{one_before}'""")
    new = insert(owner, 3, stored_at=f"now() + interval '{dated}'")
    new |= insert(owner)
    assert ids(worker.next("c")) == new
    assert worker.next("c") == []


def test_a_new_name_leaves_the_events_of_others(workers, owner):
    """Also those that are stored while it is made."""
    busy = workers("postgres")
    busy.run("""
        CREATE PROCEDURE public.store_events() LANGUAGE plpgsql AS $$
        BEGIN
            FOR i IN 1..20000 LOOP
                INSERT INTO callhook_store.call_events
                VALUES (gen_random_uuid(), gen_random_uuid(), 'stored', now(),
                        pg_current_xact_id()::text::bigint);
                COMMIT;
            END LOOP;
        END $$""")
    with ThreadPoolExecutor() as pool:
        stored = pool.submit(busy.run, "CALL public.store_events()")
        names = 0
        while not stored.done():
            names += 1
            owner.run("SELECT callhook_store.open_queue(%s, 'calls')",
                      f"name {names}")
        stored.result()
    assert owner.run("SELECT count(*) AS n FROM callhook_store.call_events "
                     "WHERE transaction < 0") == [{"n": 0}]


# --- Waking ---

def listening(worker, seconds=5):
    return bool(select.select([worker.connection], [], [], seconds)[0])


def test_listen_wakes_where_it_is_switched_on(worker, owner, store):
    triggers = """SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgrelid
                  IN (SELECT 'callhook_store.notifications'::regclass)"""
    worker.run("LISTEN callhook")
    assert owner.run(triggers) == []
    insert(owner)
    assert not listening(worker, 0.2)
    owner.run("SELECT callhook_store.notify_consumers(true)")
    store.database.cluster.install(store.database.name)
    insert(owner, 50)
    assert listening(worker)
    worker.connection.poll()
    assert [n.channel for n in worker.connection.notifies] == ["callhook"]
    owner.run("SELECT callhook_store.notify_consumers(false)")
    assert owner.run(triggers) == []


# --- Rights ---

def test_a_consumer_reads_nothing_else(worker, owner):
    for relation in owner.run("""
            SELECT c.oid::regclass::text AS name FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = relnamespace
            WHERE nspname IN ('callhook', 'callhook_store')
              AND relkind IN ('r', 'p', 'v')"""):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            worker.run(f"SELECT FROM {relation['name']} LIMIT 1")
    allowed = owner.run("""
        SELECT proname AS name FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE nspname IN ('callhook', 'callhook_store')
          AND has_function_privilege('callhook_consumer', p.oid, 'EXECUTE')
        ORDER BY 1""")
    assert [row["name"] for row in allowed] == [
        "done", "failed", "make_consumer", "next_calls", "next_notifications"]


def test_functions_of_consumers_pin_their_search_path(owner):
    assert owner.run("""
        SELECT proname FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE nspname = 'callhook'
          AND NOT (prosecdef AND proconfig::text
                       LIKE '%search_path=pg_catalog, pg_temp%')""") == []


def test_others_may_not_consume(workers):
    for user in ("test_reader", "test_receiver"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            workers(user).next()


# --- From the web server to a consumer ---

def test_from_the_receiver_to_a_consumer(site, subscription):
    worker = Worker(site.database)
    try:
        worker.next("web")
        item = subscription.item()
        assert site.send(item).status == 202
        row, = worker.next("web")
        assert row["call_id"] == item["resourceData"]["id"]
        worker.done([row])
    finally:
        worker.connection.close()


def test_an_empty_queue_is_cheap(worker, owner):
    """Under a millisecond on a quiet machine; here the bound is loose."""
    worker.next()
    insert(owner, 20000)
    while batch := worker.next(most=5000):
        worker.done(batch)
    begin = time.monotonic()
    for _ in range(200):
        assert worker.next() == []
    assert (time.monotonic() - begin) / 200 < 0.02

