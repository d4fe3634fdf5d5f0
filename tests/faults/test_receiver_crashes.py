"""The receiver and the web server are killed, stopped and reloaded."""

import contextlib
import os
import signal
import struct

import pytest

from support.freeze import frozen
from support.full import full_only, length, only_in_full
from support.locks import locked, wait_until_blocked
from support.service import wait_until
from support.trial import during, recovers


def killed_and_started(one):
    """kill -9, and the next process as the service manager starts it."""
    one.receiver.kill()
    one.receiver.start()


def test_killed_in_the_middle_of_a_batch(begin):
    """The batch waits for a lock when the receiver dies: nobody was told."""
    one = begin(CALLHOOK_ACK_MS=5000)
    load = one.load(until=200)
    for _ in range(length(3, 20)):
        with locked(one.database):
            wait_until_blocked(one.database)
            killed_and_started(one)
        load.wait_for(200)
    recovers(one, later=0)
    assert load.counts().cut > 0


def test_killed_at_any_moment(begin):
    one = begin()
    load = one.load(rate=0, connections=16)
    for moment in range(length(8, 60)):
        load.wait_for(100 + 37 * moment)
        killed_and_started(one)
    recovers(one, later=0)


@full_only
def test_killed_at_any_moment_without_nginx(begin):
    """The answer that a peer has read is the one that counts."""
    one = begin()
    load = one.load(rate=0, connections=16, items=3, direct=True)
    for moment in range(length(8, 60)):
        load.wait_for(100 + 37 * moment)
        killed_and_started(one)
    recovers(one, later=0)


def test_killed_while_spooling(begin):
    """Whole files or none: what was answered is in a whole one."""
    one = begin(CALLHOOK_ACK_MS=100)
    load = one.load(rate=0, connections=16, until=100)
    with locked(one.database):
        one.wait_for_health(200, "spooling")
        for moment in range(length(5, 40)):
            load.wait_for(100 + 37 * moment)
            killed_and_started(one)
    recovers(one, later=0, seconds=length(40, 120))


def test_killed_while_draining(begin):
    one = begin(CALLHOOK_ACK_MS=300)
    load = one.load(rate=0, connections=16, until=100)
    with locked(one.database):
        one.wait_for_health(200, "spooling")
        load.wait_for(length(4000, 40000), seconds=120)
        load.stop()
    kills = 0
    while kills < length(4, 30):
        left = len(one.spool.files())
        if not left:
            break
        wait_until(lambda: len(one.spool.files()) < left, "draining", 10)
        killed_and_started(one)
        kills += 1
    assert kills > 0
    recovers(one, later=0, seconds=length(40, 120))
    assert one.spool.everything() == []


def test_a_file_that_a_dead_process_left_unfinished(begin):
    """It is nobody's promise: it is neither stored nor in the way."""
    one = begin(CALLHOOK_ACK_MS=300)
    load = one.load(until=100)
    (one.spool.path / ".0006-1-1.trusted.new").write_bytes(b"callhook sp")
    with locked(one.database):
        one.wait_for_health(200, "spooling")
        load.wait_for(200)
    recovers(one, later=0, cut=0)
    assert one.spool.rejects() == []


@pytest.mark.parametrize("number", [signal.SIGTERM,
                                    only_in_full(signal.SIGUSR1)])
def test_told_to_stop_under_load(begin, number):
    """What was accepted is answered; the next process serves the rest."""
    one = begin()
    load = one.load(rate=0, connections=16)
    for _ in range(length(5, 30)):
        load.wait_for(300)
        one.receiver.terminate(number)
        assert one.receiver.wait(10) == 0
        one.receiver.start()
    recovers(one, later=0, cut=0)


def test_told_to_stop_while_the_database_hangs(begin, cluster):
    """It ends in time, exit status 0, and the spool has what it took."""
    one = begin(CALLHOOK_ACK_MS=1000)
    load = one.load(until=200)
    with frozen(cluster):
        during(0.3, load)
        one.receiver.terminate()
        assert one.receiver.wait(5) == 0
        one.receiver.start()
        load.wait_for(100)
        one.receiver.terminate()
        assert one.receiver.wait(5) == 0
        one.receiver.start()
    recovers(one, later=0, cut=0)


