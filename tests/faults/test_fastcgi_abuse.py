"""Raw abuse on the FastCGI socket: the receiver stays alive, answers the
others within a second, and does not grow."""

import contextlib
import itertools
import os
import pathlib
import random
import socket
import struct
import time

import pytest

from support.answers import assert_accepted
from support.fastcgi import FastCGI
from support.full import length, only_in_full
from support.later import Later
from support.notification import collection
from support.receiver import Receiver, cgi_variables
from support.service import wait_until
from support.trial import during, recovers

HANDSHAKE = cgi_variables("GET", "validationToken=x")
BEGIN_CONTENT = struct.pack("!HB5x", 1, 0)


def record(kind, content=b"", request=1, version=1, padding=0, stated=None):
    """One record; `stated`: the length that it tells, if another."""
    size = len(content) if stated is None else stated
    return struct.pack("!BBHHBx", version, kind, request, size,
                       padding) + content + bytes(padding)


def pairs(variables):
    return b"".join(FastCGI.pair(name, value)
                    for name, value in variables.items())


def request_bytes(variables, body=b"", request=1, keep=False):
    content = struct.pack("!HB5x", 1, int(keep))
    return (record(1, content, request)
            + record(4, pairs(variables), request) + record(4, b"", request)
            + (record(5, body, request) if body else b"")
            + record(5, b"", request))


@pytest.fixture(scope="module")
def shared(folder, cluster):
    """A receiver for all of the abuse, with a subscription."""
    database = cluster.create_database()
    spool = folder / "abuse-spool"
    spool.mkdir(mode=0o700)
    with Receiver(folder, database.environment(),
                          {"CALLHOOK_SPOOL": spool}) as receiver:
        receiver.database = database
        receiver.subscription = database.subscribe()
        yield receiver


@pytest.fixture
def receiver(shared):
    """The same; at the end of each test it must be as well as before."""
    assert_answers(shared)
    files, before = open_files(shared), shared.database.count()
    shared.expected = 0
    yield shared
    assert shared.alive()
    assert_answers(shared)
    wait_until(lambda: open_files(shared) <= files + 2,
               "connections of the test are closed", 15)
    assert shared.database.count() == before + shared.expected


def assert_answers(receiver, seconds=1.0):
    """A handshake is answered within a second."""
    start = time.monotonic()
    answer = ask(receiver, HANDSHAKE)
    assert (answer.status, answer.text) == (200, "x")
    assert time.monotonic() - start < seconds


def assert_stores(receiver, seconds=1.0):
    """An item is accepted within a second."""
    body = collection(receiver.subscription.item())
    start = time.monotonic()
    assert_accepted(ask(receiver, cgi_variables("POST", "", body), body))
    receiver.expected += 1
    assert time.monotonic() - start < seconds


def ask(receiver, variables, body=b""):
    """One request in one piece, as a web server sends it."""
    with receiver.connect() as peer:
        peer.raw(request_bytes(variables, body))
        return peer.answer()


def open_files(receiver):
    return len(os.listdir(f"/proc/{receiver.pid}/fd"))


