"""What one address may ask for, by nginx's example site: a stranger meets the
limits, others and a sender like Graph do not."""

import collections
import contextlib
import re

import pytest

from support.nginx import NGINX_CONF, Nginx
from support.notification import JSON_TYPE, collection
from support.receiver import Receiver
from support.stranger import OTHER, STRANGER, handshakes, hold


class LimitedNginx(Nginx):
    """With all of the example site but its TLS and its addresses."""

    def _configuration(self, listen):
        site = (NGINX_CONF.parent / "example-site.conf").read_text()
        site = re.sub(r" *(listen|ssl_\w+|access_log) .*;\n", "", site)
        site = site.replace("/etc/callhook/nginx/*.conf",
                            str(self.home / "callhook.conf"))
        site = site.replace("server {\n", f"server {{\n    listen {listen};\n")
        given = super()._configuration(listen)
        return given[:given.index("    server {")] + site + "}\n"


@pytest.fixture
def receiver(folder, database):
    with Receiver(folder, database.environment()) as started:
        yield started


@pytest.fixture
def nginx(folder, receiver):
    with LimitedNginx(folder, receiver.path) as started:
        yield started


def test_requests_beyond_the_limit(nginx):
    """500 a second and a burst of 1000; what is beyond is told so."""
    answers = sum((handshakes(nginx, STRANGER, 900) for _ in range(5)),
                  collections.Counter())
    assert set(answers) == {200, 429}
    assert answers[200] >= 1000
    assert handshakes(nginx, OTHER, 1) == {200: 1}


def test_connections_beyond_the_limit(nginx):
    with contextlib.ExitStack() as stack:
        held = hold(nginx, stack, 200)
        assert handshakes(nginx, OTHER, 1) == {200: 1}
        assert handshakes(nginx, STRANGER, 1) == {429: 1}
        held[0].sendall(b"123456789")
        assert held[0].recv(100).startswith(b"HTTP/1.1 400")


def test_a_sender_like_graph_meets_no_limit(nginx, database):
    """64 connections of one address, each with ten notifications."""
    subscription = database.subscribe()
    connections = [nginx.connection() for _ in range(64)]
    for _ in range(10):
        for connection in connections:
            connection.request("POST", "/callhook",
                               collection(subscription.item()), JSON_TYPE)
        for connection in connections:
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 202
    for connection in connections:
        connection.close()
    assert len(database.rows(subscription)) == 640