@full_only
def test_one_of_two_receivers_is_killed(begin):
    one = begin()
    other = one.another_receiver()
    load = one.load(rate=0, connections=32)
    for _ in range(length(3, 20)):
        load.wait_for(300)
        other.kill()
        load.wait_for(300)
        other.start()
    recovers(one, later=0)


def test_two_receivers_empty_one_spool(begin):
    """One of them has filled it; both empty it, beside live traffic."""
    one = begin(CALLHOOK_ACK_MS=300)
    load = one.load(rate=0, connections=32, until=100)
    with locked(one.database):
        one.wait_for_health(200, "spooling")
        load.wait_for(length(3000, 30000), seconds=100)
        one.another_receiver()
        one.another_receiver()
        load.wait_for(length(1000, 10000), seconds=100)
    recovers(one, later=0, cut=0, seconds=length(40, 120))
    assert one.spool.everything() == []


def test_nginx_reloaded_under_load(begin):
    one = begin()
    load = one.load(rate=0, connections=32)
    for _ in range(length(4, 30)):
        load.wait_for(300)
        one.nginx.process.send_signal(signal.SIGHUP)
    recovers(one, later=0)


@full_only
def test_nginx_stopped_and_started(begin):
    """Requests that were handed over are stored, told or not."""
    one = begin()
    load = one.load(rate=0, connections=32)
    for moment in range(length(2, 10)):
        load.wait_for(300)
        # its workers would outlive a master that is killed alone
        os.killpg(one.nginx.pid,
                  signal.SIGTERM if moment % 2 else signal.SIGKILL)
        one.nginx.process.wait(10)
        wait_until(lambda: not somebody_listens(one), "the end of nginx")
        one.nginx.spawn([one.nginx._program(), "-p", one.nginx.home, "-e",
                         "stderr", "-c", one.nginx.home / "nginx.conf"])
    recovers(one, later=0)


def somebody_listens(one):
    """Whether somebody still listens where nginx did."""
    with contextlib.suppress(OSError):
        one.nginx.connection(1).connect()
        return True
    return False


class Clock:
    """Moves a receiver's time of day, at any moment."""

    def __init__(self, folder, tools):
        self.path = folder / "clock-shift"
        self.environment = {"LD_PRELOAD": tools / "clock.so",
                            "CLOCK_SHIFT": self.path,
                            # the sanitizer wants to be the first one
                            "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.set(0)

    def set(self, seconds):
        with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
            file.write(struct.pack("=q", seconds))


@pytest.mark.parametrize("jump", [-3600, only_in_full(-86400 * 40),
                                  only_in_full(86400 * 400)])
def test_the_clock_is_set(begin, folder, tools, jump):
    """Back an hour, back beyond the first partition, and far ahead; in
    live traffic, while spooling and while draining."""
    clock = Clock(folder, tools)
    one = begin(CALLHOOK_ACK_MS=300, environment=clock.environment)
    load = one.load(until=200)
    assert shifted_rows(one, jump) == 0
    clock.set(jump)
    load.wait_for(300)
    assert shifted_rows(one, jump) >= 200
    with locked(one.database):
        one.wait_for_health(200, "spooling")
        load.wait_for(100)
        clock.set(0)
        load.wait_for(100)
        clock.set(jump)
        load.wait_for(100)
    one.wait_for_health(200, "ok")
    clock.set(0)
    recovers(one, later=0, cut=0, slowest_ms=800)
    assert one.spool.everything() == []


def shifted_rows(one, jump):
    [row] = one.database.query(f"""
        SELECT count(*) AS n FROM callhook.notifications
        WHERE abs(extract(epoch FROM received_at - now()) - {jump}) < 600""")
    return row["n"]