def memory_kb(receiver):
    status = pathlib.Path(f"/proc/{receiver.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def cpu_seconds(receiver):
    stat = pathlib.Path(f"/proc/{receiver.pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def connect(receiver, timeout=5):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(receiver.path))    # waits while the backlog is full
    peer.settimeout(timeout)
    return peer


@contextlib.contextmanager
def peers(receiver, number, data=b""):
    """Connections that have sent this and say no more."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(number):
            peer = stack.enter_context(connect(receiver))
            if data:
                with contextlib.suppress(OSError):
                    peer.sendall(data)
            made.append(peer)
        yield made


def send_and_end(receiver, data):
    """Send all of it and hang up; whatever comes back, then the receiver
    hangs up, too."""
    with connect(receiver) as peer:
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except ConnectionError:
            pass                        # closed while we wrote: as good


WHOLE = request_bytes(HANDSHAKE)
BODY = cgi_variables("POST", "", b"x" * 100)

SILENCES = {
    "nothing": b"",
    "half a header": WHOLE[:5],
    "a header without its content": WHOLE[:8],
    "a beginning": WHOLE[:16],
    "half of the variables": WHOLE[:40],
    "no end of the variables": record(1, BEGIN_CONTENT)
    + record(4, pairs(HANDSHAKE)),
}


@pytest.mark.parametrize("data", SILENCES.values(), ids=SILENCES)
def test_200_silent_connections(receiver, data):
    """Others are served as fast as ever, and silence costs no time."""
    with peers(receiver, 200, data):
        assert_stores(receiver)
        for _ in range(50):
            assert_answers(receiver)
        before = cpu_seconds(receiver)
        during(0.5)
        assert cpu_seconds(receiver) - before < 0.2
        assert_stores(receiver)


@pytest.mark.parametrize("number", [50, 200, only_in_full(400)])
def test_bodies_that_never_come(receiver, number):
    """The variables are there, so somebody has to wait for the body: more of
    them than requests may be in flight."""
    head = (record(1, BEGIN_CONTENT) + record(4, pairs(BODY)) + record(4)
            + record(5, b"x"))
    with peers(receiver, number, head):
        assert_stores(receiver)
        for _ in range(10):
            assert_answers(receiver)


def test_bodies_that_drip(receiver):
    """A byte now and then, so that no silence is ever long."""
    head = (record(1, BEGIN_CONTENT) + record(4, pairs(BODY)) + record(4))
    with peers(receiver, 50, head) as made:
        for peer in made:
            peer.setblocking(False)
        for _ in range(length(20, 200)):
            for peer in made:
                with contextlib.suppress(OSError):
                    peer.send(record(5, b"x"))
            assert_answers(receiver)
            during(0.1)
        assert_stores(receiver)


def test_1500_idle_connections(receiver):
    with peers(receiver, 1500):
        assert_stores(receiver)
        for _ in range(50):
            assert_answers(receiver)


def test_more_connections_than_are_kept(receiver):
    """Past its limit the oldest idle ones go; nobody else is harmed."""
    number = length(4300, 9000)
    with peers(receiver, number):
        assert_stores(receiver, 2)
        for _ in range(20):
            assert_answers(receiver)
        assert open_files(receiver) < 4300


def test_connections_that_come_and_go(receiver):
    for _ in range(length(2000, 50000)):
        connect(receiver).close()
    assert_stores(receiver)


ODD = {
    "variables first": record(4, pairs(HANDSHAKE)) + record(4) + record(5),
    "body first": record(5, b"{}") + WHOLE,
    "body before the variables": record(1, BEGIN_CONTENT) + record(5, b"{}")
    + record(5) + record(4, pairs(HANDSHAKE)) + record(4),
    "variables after their end": record(1, BEGIN_CONTENT)
    + record(4, pairs(HANDSHAKE)) + record(4) + record(4, b"\x01\x01ab"),
    "two beginnings": record(1, BEGIN_CONTENT) + WHOLE,
    "a beginning in the body": WHOLE[:-8] + record(1, BEGIN_CONTENT),
    "abort first": record(2) + WHOLE,
    "abort in the variables": record(1, BEGIN_CONTENT) + record(2),
    "abort after the variables": WHOLE[:-8] + record(2),
    "data": WHOLE[:-8] + record(8, b"data") + record(8) + record(5),
    "an answer": record(6, b"Status: 200\r\n\r\n") + record(3, bytes(8)),
    "management: values": record(9, FastCGI.pair("FCGI_MAX_CONNS", ""), 0),
    "management: unknown": record(200, b"?", 0),
    "management in between": record(1, BEGIN_CONTENT)
    + record(9, FastCGI.pair("FCGI_MPXS_CONNS", ""), 0) + WHOLE[16:],
    "version 0": record(1, BEGIN_CONTENT, version=0) + WHOLE[16:],
    "version 2": record(1, BEGIN_CONTENT, version=2) + WHOLE[16:],
    "version 255 later": WHOLE[:16] + record(4, b"", version=255),
    "request id 0": request_bytes(HANDSHAKE, request=0),
    "another request id": WHOLE[:16] + record(4, pairs(HANDSHAKE), 2)
    + record(4, b"", 2) + record(5, b"", 2),
    "a short beginning": record(1, b"\0\1") + WHOLE[16:],
    "a long beginning": record(1, bytes(300)) + WHOLE[16:],
    "an empty beginning": record(1) + WHOLE[16:],
    "a name of 2 GB": record(1, BEGIN_CONTENT)
    + record(4, b"\xff\xff\xff\xff\x01abc") + record(4) + record(5),
    "a value of 2 GB": record(1, BEGIN_CONTENT)
    + record(4, b"\x01\xff\xff\xff\xffabc") + record(4) + record(5),
    "both of 2 GB": record(1, BEGIN_CONTENT)
    + record(4, b"\xff\xff\xff\xff" * 2 + b"abc") + record(4) + record(5),
    "half a length": record(1, BEGIN_CONTENT) + record(4, b"\x80\x00")
    + record(4) + record(5),
    "a length longer than the record": record(1, BEGIN_CONTENT)
    + record(4, b"\x7f\x7fab") + record(4) + record(5),
    "names without end": record(1, BEGIN_CONTENT)
    + record(4, b"\0" * 60000) + record(4) + record(5),
    "a record longer than what comes": WHOLE[:16] + record(4, b"", stated=999),
    "only padding": record(1, BEGIN_CONTENT) + record(4, b"", padding=255),
    "nothing but zeros": bytes(100_000),
    "nothing but ones": b"\xff" * 100_000,
    "text": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100,
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_what_no_web_server_sends(receiver, data):
    """Closed, with or without an answer."""
    for _ in range(5):
        send_and_end(receiver, data)
    assert_stores(receiver)


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_what_no_web_server_sends_and_then_silence(receiver, data):
    """The connection is left open: nobody else has to wait for it."""
    with peers(receiver, 20, data):
        assert_stores(receiver)
        assert_answers(receiver)
        before = cpu_seconds(receiver)
        during(0.2)
        assert cpu_seconds(receiver) - before < 0.1


@pytest.mark.parametrize("size", [1000, 8000, 60000, 200_000, 5_000_000])
def test_huge_variables(receiver, size):
    before = memory_kb(receiver)
    data = pairs({**HANDSHAKE, "HTTP_X": "x" * size})
    whole = record(1, BEGIN_CONTENT) + b"".join(
        record(4, data[at:at + 65535])
        for at in range(0, len(data), 65535)) + record(4) + record(5)
    for _ in range(5):
        send_and_end(receiver, whole)
    assert_stores(receiver)
    assert memory_kb(receiver) < before + 20_000


def test_many_variables(receiver):
    variables = {**HANDSHAKE, **{f"HTTP_{n}": "y" for n in range(3000)}}
    send_and_end(receiver, request_bytes(variables))
    assert_stores(receiver)


@pytest.mark.parametrize("padding", [
    (0, 7, 0, 3, 0), (0, 255, 0, 255, 0), (0, 0, 0, 0, 8), (0, 1, 0, 1, 1)])
def test_padding_is_no_content(receiver, padding):
    """A sound request in which records are padded."""
    body = collection(receiver.subscription.item())
    variables = cgi_variables("POST", "", body)
    contents = [(1, BEGIN_CONTENT), (4, pairs(variables)), (4, b""),
                (5, body), (5, b"")]
    data = b"".join(record(kind, content, padding=more)
                    for (kind, content), more in zip(contents, padding))
    with receiver.connect() as peer:
        peer.raw(data)
        assert_accepted(peer.answer())
    receiver.expected += 1


HIDDEN = [struct.pack("!BBHHBx", 1, kind, 1, size, 0)
          for kind in (1, 2, 4, 5, 9, 200) for size in (0, 65535)]


@pytest.mark.parametrize("hidden", HIDDEN, ids=[
    f"type {head[1]} length {head[4] << 8 | head[5]}" for head in HIDDEN])
@pytest.mark.parametrize("where", [0, 1, 2, 3, 4])
def test_padding_that_looks_like_a_record(receiver, where, hidden):
    """Whoever took it for one would wait for what never comes."""
    contents = [(1, BEGIN_CONTENT), (4, pairs(HANDSHAKE)), (4, b""),
                (5, b"{}"), (5, b"")]
    data = b""
    for number, (kind, content) in enumerate(contents):
        if number == where:
            data += record(kind, content, padding=8)[:-8] + hidden
        else:
            data += record(kind, content)
    with peers(receiver, 3, data):
        assert_stores(receiver)


def test_a_byte_at_a_time(receiver):
    body = collection(receiver.subscription.item())
    data = request_bytes(cgi_variables("POST", "", body), body)
    with receiver.connect() as peer:
        for at in range(len(data)):
            peer.raw(data[at:at + 1])
        assert_accepted(peer.answer())
    receiver.expected += 1
    assert_answers(receiver)


def test_a_second_request_on_the_same_connection(receiver):
    """Multiplexed: two ids at once. The first one, or none, is answered."""
    with receiver.connect() as peer, contextlib.suppress(OSError):
        peer.begin(request=1)
        peer.begin(request=2)
        peer.stream(FastCGI.PARAMS, pairs(HANDSHAKE), request=1)
        peer.stream(FastCGI.PARAMS, pairs(HANDSHAKE), request=2)
        peer.stream(FastCGI.STDIN, b"", request=2)
        peer.stream(FastCGI.STDIN, b"", request=1)
        assert peer.answer().status in (200, 400)
    assert_stores(receiver)


def test_a_body_longer_than_stated(receiver):
    body = collection(receiver.subscription.item())
    variables = cgi_variables("POST", "", body)
    for more in (1, 1000, 300_000, 6_000_000):
        with receiver.connect() as peer:
            peer.head(variables)
            with contextlib.suppress(OSError):
                peer.stdin(body + b" " * more)
            with contextlib.suppress(OSError):
                assert peer.answer().status in (400, 413)
    assert_stores(receiver)


def test_a_body_without_end(receiver):
    """It never says that it ends: read for a bounded time and in bounded
    memory."""
    before = memory_kb(receiver)
    variables = cgi_variables("POST", "", b"", CONTENT_LENGTH=None)

    def pour():
        with receiver.connect() as peer, contextlib.suppress(OSError):
            peer.head(variables)
            for _ in range(length(1500, 6000)):
                peer.record(FastCGI.STDIN, b" " * 65535)

    pouring = [Later(pour) for _ in range(4)]
    for _ in range(20):
        assert_answers(receiver)
    for each in pouring:
        each.result(60)
    assert_stores(receiver)
    assert memory_kb(receiver) < before + 60_000


def test_kept_connections_are_used_again(receiver):
    """1,000 requests of every kind, one after the other, on each of ten."""
    body = collection(receiver.subscription.item())
    kinds = itertools.cycle([
        (cgi_variables("POST", "", body), body, 202),
        (HANDSHAKE, b"", 200),
        (cgi_variables("POST", "", b"{"), b"{", 400),
        (cgi_variables("PUT", "", body), body, 405),
    ])
    rounds = length(100, 1000)
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(receiver.connect()) for _ in range(10)]
        for _ in range(rounds):
            variables, content, status = next(kinds)
            for peer in kept:
                peer.raw(request_bytes(variables, content, keep=True))
            for peer in kept:
                assert peer.answer().status == status
                receiver.expected += status == 202
        assert_answers(receiver)


def test_requests_sent_before_the_answer(receiver):
    """Several whole requests at once on a kept connection, which no web
    server does: the first is answered, the others may be dropped."""
    with receiver.connect() as peer:
        peer.raw(request_bytes(HANDSHAKE, keep=True) * 5)
        assert peer.answer().status == 200
        peer.socket.settimeout(0.5)
        with contextlib.suppress(OSError):
            for _ in range(4):
                assert peer.answer().status == 200
    assert_stores(receiver)


def test_peers_that_never_read_their_answer(receiver):
    """On kept connections, until the socket takes no more."""
    token = "y" * 2000
    data = request_bytes(cgi_variables("GET", "validationToken=" + token),
                         keep=True)
    with contextlib.ExitStack() as stack:
        for _ in range(length(20, 200)):
            peer = stack.enter_context(connect(receiver, 0.2))
            with contextlib.suppress(OSError):
                for _ in range(200):
                    peer.sendall(data)
        assert_answers(receiver)
        assert_stores(receiver)


def mutate(data, chance):
    """Change, drop, repeat or insert some bytes."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at:at + chance.randrange(1, 20)]
            case 3:
                data[at:at] = data[at:at + chance.randrange(1, 40)]
            case _:
                data[at:at] = chance.randbytes(chance.randrange(1, 12))
        if not data:
            data = bytearray(b"\x01")
    return bytes(data)


def test_mutated_requests(receiver):
    """Changed at random; the seed is printed when it fails."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    # an empty collection: a change can never make it an item
    body = b'{"value":[]}'
    sound = [WHOLE, request_bytes(cgi_variables("POST", "", body), body)]
    waiting = []
    for _ in range(length(1500, 30000)):
        peer = connect(receiver)
        with contextlib.suppress(OSError):
            peer.sendall(mutate(chance.choice(sound), chance))
        waiting.append(peer)
        if len(waiting) > 50:
            waiting.pop(0).close()
    assert_answers(receiver)
    for peer in waiting:
        peer.close()
    assert_stores(receiver)


def test_abuse_does_not_make_it_grow(receiver):
    """All of the odd requests again and again: memory stays where it was."""
    def all_of_it():
        for data in ODD.values():
            send_and_end(receiver, data)
            with connect(receiver) as peer, contextlib.suppress(OSError):
                peer.sendall(data)

    for _ in range(3):
        all_of_it()
    before = memory_kb(receiver)
    for _ in range(length(10, 100)):
        all_of_it()
    assert_stores(receiver)
    assert memory_kb(receiver) < before * 1.1 + 1000


def test_abuse_beside_real_traffic(begin):
    """32 senders are all answered while others misbehave."""
    one = begin(nginx=False)
    load = one.load(rate=500, until=100)
    load.slowest_since()
    head = (record(1, BEGIN_CONTENT) + record(4, pairs(BODY)) + record(4)
            + record(5, b"x"))
    with peers(one.receiver, 100, WHOLE[:5]), peers(one.receiver, 100, head):
        for data in ODD.values():
            for _ in range(3):
                send_and_end(one.receiver, data)
        load.wait_for(300)
    recovers(one, later=0, cut=0, slowest_ms=1000)
