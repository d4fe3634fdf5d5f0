"""The database goes away in every way that we know, and comes back.

Nothing acknowledged is lost, nothing is stored twice, no answer is late, and
nobody has to touch anything."""

import contextlib
import subprocess
import time

import pytest

from support.database import Database
from support.freeze import frozen
from support.full import full_only, length, only_in_full
from support.later import Later
from support.locks import LOCK, locked, receiver_sessions
from support.notification import NIL, Subscription
from support.postgres import Cluster
from support.proxy import Proxy
from support.service import wait_until
from support.small_disks import fill_disk
from support.trial import MARGIN_MS, during, recovers

# Answers while the database hangs come after this time; less than the
# default, so that a quick run sees more of them.
ACK_MS = length(1000, 2000)
LATEST_MS = ACK_MS + MARGIN_MS


@pytest.fixture
def under_load(begin):
    """A trial that has been sent some items already."""
    one = begin(CALLHOOK_ACK_MS=ACK_MS)
    one.load(until=200)
    one.wait_for_health(200, "ok")
    return one


def lasts(one, seconds, word="spooling"):
    """The fault goes on for so long, and items are acknowledged."""
    [load] = one.loads
    one.wait_for_health(200, word)
    during(seconds, load)
    load.wait_for(100)
    assert not one.spool.empty()


def test_killed_and_restarted(under_load, cluster):
    cluster.kill()
    lasts(under_load, 0)
    cluster.start()
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


@full_only
def test_killed_again_and_again(under_load, cluster):
    [load] = under_load.loads
    for _ in range(length(2, 8)):
        cluster.kill()
        load.wait_for(100)
        cluster.start()
        under_load.wait_for_health(200, "ok")
        load.wait_for(300)
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


def test_stopped_for_a_while(under_load, cluster):
    cluster.stop()
    lasts(under_load, length(5, 60))
    cluster.start()
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS,
             seconds=length(40, 120))


def test_hanging(under_load, cluster):
    """SIGSTOP: connections stay open and nothing is answered."""
    with frozen(cluster):
        lasts(under_load, length(4, 20))
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS,
             seconds=length(40, 60))


def test_hanging_under_full_load(begin, cluster):
    """At any load: every slot in flight waits when the database stops."""
    one = begin(CALLHOOK_ACK_MS=ACK_MS, CALLHOOK_REQUESTS=64)
    load = one.load(connections=128, rate=0, direct=True, until=2000)
    with frozen(cluster):
        load.slowest_since()
        one.wait_for_health(200, "spooling")
        load.wait_for(2000)
        load.stop()
        slowest = load.slowest_since()
    recovers(one, later=0, cut=0)
    # 64 wait for the deadline, and 64 for these
    assert slowest <= 2 * LATEST_MS


def test_hanging_for_moments(under_load, cluster):
    """Stops that are shorter than the deadline: two of them in a request's
    time must not add up to more than it, also where it had to wait for a
    reading of the secrets first."""
    [load] = under_load.loads
    under_load.strangers(rate=50, connections=8)
    for _ in range(length(4, 20)):
        with frozen(cluster):
            during(0.7 * ACK_MS / 1000, load)
        load.wait_for(1)
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


