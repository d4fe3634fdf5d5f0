"""The spool: what it holds, what it refuses, and what leaves it."""

import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess

import pytest

from support.full import full_only, length, only_in_full
from support.locks import locked
from support.notification import ABSENT, NIL, Subscription
from support.receiver import Receiver, run_program
from support.service import wait_until
from support.small_disks import fill_disk
from support.trial import check, during, recovers

ACK_MS = 300
AWAY = {"CALLHOOK_ACK_MS": ACK_MS}


@contextlib.contextmanager
def database_away(one):
    """The table locked: a cheap way to have the database take nothing."""
    with locked(one.database) as session:
        wait_until(lambda: one.receiver.send(
            one.subscription.item()).status in (202, 503)
            and one.health() != (200, "ok"), "the database is away")
        yield session


def begin_known(begin, **details):
    """A trial that has read the secret of its subscription."""
    one = begin(**{**AWAY, **details})
    one.know(one.subscribe())
    one.wait_for_health(200, "ok")
    return one


def stored_calls(one, subscription=None):
    return [row["call_id"] for row in one.database.rows(subscription)]


def call_of(item):
    return item["resourceData"]["id"]


def assert_stored_once(one, *items):
    calls = stored_calls(one)
    assert [calls.count(call_of(item)) for item in items] == [1] * len(items)


def drain(one, *arguments, **settings):
    """callhook --drain on this trial's spool."""
    return run_program(
        "--drain", *arguments, settings=[*one.settings, settings])


# --- No room ----------------------------------------------------------------

def both_gone(one, load, word):
    """Neither takes anything: 503, and what was acknowledged is there."""
    with database_away(one):
        load.wait_for(200, what="later")
        one.wait_for_health(503, word)
        before = load.counts().acknowledged
        load.wait_for(100, what="later")
        assert one.health() == (503, word)
        return before


NEITHER = "neither database nor spool"


def test_spool_full_by_its_limit(begin):
    limit = 300_000
    one = begin(**AWAY, CALLHOOK_SPOOL_MAX=limit)
    load = one.load(until=100)
    both_gone(one, load, NEITHER)
    assert one.spool.bytes() <= limit
    recovers(one, cut=0)


def test_disk_of_the_spool_full(begin, small_disk):
    disk = small_disk("1m")
    one = begin(**AWAY, spool=disk / "spool")
    load = one.load(until=100)
    both_gone(one, load, NEITHER)
    recovers(one, cut=0)
    assert one.spool.everything() == []


@full_only
def test_no_inodes_for_the_spool(begin, small_disk):
    """Room for bytes, none for files: it is ended by somebody else."""
    disk = small_disk("1m,nr_inodes=40")
    one = begin(**AWAY, spool=disk / "spool")
    load = one.load(until=100)
    both_gone(one, load, NEITHER)
    recovers(one, cut=0)


def test_no_folder_for_the_spool(begin):
    """The folder is gone, and is there again."""
    one = begin(**AWAY)
    load = one.load(until=100)
    one.spool.path.rmdir()
    with database_away(one):
        load.wait_for(100, what="later")
        assert one.health() == (503, NEITHER)
        one.spool.path.mkdir(mode=0o700)
        one.wait_for_health(200, "spooling")
        load.wait_for(100)
    recovers(one, cut=0)


def test_a_read_only_disk_is_told_at_the_start(begin, small_disk):
    """And not only when the database is away: systemd shows a service all
    folders so that its unit does not name."""
    disk = small_disk("1m")
    (disk / "spool").mkdir(mode=0o700)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    one = begin(**AWAY, spool=disk / "spool")
    told = [line for line in one.receiver.log().splitlines()
            if "the spool" in line]
    assert told == ["callhook: the spool does not take a file: "
                    "Read-only file system"]
    one.know(one.subscribe())
    one.wait_for_health(200, "ok")


def test_room_again(begin, small_disk):
    """The disk of the spool is full for a while; the database stays away."""
    disk = small_disk("2m")
    one = begin(**AWAY, spool=disk / "spool")
    load = one.load(until=100)
    with database_away(one):
        load.wait_for(100)
        ballast = fill_disk(disk)
        load.wait_for(100, what="later")
        one.wait_for_health(503, NEITHER)
        ballast.unlink()
        load.wait_for(100)
        one.wait_for_health(200, "spooling")
    recovers(one, cut=0)


