"""Many at once: nothing lost, nothing twice, one connection a process."""

import glob
import threading

import pytest

from support.answers import assert_accepted, read_answer
from support.later import Later
from support.locks import locked, receiver_sessions, wait_until_blocked
from support.notification import JSON_TYPE, collection
from support.service import wait_until
from support.site import Site

CONNECTIONS = 64


def send_all(port_of, bodies, connections=CONNECTIONS):
    """Send each body once over so many connections; count the statuses."""
    work = iter(bodies)
    counts = {}
    lock = threading.Lock()

    def worker():
        connection = port_of.connection()
        while True:
            with lock:
                body = next(work, None)
            if body is None:
                connection.close()
                return
            connection.request("POST", "/callhook", body, JSON_TYPE)
            status = read_answer(connection).status
            with lock:
                counts[status] = counts.get(status, 0) + 1

    for thread in [Later(worker) for _ in range(connections)]:
        thread.result(300)
    return counts


@pytest.fixture
def own_site(folder, database):
    with Site(folder, database) as started:
        yield started


def test_10000_notifications_over_64_connections(own_site):
    """Exactly 10,000 answers 202 and 10,000 rows, by one process with one
    connection; and no secret is left anywhere in clear."""
    database = own_site.database
    subscription = database.subscribe()
    items = [subscription.item() for _ in range(10000)]
    sending = Later(send_all, own_site.nginx,
                    [collection(item) for item in items])
    wait_until(lambda: database.count() > 1000, "load", 120)
    assert len(receiver_sessions(database)) == 1
    assert children(own_site.receiver.pid) == []
    assert sending.result(300) == {202: 10000}

    rows = database.rows(subscription)
    assert len(rows) == 10000
    assert len({row["notification_id"] for row in rows}) == 10000
    assert ({row["call_id"] for row in rows}
            == {item["resourceData"]["id"] for item in items})
    assert database.count() == 10000
    assert len(receiver_sessions(database)) == 1

    assert subscription.secret not in own_site.receiver.log()
    assert subscription.secret not in own_site.nginx.log()
    assert subscription.secret not in database.cluster.log()
    assert subscription.secret not in database.dump()


def children(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path) as listed:
            found += listed.read().split()
    return found


def test_many_items_of_good_and_bad_senders(own_site):
    database = own_site.database
    good = [database.subscribe() for _ in range(10)]
    bodies = []
    for number in range(600):
        item = good[number % 10].item()
        bodies.append(collection(
            item, {**item, "clientState": "wrong"},
            good[(number + 1) % 10].item()))
    assert send_all(own_site.nginx, bodies, 32) == {202: 600}
    assert database.count() == 1200
    for subscription in good:
        assert len(database.rows(subscription)) == 120


def test_two_processes_on_one_socket(own_site, launch):
    """Both serve, one ends in between, and nobody notices."""
    database = own_site.database
    second = launch(beside=own_site.receiver)
    subscription = database.subscribe()
    bodies = [collection(subscription.item()) for _ in range(3000)]
    sending = Later(send_all, own_site.nginx, bodies, 32)
    wait_until(lambda: database.count() > 500, "load", 120)
    assert len(receiver_sessions(database)) == 2
    second.terminate()
    assert second.wait() == 0
    assert sending.result(300) == {202: 3000}
    assert len(database.rows(subscription)) == 3000


@pytest.mark.parametrize("requests", [1, 4])
def test_more_requests_than_may_be_in_flight(launch, database, requests):
    receiver = launch(CALLHOOK_REQUESTS=requests, CALLHOOK_ACK_MS=20000)
    subscription = database.subscribe()
    with locked(database):
        sent = [Later(receiver.send, subscription.item()) for _ in range(32)]
        wait_until_blocked(database)
    for later in sent:
        assert_accepted(later.result())
    assert len(database.rows(subscription)) == 32


def test_requests_share_a_commit(launch, database):
    """What arrives while a commit is under way goes with the next one."""
    receiver = launch(CALLHOOK_ACK_MS=20000)
    subscription = database.subscribe()
    assert_accepted(receiver.send(subscription.item()))
    with locked(database):
        sent = [Later(receiver.send, subscription.item())]
        wait_until_blocked(database)
        sent += [Later(receiver.send, subscription.item()) for _ in range(30)]
        wait_until(lambda: receiver.request(
            query="validationToken=x").status == 200, "accepted")
    for later in sent:
        assert_accepted(later.result())
    [row] = database.query("SELECT count(DISTINCT xmin::text) AS n "
                           "FROM callhook_store.notifications")
    assert row["n"] < 12
    assert len(database.rows(subscription)) == 32


def test_a_burst_of_unknown_secrets_reads_them_together(launch, database):
    receiver = launch()
    subscription = database.subscribe()
    wrong = [Later(receiver.send, subscription.item(clientState=f"no {n}"),
                   subscription.item()) for n in range(64)]
    for later in wrong:
        assert_accepted(later.result())
    assert database.count() == 64
