"""Apache with ModSecurity and Debian's OWASP rules, which block."""

import os

import pytest

from support.answers import assert_accepted
from support.apache import MODULES, Apache
from support.receiver import Receiver

pytestmark = pytest.mark.skipif(
    not (os.path.exists(f"{MODULES}/mod_security2.so")
         and os.path.exists("/usr/share/modsecurity-crs")),
    reason="libapache2-mod-security2 and modsecurity-crs are not installed")

# Graph's own words (graph documentation, notification endpoint validation).
TOKEN = ("Validation%3a+Testing+client+application+reachability+for+"
         "subscription+Request-Id%3a+0e3a4dc2-0000-4000-8000-000000000001")


@pytest.fixture(scope="module", params=["fcgid", "proxy-fcgi", "cgi"])
def apache(request, folder, cluster):
    database = cluster.create_database()
    settings = database.environment()
    with Receiver(folder, settings) as receiver:
        with Apache(folder, request.param, settings, receiver.path,
                    firewall=True) as started:
            started.database = database
            yield started


def test_the_rules_are_at_work(apache):
    """Outside of callhook's path."""
    connection = apache.connection()
    connection.request("GET", "/other?x=/etc/passwd%00<script>alert(1)")
    assert connection.getresponse().status == 403
    connection.close()


def test_the_handshake_is_let_through(apache):
    answer = apache.request(
        "POST", f"?validationToken={TOKEN}",
        headers={"Content-Type": "text/plain; charset=utf-8"})
    assert (answer.status, answer.text) == (
        200, TOKEN.replace("+", " ").replace("%3a", ":"))


def test_a_token_that_looks_like_an_attack(apache):
    answer = apache.request(
        "POST", "?validationToken=1'+or+'1'%3d'1+--+../../etc/passwd",
        headers={"Content-Type": "text/plain; charset=utf-8"})
    assert (answer.status, answer.text) == (
        200, "1' or '1'='1 -- ../../etc/passwd")


def test_items_that_look_like_an_attack(apache):
    subscription = apache.database.subscribe()
    item = subscription.item(note="<script>alert(1)</script>; cat /etc/passwd"
                                  " ' UNION SELECT password FROM users --")
    assert_accepted(apache.send(item))
    [row] = apache.database.rows(subscription)
    assert row["call_id"] == item["resourceData"]["id"]