@contextlib.contextmanager
def names_not_kept(one):
    """Each fsync of the spool's folder fails, as on a disk that breaks."""
    with subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-P", one.spool.path, "-e",
             "inject=fsync:error=EIO", "-p", str(one.receiver.pid)],
            stderr=subprocess.PIPE, text=True) as broken:
        try:
            assert "attached" in broken.stderr.readline()
            yield
        finally:
            broken.terminate()


def test_a_folder_that_does_not_keep_names(begin):
    """A file is durable with its name only; one that is not is no promise."""
    one = begin_known(begin)
    with names_not_kept(one), database_away(one):
        assert one.receiver.send(one.subscription.item()).status == 503
        assert one.health() == (503, NEITHER)
        assert one.spool.empty()
        assert ("callhook: the spool does not keep names of files: "
                "Input/output error") in one.receiver.log().splitlines()
    one.wait_for_health(200, "ok")


def test_files_that_cannot_be_removed_count_once(begin, cluster, database,
                                                 small_disk):
    """Their disk has become read-only. They are tried again and again."""
    database.execute(f"ALTER DATABASE {database.name} SET log_statement = 'all'")
    disk = small_disk("1m")
    one = begin_known(begin, spool=disk / "spool")
    with database_away(one):
        assert one.receiver.send(
            one.subscription.item(),
            one.subscription.item(clientState="wrong")).status == 202
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        spooled = len(one.spool.files())
    one.wait_for_health(200, "ok")
    wait_until(lambda: cluster.log().count("ON CONFLICT DO NOTHING")
               > 2 * spooled, "a second try")
    assert one.receiver.end(signal.SIGTERM) == 0
    assert database.query("""
        SELECT sum(stored) AS stored, sum(refused_secret) AS refused
        FROM callhook.receiver_minutes""") == [
            {"stored": database.count() - spooled, "refused": 0}]
    for path in one.spool.files():
        assert drain(one, str(path)).returncode == 1


# --- What health says -------------------------------------------------------

def test_health_at_every_moment(begin):
    one = begin_known(begin)
    with database_away(one):
        assert one.health() == (200, "spooling")
    one.wait_for_health(200, "ok", seconds=5)
    one.wait_until_drained(10)
    assert one.health() == (200, "ok")


# --- Strangers --------------------------------------------------------------

def test_strangers_fill_a_sixteenth(begin):
    limit = 1_600_000
    one = begin_known(begin, CALLHOOK_SPOOL_MAX=limit)
    strangers = one.strangers(rate=0, items=20)
    with database_away(one):
        strangers.wait_for(200, what="later")
        assert one.spool.bytes() <= limit / 16 + 20_000
        assert one.health() == (200, "spooling")
        # and those that are known find room
        good = one.load(rate=200, until=200)
        assert good.counts().later == 0
    result = recovers(one, cut=0, more=100)
    assert result.acknowledged == result.stored


@full_only
def test_spooled_strangers_are_refused_on_draining(begin):
    one = begin_known(begin)
    strange = one.strangers(rate=200)
    with database_away(one):
        strange.wait_for(100)
        strange.stop()
        assert one.spool.files()
    one.wait_until_drained()
    assert len(stored_calls(one)) == 1 + len(known_probes(one))
    assert one.spool.everything() == []


def known_probes(one):
    """What database_away sent, of our own subscription."""
    return stored_calls(one, one.subscription)[1:]


def test_a_secret_announced_while_its_items_are_in_the_spool(begin):
    one = begin_known(begin)
    late = Subscription("99999999-0000-4000-8000-000000000001",
                                "99999999-0000-4000-8000-000000000002",
                                "announced later")
    items = [late.item() for _ in range(5)]
    with database_away(one):
        for item in items:
            assert one.receiver.send(item).status == 202
        assert one.spool.files()
        one.database.subscribe(subscription_id=late.subscription_id,
                               tenant_id=late.tenant_id, secret=late.secret)
    one.wait_until_drained()
    assert_stored_once(one, *items)


