"""Every answer comes within 3 s, whatever holds up the work."""

import contextlib
import os
import resource
import subprocess
import threading
import time

import pytest

from support.fastcgi import FastCGI
from support.notification import collection
from support.project import PROGRAM
from support.receiver import Receiver, cgi_variables
from support.service import minimal_environment, wait_until
from support.spool import Spool
from support.trial import MARGIN_MS, check

ACK_MS = 1000


def lock_of_this_month(database):
    """What VACUUM FULL takes: the partition alone, the table stays free."""
    [found] = database.query("""
        SELECT inhrelid::regclass AS name FROM pg_inherits
        WHERE inhparent = 'callhook_store.notifications'::regclass
            AND to_char(now(), 'YYYY_MM') = right(inhrelid::regclass::text, 7)
        """)
    return f"BEGIN; LOCK TABLE {found['name']} IN ACCESS EXCLUSIVE MODE"


def test_only_this_month_is_locked(begin):
    one = begin(CALLHOOK_ACK_MS=ACK_MS)
    load = one.load(rate=0, connections=400, direct=True, until=1000)
    with one.database.session() as session:
        session.run(lock_of_this_month(one.database))
        load.slowest_since()
        one.wait_for_health(200, "spooling", seconds=5)
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert one.health() == (200, "spooling")
            load.wait_for(100)
        load.stop()
        slowest = load.slowest_since()
        session.run("ROLLBACK")
    one.settle()
    check(one, later=0, cut=0)
    # also of those that waited for their turn while others were waited for
    assert slowest <= ACK_MS + 2 * MARGIN_MS


def large_body(subscription, size):
    item = collection(subscription.item())[len('{"value":['):-2]
    count = size // (len(item) + 1)
    return b'{"value":[' + b",".join([item] * count) + b"]}"


def test_large_bodies_hold_up_nobody(folder, database, tmp_path):
    known = database.subscribe()
    body = large_body(known, 4 * 1000 * 1000)
    spool = Spool(tmp_path / "spool")
    statuses = []
    with Receiver(folder, database.environment(),
                  {"CALLHOOK_SPOOL": spool.path}) as receiver:
        assert receiver.send(known.item()).status == 202

        peers = [receiver.connect() for _ in range(24)]
        for peer in peers:
            peer.begin()
            peer.params(cgi_variables("POST", "", body))
            peer.stdin(body[:-1], end=False)

        def end(peer):
            peer.stdin(body[-1:])
            statuses.append(peer.answer().status)

        threads = [threading.Thread(target=end, args=(peer,))
                   for peer in peers]
        for thread in threads:
            thread.start()
        slowest = 0
        while any(thread.is_alive() for thread in threads):
            begun = time.monotonic()
            answer = receiver.request(query="validationToken=abc")
            assert (answer.status, answer.text) == (200, "abc")
            small = receiver.request("GET", path="/callhook/health")
            assert small.status == 200
            slowest = max(slowest, time.monotonic() - begun)
        for thread in threads:
            thread.join()
        for peer in peers:
            peer.close()
    assert len(statuses) == 24 and set(statuses) <= {202, 503}
    assert 202 in statuses
    assert slowest < 1


def limited(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


def drain(kind, value, *settings):
    return subprocess.run(
        [PROGRAM, "--drain"], preexec_fn=limited(kind, value), cwd="/",
        env=minimal_environment({"CALLHOOK_SPOOL": ""}, *settings),
        capture_output=True, text=True, timeout=30, check=False)


def test_few_files_are_told_at_the_start():
    done = drain(resource.RLIMIT_NOFILE, 64)
    assert done.returncode == 78
    assert "the limit of open files is 64" in done.stderr


def test_a_small_stack_is_told_at_the_start():
    done = drain(resource.RLIMIT_STACK, 128 * 1024)
    assert done.returncode == 78
    assert "the limit of the stack" in done.stderr


class Few(Receiver):
    """With the fewest files that are allowed."""

    def spawn(self, command, **options):
        super().spawn(["prlimit", "--nofile=128:128", *command], **options)


def test_half_open_connections_hold_up_nobody(folder, database):
    known = database.subscribe()
    with Few(folder, database.environment()) as receiver:
        silent = [receiver.connect() for _ in range(200)]
        for _ in range(20):
            assert receiver.send(known.item()).status == 202
        spent = cpu_seconds(receiver.pid)
        time.sleep(1)
        assert cpu_seconds(receiver.pid) - spent < 0.3
        for peer in silent:
            peer.close()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Short(Receiver):
    """Which may write no file of more than 100 bytes."""

    def spawn(self, command, **options):
        super().spawn(["prlimit", "--fsize=100:100", *command], **options)

    def log(self):
        return ""

    def ready(self):
        return self.alive() and self.path.exists()


def test_a_limit_of_file_sizes_is_survived(folder, database, tmp_path):
    spool = Spool(tmp_path / "spool")
    with Short(folder, database.environment(),
               {"PGHOST": str(folder / "nowhere"), "CALLHOOK_ACK_MS": 200,
                "CALLHOOK_CLIENT_STATE": "known",
                "CALLHOOK_SPOOL": spool.path}) as receiver:
        item = database.subscribe().item(clientState="known")
        wait_until(lambda: receiver.send(item).status == 503, "it is asked")
        assert receiver.alive()
    assert spool.empty()


@pytest.fixture
def full_pipe():
    """The end to write to; nobody reads at the other one."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


def test_messages_that_nobody_reads_hold_up_nobody(folder, database, full_pipe):
    class Unheard(Receiver):
        def spawn(self, command, **options):
            script = f'exec "$0" 2>/proc/self/fd/{full_pipe}'
            super().spawn(["sh", "-c", script, *command],
                          pass_fds=[full_pipe], **options)

        def ready(self):
            with contextlib.suppress(OSError), FastCGI(self.path, 1) as peer:
                peer.head(cgi_variables("GET", "validationToken=x"))
                peer.stdin(b"")
                return peer.answer().status == 200

    with Unheard(folder, database.environment()) as receiver:
        assert receiver.request(body=b"no JSON").status == 400
        assert receiver.send(database.subscribe().item()).status == 202


@pytest.mark.parametrize("encoding", ["gzip", "deflate, gzip", "x"])
def test_an_encoded_body_is_refused(folder, database, encoding):
    with Receiver(folder, database.environment()) as receiver:
        body = collection(database.subscribe().item())
        answer = receiver.request(body=body, HTTP_CONTENT_ENCODING=encoding)
        assert answer.status == 415
        assert "Content-Encoding" in answer.text
        assert receiver.request(
            body=body, HTTP_CONTENT_ENCODING="identity").status == 202
