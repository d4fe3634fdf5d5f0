"""A list of hosts, of which the first takes connections and no rows."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.postgres import Cluster
from support.receiver import run_program, run_cgi
from support.notification import collection
from support.service import wait_until
from support.trial import MARGIN_MS, check

ACK_MS = 1000


class Pair:
    """Two servers with a database of the same name and secrets."""

    def __init__(self, first, second):
        self.servers = first, second
        self.first = first.create_database()
        self.second = second.create_database(self.first.name)
        self.known = self.first.subscribe()
        self.second.subscribe(subscription_id=self.known.subscription_id,
                              tenant_id=self.known.tenant_id,
                              secret=self.known.secret)

    def environment(self):
        """libpq's variables for both, the first one first."""
        homes = ",".join(str(server.home) for server in self.servers)
        return {**self.first.environment(), "PGHOST": homes}

    def set(self, name, value):
        """Change a setting of the first server."""
        self.servers[0].execute(f"ALTER SYSTEM SET {name} = {value}")
        self.servers[0].execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.servers[0].query(
            f"SELECT current_setting('{name}') = {value} AS is_set")
                   [0]["is_set"], f"{name} is set")


@pytest.fixture
def pair(folder):
    with Cluster(folder) as first, Cluster(folder) as second:
        made = Pair(first, second)
        yield made
        made.set("synchronous_standby_names", "''")


@pytest.fixture
def commits_no_more(pair):
    """The old primary after a failover: its standby is gone."""
    return lambda: pair.set("synchronous_standby_names", "'nobody'")


def start(begin, pair, spool=None):
    return begin(pair.second, environment=pair.environment(), spool=spool,
                 CALLHOOK_ACK_MS=ACK_MS)


def test_the_first_commits_no_more(begin, pair, commits_no_more):
    one = start(begin, pair)
    load = one.load(subscription=pair.known, until=50)
    commits_no_more()
    # It spools for a moment only: a look at its health may come too late.
    wait_until(lambda: "did not answer in time" in one.receiver.log(),
               "the first one is given up", 5)
    one.wait_for_health(200, "ok", seconds=15)
    load.wait_for(200)
    load.stop()
    one.wait_until_drained()
    counts = load.counts()
    assert counts.slowest_ms <= ACK_MS + MARGIN_MS
    # Nothing is lost: each is in one of the two, or in both.
    both = {row["notification_id"] for database in (pair.first, pair.second)
            for row in database.rows(pair.known)}
    assert len(both) >= counts.acknowledged


def test_the_first_never_committed(begin, pair, commits_no_more):
    commits_no_more()
    one = start(begin, pair)
    one.wait_for_health(200, "ok", seconds=15)
    one.load(subscription=pair.known, until=200)
    one.settle()
    check(one, later=0, cut=0)


def test_the_wait_for_one_keeps_nobody(begin, pair, commits_no_more):
    """The second one comes later: it is tried all the time."""
    commits_no_more()
    pair.servers[1].stop()
    one = start(begin, pair)
    one.wait_for_health(200, "spooling", seconds=15)
    assert one.receiver.send(pair.known.item()).status == 202
    wait_until(lambda: pair.servers[0].query("""
        SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'"""),
               "the first one owes an answer")
    pair.servers[1].start()
    one.wait_for_health(200, "ok", seconds=6)
    one.wait_until_drained()
    assert len(pair.second.rows(pair.known)) == 1


def test_what_is_given_up_ends(begin, pair, commits_no_more):
    """A process that waits for a standby takes no notice of its client."""
    commits_no_more()
    pair.servers[1].stop()
    one = start(begin, pair)
    waiting = """SELECT pid FROM pg_stat_activity
                 WHERE wait_event = 'SyncRep'"""
    first, = wait_until(lambda: pair.servers[0].query(waiting), "one waits")
    wait_until(lambda: first not in pair.servers[0].query(waiting), "it ended")
    assert one.health() == (200, "spooling")


def test_what_was_given_up_stays_in_the_spool(begin, pair, commits_no_more):
    """It is visible, and the standby has not got it: another receiver, whose
    connection is well, must not take it for stored."""
    pair.servers[1].stop()
    server = pair.servers[0]
    other = start(begin, pair)
    callhook = """SELECT pid FROM pg_stat_activity
                  WHERE application_name = 'callhook'"""
    other.wait_for_health(200, "ok")
    [its] = server.query(callhook)
    one = start(begin, pair, spool=other.spool.path)
    one.wait_for_health(200, "ok")
    # Each writes its minute when that is over, and would wait with it.
    wait_until(lambda: time.time() % 60 < 35, "time until the minute's end", 30)
    commits_no_more()
    assert one.receiver.send(pair.known.item()).status == 202
    assert len(one.spool.files()) == 1
    wait_until(lambda: len(pair.first.rows(pair.known)) == 1, "it is visible")
    wait_until(lambda: its in server.query(
        callhook + " AND wait_event = 'SyncRep'"), "the other waits, too")
    assert len(one.spool.files()) == 1


def test_a_wait_that_somebody_ends_is_no_commit(begin, pair, commits_no_more):
    """The server says so all the same, and the row may be lost with it."""
    pair.servers[1].stop()
    one = start(begin, pair)
    one.wait_for_health(200, "ok")
    commits_no_more()
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(one.receiver.send, pair.known.item())
        wait_until(lambda: pair.servers[0].query("""
            SELECT pg_cancel_backend(pid) FROM pg_stat_activity
            WHERE wait_event = 'SyncRep' AND query LIKE '%COPY%'"""),
                   "its wait is ended")
        assert sent.result().status == 202
    assert len(pair.first.rows(pair.known)) == 1
    assert len(one.spool.files()) == 1


def test_one_that_is_read_only_is_named(begin, pair):
    pair.set("default_transaction_read_only", "'on'")
    try:
        one = start(begin, pair)
        one.wait_for_health(200, "ok", seconds=15)
        assert one.receiver.send(pair.known.item()).status == 202
        assert len(pair.second.rows(pair.known)) == 1
        assert "read-only" in one.receiver.log()
        pair.servers[1].stop()
        assert one.receiver.send(pair.known.item()).status == 202
        done = run_program("--drain", settings=[
            pair.environment(), {"CALLHOOK_SPOOL": one.spool.path}])
        assert done.returncode == 1
        assert b"read-only" in done.stderr
        chosen = {**pair.environment(), "PGTARGETSESSIONATTRS": "any"}
        done = run_program("--drain", settings=[
            chosen, {"CALLHOOK_SPOOL": one.spool.path}])
        assert done.returncode == 1
        assert b"read-only" in done.stderr
        pair.servers[1].start()
        one.wait_for_health(200, "ok", seconds=10)
        one.wait_until_drained()
        assert len(pair.second.rows(pair.known)) == 2
    finally:
        pair.servers[0].execute(
            "SET default_transaction_read_only = off; "
            "ALTER SYSTEM RESET default_transaction_read_only")


def test_drain_and_cgi_pass_over_it(pair, commits_no_more, tmp_path):
    commits_no_more()
    settings = [pair.environment(), {"CALLHOOK_SPOOL": tmp_path}]
    tmp_path.chmod(0o700)
    assert run_cgi(*settings, body=collection(pair.known.item())).status == 202
    done = run_program("--drain", settings=settings)
    assert done.returncode == 0
    assert not list(tmp_path.glob("*.trusted"))
    assert len(pair.second.rows(pair.known)) == 1