def test_a_secret_that_ended_while_its_items_were_in_the_spool(begin):
    """Good when it arrived: it ended 24 hours ago a moment later."""
    one = begin_known(begin)
    ended = one.database.subscribe(ended="23 hours 59 minutes 58 seconds")
    item = ended.item()
    with database_away(one):
        assert one.receiver.send(item).status == 202
        assert one.spool.files()
        during(2.5)
    one.wait_until_drained()
    assert_stored_once(one, item)


def test_mixed_requests(begin):
    """A known item, a stranger's and a later known one in one request."""
    one = begin_known(begin)
    late = Subscription("99999999-0000-4000-8000-000000000003",
                                NIL, "later")
    mixed = [(one.subscription.item(), late.item(tenantId=ABSENT),
              one.subscription.item(clientState="wrong"))
             for _ in range(20)]
    with database_away(one):
        for items in mixed:
            assert one.receiver.send(*items).status == 202
        one.database.subscribe(subscription_id=late.subscription_id,
                               tenant_id=late.tenant_id, secret=late.secret)
    one.wait_until_drained()
    calls = stored_calls(one)
    for good, announced, wrong in mixed:
        assert calls.count(call_of(good)) == 1
        assert calls.count(call_of(announced)) == 1
        assert call_of(wrong) not in calls


# --- Files ------------------------------------------------------------------

def test_files_are_whole_and_ours_alone(begin):
    one = begin_known(begin)
    load = one.load()
    with database_away(one):
        load.wait_for(200)
        assert one.spool.modes() == {0o600}
        text = b"".join(path.read_bytes() for path in one.spool.files())
        assert one.subscription.secret.encode() not in text
    recovers(one, later=0, cut=0)
    assert one.spool.everything() == []


