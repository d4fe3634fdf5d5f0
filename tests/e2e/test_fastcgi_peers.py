"""Odd peers on the FastCGI socket: what no web server would let through."""

import os
import struct
import time

import pytest

from support.answers import assert_accepted, assert_bad_request
from support.fastcgi import FastCGI
from support.notification import collection
from support.receiver import cgi_variables, run_cgi
from support.service import Trouble


SHORTER = [lambda size: size - 1, lambda size: 1]
OTHERS = [
    lambda size: size + 1,
    lambda size: size + 1000000,
    lambda size: "abc",
    lambda size: "-5",
    lambda size: f"{size}x",
    lambda size: f"+{size}",
    lambda size: f"0x{size:x}",
    lambda size: f"{size}, {size}",
]


@pytest.mark.parametrize("length", SHORTER + OTHERS)
def test_a_length_that_is_not_the_content_length(site, subscription, length):
    body = collection(subscription.item())
    told = str(length(len(body)))
    assert_bad_request(site.receiver.request(body=body, CONTENT_LENGTH=told))
    assert site.rows(subscription) == []


@pytest.mark.parametrize("length", OTHERS)
def test_cgi_knows_a_wrong_length_too(site, subscription, length):
    body = collection(subscription.item())
    told = str(length(len(body)))
    assert_bad_request(run_cgi(site.database.environment(), body=body,
                               CONTENT_LENGTH=told))
    assert site.rows(subscription) == []


@pytest.mark.parametrize("told", ["99999999999999999999", "4194305",
                                  "18446744073709551617"])
def test_an_absurd_length_is_too_large(site, subscription, told):
    answer = site.receiver.request(body=collection(subscription.item()),
                                   CONTENT_LENGTH=told)
    assert answer.status in (400, 413)
    assert site.rows(subscription) == []


@pytest.mark.parametrize("told", ["", "0", None])
def test_no_length_and_no_body_is_an_empty_body(site, told):
    assert_bad_request(site.receiver.request(CONTENT_LENGTH=told))


def test_a_body_cut_in_the_middle_of_a_record(site, subscription):
    before = site.database.count()
    body = collection(subscription.item())
    with site.receiver.connect() as peer:
        peer.head(cgi_variables("POST", "", body))
        peer.raw(struct.pack("!BBHHBx", 1, FastCGI.STDIN, 1, len(body), 0)
                 + body[:50])
    assert_accepted(site.send(subscription.item()))
    assert site.database.count() == before + 1


def test_a_peer_that_leaves_before_the_end_of_the_body(site, subscription):
    before = site.database.count()
    body = collection(subscription.item())
    with site.receiver.connect() as peer:
        peer.head(cgi_variables("POST", "", body))
        peer.stdin(body, end=False)
    assert_accepted(site.send(subscription.item()))
    assert site.database.count() == before + 1


def test_an_aborted_request_stores_nothing(site, subscription):
    before = site.database.count()
    body = collection(subscription.item())
    with site.receiver.connect() as peer:
        peer.head(cgi_variables("POST", "", body))
        peer.stdin(body[:100], end=False)
        peer.abort()
        try:
            assert peer.answer().status >= 400
        except (OSError, Trouble):
            pass                        # ended without an answer: as good
    assert_accepted(site.send(subscription.item()))
    assert site.database.count() == before + 1


def test_a_peer_that_leaves_without_reading_the_answer(site, subscription):
    body = collection(subscription.item())
    for _ in range(10):
        with site.receiver.connect() as peer:
            peer.head(cgi_variables("POST", "", body))
            peer.stdin(body)
    assert_accepted(site.send(subscription.item()))


def test_a_body_in_many_small_records(site, subscription):
    body = collection(subscription.item(), subscription.item())
    with site.receiver.connect() as peer:
        peer.head(cgi_variables("POST", "", body))
        for start in range(0, len(body), 7):
            peer.stdin(body[start:start + 7], end=False)
        peer.stdin(b"")
        assert_accepted(peer.answer())
    assert len(site.rows(subscription)) == 2


