"""What one address may ask for, by Apache's example site and mod_qos: a
stranger meets the limits, others and a sender like Graph do not."""

import contextlib
import glob
import os
import re

import pytest

from support import apache
from support.notification import JSON_TYPE, collection
from support.receiver import Receiver
from support.service import wait_until
from support.stranger import OTHER, STRANGER, handshakes, hold

pytestmark = pytest.mark.skipif(
    not os.path.exists(f"{apache.MODULES}/mod_qos.so"),
    reason="libapache2-mod-qos is not installed")


class LimitedApache(apache.Apache):
    """With the limits of the example site."""

    def _proxy_fcgi(self):
        site = (apache.APACHE / "example-site.conf").read_text()
        [limits] = re.findall(
            r"(?ms)^<IfModule qos_module>\n.*?^</IfModule>\n", site)
        # Debian 12's module was built for a library that it does not name.
        old = "".join(f"LoadFile {path}\n" for path in
                      glob.glob("/usr/lib/*/libpcre.so.3"))
        return (old + apache.load_modules("setenvif", "unique_id", "qos")
                + limits + super()._proxy_fcgi())


@pytest.fixture
def receiver(folder, database):
    with Receiver(folder, database.environment()) as started:
        yield started


@pytest.fixture
def server(folder, receiver):
    with LimitedApache(folder, "proxy-fcgi",
                       socket_path=receiver.path) as started:
        yield started


def test_requests_beyond_the_limit(server):
    """5000 within 10 seconds; what is beyond is told so."""
    answers = sum((handshakes(server, STRANGER, 90) for _ in range(60)),
                  start=handshakes(server, STRANGER, 1))
    assert set(answers) == {200, 429}
    assert answers[200] >= 4999
    assert handshakes(server, OTHER, 1) == {200: 1}


def test_connections_beyond_the_limit(server):
    """What is beyond 100 is closed; when one has ended there is room again.
    (Seldom mod_qos counts one too few, while Apache makes its processes.)"""
    with contextlib.ExitStack() as stack:
        held = hold(server, stack, 110)
        assert handshakes(server, OTHER, 1) == {200: 1}
        wait_until(lambda: handshakes(server, STRANGER, 1) == {},
                   "one more is closed")
        held[0].close()
        wait_until(lambda: handshakes(server, STRANGER, 1) == {200: 1},
                   "room for another connection")


def test_a_sender_like_graph_meets_no_limit(server, database):
    """64 connections of one address at a time, ten times.  (None is kept: a
    small Apache closes what is idle when all of its threads are busy.)"""
    subscription = database.subscribe()
    connections = [server.connection() for _ in range(64)]
    for _ in range(10):
        for connection in connections:
            connection.request("POST", "/callhook",
                               collection(subscription.item()),
                               {**JSON_TYPE, "Connection": "close"})
        for connection in connections:
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 202
    for connection in connections:
        connection.close()
    assert len(database.rows(subscription)) == 640