DAMAGES = {
    "cut": lambda data: data[:len(data) // 2],
    "empty": lambda data: b"",
    "changed": lambda data: data[:60] + b"?" + data[61:],
    "longer": lambda data: data + b"x",
    "another": lambda data: b"what is this?\n",
    "newer": lambda data: data.replace(b"spool 1\n", b"spool 2\n"),
}


def test_damaged_files_are_put_aside(begin):
    """They hold up nobody, and nothing of them is thrown away."""
    one = begin_known(begin)
    items = [one.subscription.item() for _ in range(10)]
    damaged = {}
    with database_away(one):
        for item in items:
            assert one.receiver.send(item).status == 202
        files = one.spool.files()
        assert len(files) >= len(DAMAGES)
        for path, (name, damage) in zip(files, DAMAGES.items()):
            whole = path.read_bytes()
            path.write_bytes(damage(whole))
            damaged[path.name] = (name, damage(whole), whole)
        before = len(files)
    one.wait_until_drained(10)
    assert before - len(DAMAGES) > 0
    rejects = {path.name: path for path in one.spool.rejects()}
    assert rejects.keys() == damaged.keys()
    for name, (_, data, _) in damaged.items():
        assert rejects[name].read_bytes() == data
        reason = rejects[name].with_name(name + ".reason")
        assert len(reason.read_text().splitlines()) == 1
    # repaired, they are stored after all
    for name, (_, _, whole) in damaged.items():
        rejects[name].write_bytes(whole)
        assert drain(one, str(rejects[name])).returncode == 0
    assert_stored_once(one, *items)
    assert one.spool.everything() == []


@pytest.mark.parametrize("stranger", [
    "fifo", *map(only_in_full, ("folder", "link", "name"))])
def test_what_is_no_file_of_ours_stays(begin, stranger):
    """Whatever else lies in the folder does no harm."""
    one = begin_known(begin)
    path = one.spool.path / "0006000000000000-1-0.trusted"
    if stranger == "folder":
        path.mkdir()
    elif stranger == "link":
        path.symlink_to("/etc/passwd")
    elif stranger == "fifo":
        os.mkfifo(path, 0o600)
    else:
        path = one.spool.path / "notes.txt"
        path.write_text("mine\n")
    items = [one.subscription.item() for _ in range(3)]
    with database_away(one):
        for item in items:
            assert one.receiver.send(item).status == 202
    wait_until(lambda: all(call_of(item) in stored_calls(one)
                           for item in items), "drained", 10)
    one.wait_for_health(200, "ok")
    assert one.receiver.alive()
    if stranger == "name":
        assert path.read_text() == "mine\n"
        path.unlink()


# --- Rows that the database refuses -----------------------------------------

CONSTRAINT = """
    ALTER TABLE callhook_store.notifications
    ADD CONSTRAINT no_such CHECK (resource NOT LIKE '%/refuse')"""


def refused_item(subscription):
    item = subscription.item()
    item["resource"] += "/refuse"
    return item


@pytest.mark.parametrize("through_spool", [False, True])
def test_a_row_that_the_database_refuses(begin, through_spool):
    one = begin_known(begin, **({} if through_spool
                                else {"CALLHOOK_ACK_MS": 5000}))
    one.database.alter(CONSTRAINT)
    good = [one.subscription.item() for _ in range(40)]
    bad = refused_item(one.subscription)
    items = [*good[:20], bad, *good[20:]]
    if through_spool:
        with database_away(one):
            assert one.receiver.send(*items).status == 202
        one.wait_until_drained(10)
    else:
        assert one.receiver.send(*items).status == 202
    assert_stored_once(one, *good)
    assert call_of(bad) not in stored_calls(one)

    [row] = one.spool.rejects()
    reason = row.with_name(row.name + ".reason").read_text()
    assert re.search(r"\b23514\b", reason), reason
    assert one.spool.modes() == {0o600}

    # as long as the constraint is there it stays, and holds up nobody
    assert drain(one).returncode == 0
    again = drain(one, str(row))
    kept = one.spool.rejects()
    assert len(kept) == 1, again.stderr
    assert call_of(bad) not in stored_calls(one)
    more = one.subscription.item()
    assert one.receiver.send(more).status == 202
    assert_stored_once(one, more)

    one.database.alter("ALTER TABLE callhook_store.notifications "
                         "DROP CONSTRAINT no_such")
    assert drain(one, str(kept[0])).returncode == 0
    assert_stored_once(one, bad, *good)
    assert one.spool.everything() == []


def test_a_refused_row_that_cannot_be_put_aside(begin):
    """It stays, and the database is there for all others."""
    one = begin_known(begin)
    one.database.alter(CONSTRAINT)
    one.spool.rejected.mkdir()
    one.spool.rejected.chmod(0o777)
    bad = refused_item(one.subscription)
    with database_away(one):
        assert one.receiver.send(bad).status == 202
    one.wait_for_health(200, "ok")
    good = one.subscription.item()
    assert one.receiver.send(good).status == 202
    assert_stored_once(one, good)
    wait_until(lambda: len(one.spool.files()) == 1, "the others are drained")
    one.receiver.terminate()
    assert one.receiver.wait() == 0
    [counted] = one.database.query(
        "SELECT sum(stored) AS stored FROM callhook.receiver_minutes")
    assert counted["stored"] == len(stored_calls(one))
    one.spool.rejected.chmod(0o700)
    assert drain(one).returncode == 0
    assert len(one.spool.rejects()) == 1


def test_refused_rows_under_load(begin):
    """Many bad rows between good ones of others, at any time."""
    one = begin_known(begin)
    load = one.load()
    one.database.alter(CONSTRAINT)
    bad = [refused_item(one.subscription)
           for _ in range(length(20, 200))]
    for item in bad[::2]:
        assert one.receiver.send(item).status == 202
    with database_away(one):
        for item in bad[1::2]:
            assert one.receiver.send(item).status == 202
        load.wait_for(100)
    one.settle()
    # one that was in doubt may be there twice, and is stored once
    assert len(bad) <= len(one.spool.rejects()) <= len(bad) + 5
    check(one, later=0, cut=0)
    one.database.alter("ALTER TABLE callhook_store.notifications "
                         "DROP CONSTRAINT no_such")
    for path in one.spool.rejects():
        assert drain(one, str(path)).returncode == 0
    assert_stored_once(one, *bad)
    assert one.spool.everything() == []


def test_a_refused_row_without_a_spool(launch_without_spool):
    """There is no place to put it aside: it is not acknowledged."""
    receiver, database, subscription = launch_without_spool
    database.alter(CONSTRAINT)
    good = subscription.item()
    answer = receiver.send(good, refused_item(subscription))
    assert answer.status == 503
    assert receiver.send(subscription.item()).status == 202


@pytest.fixture
def launch_without_spool(folder, database):
    with Receiver(folder, database.environment()) as receiver:
        yield receiver, database, database.subscribe()


# --- callhook --drain -------------------------------------------------------

def test_drain_empties_what_a_receiver_left(begin):
    one = begin_known(begin)
    load = one.load()
    with database_away(one):
        load.wait_for(300)
        load.stop()
        one.receiver.terminate()
        assert one.receiver.wait() == 0
        # it waits until the database has had its chance
        assert drain(one, PGOPTIONS="-c lock_timeout=200ms").returncode == 1
        assert not one.spool.empty()
    done = drain(one)
    assert done.returncode == 0, done.stderr
    assert one.spool.everything() == []
    check(one, acknowledged=300, later=0, cut=0)
    assert drain(one).returncode == 0


def test_drain_without_a_database(begin):
    one = begin_known(begin)
    nowhere = {"PGHOST": str(one.folder / "nowhere")}
    assert drain(one, **nowhere).returncode == 0    # nothing is left
    with database_away(one):
        one.receiver.terminate()
        one.receiver.wait()
        assert drain(one, **nowhere).returncode == 1
    assert drain(one).returncode == 0


def test_two_receivers_and_drain_at_the_same_time(begin):
    """All of them on one folder, with live traffic beside."""
    one = begin_known(begin)
    one.another_receiver()
    load = one.load(connections=64)
    for _ in range(length(1, 5)):
        with database_away(one):
            load.wait_for(length(1000, 10000), seconds=60)
        # as cron does it, but more often
        while not one.spool.empty():
            assert drain(one).returncode in (0, 1)
        one.wait_for_health(200, "ok")
    recovers(one, later=0, cut=0)
    assert one.spool.everything() == []


@full_only
def test_several_drains_at_once(begin):
    one = begin_known(begin)
    load = one.load(connections=8, rate=0)
    with database_away(one):
        load.wait_for(2000)
        load.stop()
        one.receiver.terminate()
        one.receiver.wait()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: drain(one), range(4)))
    assert all(each.returncode in (0, 1) for each in done)
    assert drain(one).returncode == 0
    check(one, acknowledged=2000, later=0, cut=0)
    assert one.spool.everything() == []