def test_sessions_ended_in_a_loop(under_load):
    [load] = under_load.loads
    for _ in range(length(30, 300)):
        under_load.database.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE usename = 'test_receiver'
                AND datname = current_database()""")
        load.wait_for(5)
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


@full_only
def test_statements_cancelled_in_a_loop(under_load):
    [load] = under_load.loads
    for _ in range(length(30, 300)):
        under_load.database.execute("""
            SELECT pg_cancel_backend(pid) FROM pg_stat_activity
            WHERE usename = 'test_receiver'
                AND datname = current_database()""")
        load.wait_for(5)
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


def test_table_locked(under_load):
    with locked(under_load.database):
        lasts(under_load, length(2, 20))
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


def test_secrets_locked(under_load):
    """The reading of the secrets hangs; an item that needs it does not."""
    stranger = Subscription(NIL, NIL, "unknown")
    [load] = under_load.loads
    with under_load.database.session() as session:
        session.run(LOCK.replace("notifications", "subscriptions"))
        assert under_load.receiver.send(stranger.item()).status == 202
        load.wait_for(300)
        session.run("ROLLBACK")
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


def test_read_only(under_load):
    database = under_load.database
    database.execute(f"ALTER DATABASE {database.name} SET "
                     "default_transaction_read_only = on")
    for session in receiver_sessions(database):
        database.execute(f"SELECT pg_terminate_backend({session['pid']})")
    lasts(under_load, length(0.5, 10))
    database.execute("SET default_transaction_read_only = off; "
                     f"ALTER DATABASE {database.name} RESET "
                     "default_transaction_read_only")
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


@full_only
def test_no_rights(under_load):
    """Somebody has taken the right to insert away, and gives it back."""
    database = under_load.database
    with database.session() as session:
        columns = session.run("""
            SELECT string_agg(column_name, ', ')
            FROM information_schema.column_privileges
            WHERE table_schema = 'callhook_store'
                AND table_name = 'notifications'
                AND grantee = 'callhook_receiver'""").strip()
        session.run(f"REVOKE INSERT ({columns}) "
                    "ON callhook_store.notifications FROM callhook_receiver")
        lasts(under_load, length(0.5, 10))
        session.run(f"GRANT INSERT ({columns}) "
                    "ON callhook_store.notifications TO callhook_receiver")
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


# Not for what the rows hold: they would pass another time.
STATES = ["40001", "40P01", "53100", "53200", "53300", "55P03", "57014",
          "57P01", "58030", "72000", "F0000", "XX000", "XX001"]


def test_every_other_fault_of_a_statement(under_load):
    """Each SQLSTATE that says nothing of the rows themselves."""
    database = under_load.database
    [load] = under_load.loads
    for state in STATES:
        database.alter(f"""
            CREATE OR REPLACE FUNCTION public.fail() RETURNS trigger
            LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'a fault' USING ERRCODE = '{state}';
            END $$;
            CREATE OR REPLACE TRIGGER fail BEFORE INSERT
            ON callhook_store.notifications
            FOR EACH ROW EXECUTE FUNCTION public.fail()""")
        load.wait_for(length(60, 600))
    database.alter("DROP TRIGGER fail ON callhook_store.notifications")
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)
    assert under_load.spool.rejects() == []


class TinyCluster(Cluster):
    """A cluster with two connections for those who are no superusers."""

    SETTINGS = {**Cluster.SETTINGS, "max_connections": "5",
                "superuser_reserved_connections": "3",
                "max_wal_senders": "0"}


def test_out_of_connections(folder, begin):
    with TinyCluster(folder) as cluster:
        database = cluster.create_database()
        cluster.execute("CREATE ROLE somebody LOGIN")
        one = begin(database, CALLHOOK_ACK_MS=ACK_MS)
        one.load(until=200)
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                database.session("somebody")).run("SELECT 1")
            second = stack.enter_context(database.session("postgres"))
            # as soon as the receiver is out, somebody else is in
            second.run("""
                ALTER ROLE test_receiver CONNECTION LIMIT 0;
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE usename = 'test_receiver'""")
            stack.enter_context(
                database.session("somebody")).run("SELECT 1")
            second.run("ALTER ROLE test_receiver CONNECTION LIMIT -1")
            lasts(one, length(1, 10))
        recovers(one, later=0, cut=0, slowest_ms=LATEST_MS)
        one.close()


def test_disk_full(small_disk, begin):
    """No room for rows, then none for the log either: PostgreSQL panics and
    starts by itself when there is room again."""
    disk = small_disk("170m")
    with Cluster(disk) as cluster:
        database = cluster.create_database()
        one = begin(database, CALLHOOK_ACK_MS=ACK_MS)
        load = one.load(items=20, until=1000)
        ballast = fill_disk(disk, 300000)
        wait_until(lambda: not one.spool.empty(), "something is spooled")
        load.wait_for(length(3000, 30000))
        during(length(1, 10), load)
        ballast.unlink()
        if not cluster.alive():
            cluster.process = None
            cluster.start()
        recovers(one, later=0, cut=0, slowest_ms=LATEST_MS, more=2000)
        one.close()


@pytest.mark.parametrize("mode", ["silent", "starting",
                                  only_in_full("cut")])
def test_another_thing_answers_for_the_database(begin, cluster, mode):
    """A black hole that accepts and says nothing, a server that starts up,
    one that hangs up; from the beginning, and in the middle."""
    with Proxy(cluster) as proxy:
        one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
        one.load(until=200)
        proxy.mode = mode
        one.database.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE usename = 'test_receiver'
                AND datname = current_database()""")
        lasts(one, length(2, 20))
        proxy.mode = "pass"
        recovers(one, later=0, cut=0, slowest_ms=LATEST_MS)
        one.close()