def test_no_variables_at_all(site):
    with site.receiver.connect() as peer:
        peer.head({})
        peer.stdin(b"")
        assert peer.answer().status in (400, 405)


@pytest.mark.parametrize("variables", [
    {"QUERY_STRING": None},
    {"REQUEST_URI": None, "SCRIPT_NAME": None},
    {"SERVER_PROTOCOL": None, "GATEWAY_INTERFACE": None},
    {"CONTENT_TYPE": None},
])
def test_missing_variables_do_no_harm(site, subscription, variables):
    assert_accepted(site.receiver.send(subscription.item(), **variables))
    assert len(site.rows(subscription)) == 1


def test_no_method_is_no_crash(site):
    assert site.receiver.request(REQUEST_METHOD=None).status in (400, 405)


def test_idle_peers_do_not_stop_the_others(site, subscription):
    silent = [site.receiver.connect() for _ in range(3)]
    half = site.receiver.connect()
    half.raw(b"\x01\x01\x00")
    begun = site.receiver.connect()
    begun.begin()
    slow = site.receiver.connect()
    slow.begin()
    slow.params(cgi_variables("POST", "", b"x" * 100))
    slow.stdin(b"x", end=False)
    try:
        assert_accepted(site.send(subscription.item()))
    finally:
        for peer in (*silent, half, begun, slow):
            peer.close()


def test_a_kept_connection_carries_one_request_after_the_other(
        site, subscription):
    body = collection(subscription.item())
    with site.receiver.connect() as peer:
        for _ in range(3):
            peer.head(cgi_variables("POST", "", body), flags=FastCGI.KEEP)
            peer.stdin(body)
            assert_accepted(peer.answer())
    assert len(site.rows(subscription)) == 3


def test_a_connection_is_closed_after_the_answer_unless_kept(site):
    with site.receiver.connect() as peer:
        peer.head(cgi_variables("GET"))
        peer.stdin(b"")
        assert peer.answer().status == 405
        assert peer.socket.recv(1) == b""


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("sent", [b"", b"\x01\x01\x00",
                                  b"\x01\x01\x00\x01\x00\x08\x00\x00"])
def test_a_peer_that_keeps_us_waiting_costs_no_time(launch, sent):
    receiver = launch()
    with receiver.connect() as peer:
        peer.raw(sent)
        assert receiver.request(query="validationToken=x").status == 200
        before = cpu_seconds(receiver.pid)
        time.sleep(1)
        assert cpu_seconds(receiver.pid) - before < 0.1


@pytest.mark.parametrize("rubbish", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x00" * 64,
    b"\xff" * 70000,
    b"\x02\x01\x00\x01\x00\x08\x00\x00" + b"\x00" * 8,
    struct.pack("!BBHHBxI", 1, 4, 1, 4, 0, 0xffffffff),
    struct.pack("!BBHHBx", 1, 5, 1, 0, 0),
    struct.pack("!BBHHBx", 1, 200, 0, 0, 0),
])
def test_rubbish_does_not_stop_the_others(site, subscription, rubbish):
    with site.receiver.connect() as peer:
        try:
            peer.raw(rubbish)
        except OSError:
            pass                        # closed while we wrote: as good
    assert site.receiver.alive()
    assert_accepted(site.send(subscription.item()))


@pytest.mark.parametrize("role", [0, 2, 3, 99])
def test_another_role_does_not_stop_the_others(site, subscription, role):
    with site.receiver.connect() as peer:
        try:
            peer.head(cgi_variables("GET"), role=role)
            peer.stdin(b"")
        except OSError:
            pass                        # closed while we wrote: as good
    assert_accepted(site.send(subscription.item()))


def test_a_kept_connection_does_not_stop_the_others(site, subscription):
    body = collection(subscription.item())
    with site.receiver.connect() as peer:
        peer.head(cgi_variables("POST", "", body), flags=FastCGI.KEEP)
        peer.stdin(body)
        assert_accepted(peer.answer())
        assert_accepted(site.send(subscription.item()))
    assert len(site.rows(subscription)) == 2
