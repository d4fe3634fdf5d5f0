"""Without a database and without a spool: 503, and then all by itself."""

import pytest

from support.answers import (assert_accepted, assert_bad_request,
                             assert_own_headers)
from support.database import Database
from support.later import Later
from support.locks import locked, receiver_sessions
from support.notification import NIL, Subscription, collection
from support.postgres import Cluster
from support.receiver import Receiver, run_cgi
from support.service import wait_until


def assert_later(answer):
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert_own_headers(answer)


@pytest.fixture(params=["fastcgi", "cgi"])
def ask_without_database(request, folder):
    """A request to a receiver whose database is not there."""
    nowhere = {"PGHOST": str(folder / "nowhere"), "PGUSER": "nobody"}
    if request.param == "cgi":
        yield lambda body: run_cgi(nowhere, body=body)
        return
    with Receiver(folder, nowhere) as receiver:
        yield lambda body: receiver.request(body=body)


def someone():
    return Subscription(NIL, NIL, "x")


def test_a_notification_is_to_come_again(ask_without_database):
    assert_later(ask_without_database(collection(someone().item())))


def test_an_empty_collection_needs_no_database(ask_without_database):
    assert_accepted(ask_without_database(b'{"value":[]}'))


def test_a_faulty_body_needs_no_database(ask_without_database):
    assert_bad_request(ask_without_database(b"{"))


@pytest.mark.parametrize("environment", [
    {"PGDATABASE": "no_such_database"},
    {"PGUSER": "no_such_user"},
    {"PGUSER": "test_reader"},
    {"PGDATABASE": "postgres"},
])
def test_a_database_that_is_not_for_us(folder, database, environment):
    with Receiver(folder, database.environment(),
                          environment) as receiver:
        assert_later(receiver.send(database.subscribe().item()))
    assert database.count() == 0


def test_listed_secrets_do_not_help_without_a_database(folder):
    nowhere = {"PGHOST": str(folder / "nowhere"), "PGUSER": "nobody",
               "CALLHOOK_CLIENT_STATE": "x"}
    with Receiver(folder, nowhere) as receiver:
        assert_later(receiver.send(someone().item()))


def test_a_table_locked_for_too_long(launch, database):
    receiver = launch(CALLHOOK_ACK_MS=300)
    subscription = database.subscribe()
    with locked(database):
        assert_later(receiver.send(subscription.item()))
    accepted = until_accepted(receiver, subscription)
    stored = {row["call_id"] for row in database.rows(subscription)}
    assert accepted["resourceData"]["id"] in stored


def until_accepted(receiver, subscription):
    """Send an item again until it is accepted, as Graph does."""
    item = subscription.item()
    wait_until(lambda: receiver.send(item).status == 202,
                       "accepted again")
    return item


def test_a_session_that_is_ended_is_replaced(launch, database):
    receiver = launch()
    subscription = database.subscribe()
    for _ in range(5):
        accepted = until_accepted(receiver, subscription)
        for session in receiver_sessions(database):
            database.execute(f"SELECT pg_terminate_backend({session['pid']})")
    rows = {row["call_id"] for row in database.rows(subscription)}
    assert len(rows) == 5
    assert accepted["resourceData"]["id"] in rows


@pytest.mark.parametrize("known", [True, False])
def test_an_idle_session_that_is_ended_costs_no_notification(
        launch, database, known):
    """Whether it is noticed by the rows, or by the reading of secrets."""
    receiver = launch()
    first = database.subscribe()
    until_accepted(receiver, first)
    subscription = first if known else database.subscribe()
    for session in receiver_sessions(database):
        database.execute(
            f"SELECT pg_terminate_backend({session['pid']}, 5000)")
    assert receiver.send(subscription.item()).status == 202


def test_a_session_that_is_ended_in_the_middle_of_a_batch(launch, database):
    receiver = launch(CALLHOOK_ACK_MS=5000)
    subscription = database.subscribe()
    item = subscription.item()
    with locked(database):
        waiting = Later(receiver.send, item)
        [session] = wait_until(
            lambda: receiver_sessions(database, "wait_event_type = 'Lock'"),
            "the receiver waits for the lock")
        database.execute(f"SELECT pg_terminate_backend({session['pid']})")
    answer = waiting.result()
    stored = len(database.rows(subscription))
    assert (answer.status, stored) in [(202, 1), (503, 0)]
    until_accepted(receiver, subscription)


@pytest.mark.parametrize("mode", ["stop", "kill"])
def test_a_database_that_goes_and_comes_back(folder, mode):
    """Nobody has to touch the receiver, and every 202 is one row."""
    with Cluster(folder) as cluster:
        database = cluster.create_database()
        subscription = database.subscribe()
        with Receiver(folder, database.environment()) as receiver:
            accepted = [until_accepted(receiver, subscription)]
            wait_for_health(receiver, 200)
            getattr(cluster, mode)()
            assert_later(receiver.send(subscription.item()))
            wait_for_health(receiver, 503)
            cluster.start()
            accepted.append(until_accepted(receiver, subscription))
            wait_for_health(receiver, 200)
            rows = [row["call_id"] for row in database.rows(subscription)]
            for item in accepted:
                assert rows.count(item["resourceData"]["id"]) == 1


def wait_for_health(receiver, status):
    wait_until(
        lambda: receiver.request(
            "GET", path="/callhook/health").status == status,
        f"health {status}")


def test_a_receiver_that_was_there_before_its_database(folder):
    cluster = Cluster(folder)
    with cluster:
        name = cluster.create_database().name
    database = Database(cluster, name)
    with Receiver(folder, database.environment()) as receiver:
        assert_later(receiver.send(someone().item()))
        with cluster:
            subscription = database.subscribe()
            until_accepted(receiver, subscription)
            assert len(database.rows(subscription)) == 1