@pytest.mark.parametrize("full_backlog", [False, True])
def test_a_black_hole_from_the_beginning(begin, cluster, full_backlog):
    """The address takes the connection and never answers, or never even
    takes it; the receiver knows no secret yet, so all items are doubtful."""
    proxy = Proxy(cluster, backlog=0 if full_backlog else 16)
    if full_backlog:
        proxy.fill_backlog()
    else:
        proxy.mode = "silent"
        proxy.__enter__()
    try:
        one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
        load = one.load(subscription=one.subscribe())
        lasts(one, length(2, 20))
        if full_backlog:
            proxy.__enter__()
        proxy.mode = "pass"
        recovers(one, later=0, cut=0, slowest_ms=LATEST_MS)
        assert load.counts().acknowledged > 100
        one.close()
    finally:
        proxy.__exit__()


@full_only
def test_a_database_that_is_made_later(begin, cluster, database):
    """The receiver is there before the schema that it needs."""
    name = "later_" + database.name
    cluster.execute(f"CREATE DATABASE {name}")
    try:
        later = Database(cluster, name)
        one = begin(later, CALLHOOK_ACK_MS=ACK_MS)
        subscription = Subscription(
            "11111111-2222-4333-8444-555555555555", NIL, "secret")
        one.load(subscription=subscription)
        lasts(one, 0)
        cluster.install(name)
        later.subscribe(subscription_id=subscription.subscription_id,
                        secret=subscription.secret)
        one.settle()
        # the tenant's id is another: nothing is stored, nothing is left
        assert later.count() == 0
        one.close()
    finally:
        cluster.drop_database(name)


@full_only
def test_restarted_by_its_own_tools(under_load, cluster):
    """As an upgrade of the package does it: fast, then smart."""
    for mode in ("fast", "immediate"):
        done = subprocess.run(
            [cluster.bin / "pg_ctl", "-D", cluster.data, "-m", mode, "stop"],
            capture_output=True, text=True, cwd="/", **cluster.identity)
        assert done.returncode == 0, done.stderr
        under_load.wait_for_health(200, "spooling")
        cluster.process.wait(20)
        cluster.process = None
        cluster.start()
        under_load.wait_for_health(200, "ok")
    recovers(under_load, later=0, cut=0, slowest_ms=LATEST_MS)


def test_a_doubtful_item_keeps_its_own_deadline(begin):
    """It had to wait for the secrets, and is then in one batch with a
    request that came later; the batch hangs."""
    one = begin(CALLHOOK_ACK_MS=ACK_MS, nginx=False)
    one.know(one.subscribe())
    one.wait_for_health(200, "ok")
    good = one.subscription.item
    with one.database.session() as secrets, one.database.session() as rows:
        rows.run(LOCK)
        secrets.run(LOCK.replace("notifications", "subscriptions"))
        doubtful = Later(timed, one.receiver.send, good(),
                         good(clientState="wrong"))
        during(0.75 * ACK_MS / 1000)
        known = Later(timed, one.receiver.send, good())
        wait_until(lambda: waits_for_secrets(one), "the secrets are read")
        secrets.run("ROLLBACK")
        for each in (doubtful, known):
            answer, seconds = each.result()
            assert answer.status == 202
            assert seconds * 1000 <= LATEST_MS
        rows.run("ROLLBACK")
    one.wait_until_drained()
    assert one.database.count() == 3


def timed(function, *arguments):
    start = time.monotonic()
    value = function(*arguments)
    return value, time.monotonic() - start


def waits_for_secrets(one):
    return receiver_sessions(one.database, "wait_event_type = 'Lock' "
                             "AND query LIKE '%good_secrets%'")