def test_large_items_do_not_block_the_spool(begin):
    """A spool of many megabytes leaves it in steps that the database takes
    in time."""
    one = begin_known(begin)
    items = [one.subscription.item(note="x" * 1_000_000)
             for _ in range(length(24, 120))]
    with database_away(one):
        for item in items:
            assert one.receiver.send(item).status == 202
    one.wait_until_drained(length(30, 60))
    assert_stored_once(one, *items)


def test_oldest_first(begin):
    one = begin_known(begin)
    load = one.load(connections=4)
    with database_away(one):
        load.wait_for(length(1000, 5000), seconds=60)
        load.stop()
    one.wait_until_drained()
    [row] = one.database.query("""
        SELECT count(*) AS n FROM (
            SELECT received_at, stored_at,
                   max(stored_at) OVER (ORDER BY received_at) AS latest
            FROM callhook.notifications) AS q
        WHERE latest - stored_at > interval '1 second'""")
    assert row["n"] == 0
    check(one, later=0, cut=0)


def test_draining_does_not_hold_up_live_traffic(begin):
    one = begin_known(begin, CALLHOOK_ACK_MS=1000)
    load = one.load(connections=32, items=20, rate=0, direct=True)
    with database_away(one):
        load.wait_for(length(10000, 100000), seconds=100)
        load.stop()
    live = one.load(rate=100, connections=8)
    one.wait_for_health(200, "ok")
    live.wait_for(5)
    live.slowest_since()
    one.settle(more=100, seconds=length(40, 120))
    assert live.slowest_since() < 500
    check(one, later=0, cut=0)
