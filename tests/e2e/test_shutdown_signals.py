"""SIGTERM and SIGUSR1: what was accepted is finished, then exit 0."""

import signal

import pytest

from support.answers import assert_accepted
from support.locks import in_flight
from support.notification import collection
from support.receiver import cgi_variables
from support.service import wait_until

NUMBERS = [signal.SIGTERM, signal.SIGUSR1]

# Long enough for us to hold a lock, whatever else the machine does.
PATIENT = {"CALLHOOK_ACK_MS": 20000}


@pytest.mark.parametrize("number", NUMBERS)
def test_an_idle_receiver_ends(launch, number):
    receiver = launch()
    receiver.terminate(number)
    assert receiver.wait(10) == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_receiver_that_has_worked_ends(launch, database, number):
    receiver = launch()
    assert_accepted(receiver.send(database.subscribe().item()))
    receiver.terminate(number)
    assert receiver.wait(10) == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_request_in_flight_is_answered_first(launch, database, number):
    receiver = launch(**PATIENT)
    subscription = database.subscribe()
    with in_flight(receiver, database, subscription) as waiting:
        receiver.terminate(number)
        assert receiver.alive()
    assert_accepted(waiting.result())
    assert receiver.wait(10) == 0
    assert len(database.rows(subscription)) == 1


def test_a_batch_that_waits_behind_another_is_answered_too(launch, database):
    receiver = launch(**PATIENT)
    subscription = database.subscribe()
    with in_flight(receiver, database, subscription) as first:
        peers = [begin_request(receiver, subscription) for _ in range(20)]
        # Whoever comes later is answered: so those have been accepted.
        assert receiver.request(query="validationToken=x").status == 200
        receiver.terminate()
    for peer in peers:
        with peer:
            assert_accepted(peer.answer())
    assert_accepted(first.result())
    assert receiver.wait(10) == 0
    assert len(database.rows(subscription)) == 21


def test_a_kept_connection_is_not_cut(launch, database):
    """A web server asks again as soon as it has an answer; from the signal on
    it learns by the end of a connection that it must take another one."""
    receiver = launch(**PATIENT)
    subscription = database.subscribe()
    variables = cgi_variables("GET", "validationToken=x")
    with receiver.connect() as kept:
        kept.head(variables, flags=kept.KEEP)
        kept.stdin(b"")
        assert kept.answer().status == 200
        with in_flight(receiver, database, subscription) as waiting:
            receiver.terminate()
            wait_until(lambda: signal_is_taken(receiver), "it is closing")
            kept.head(variables, flags=kept.KEEP)
            kept.stdin(b"")
            assert kept.answer().status == 200
            assert kept.socket.recv(1) == b""
    assert_accepted(waiting.result())
    assert receiver.wait(10) == 0


def test_a_kept_connection_that_rests_ends_before_the_process(launch, database):
    """What is asked on it while a request waits for the database, and later
    for the process to end, would have no answer."""
    receiver = launch(**PATIENT)
    subscription = database.subscribe()
    with receiver.connect() as kept:
        kept.head(cgi_variables("GET", "validationToken=x"), flags=kept.KEEP)
        kept.stdin(b"")
        assert kept.answer().status == 200
        with in_flight(receiver, database, subscription) as waiting:
            receiver.terminate()
            kept.socket.settimeout(10)
            assert kept.socket.recv(1) == b""
            assert receiver.alive()
    assert_accepted(waiting.result())
    assert receiver.wait(10) == 0


def signal_is_taken(receiver):
    """It accepts no more: a connection stays in the backlog."""
    with receiver.connect() as peer:
        peer.socket.settimeout(0.05)
        peer.raw(b"no request")
        try:
            peer.socket.recv(1)
        except TimeoutError:
            return True
        except ConnectionResetError:
            pass
        return False


def begin_request(receiver, subscription):
    """Send a whole request and leave the answer to be read later."""
    body = collection(subscription.item())
    peer = receiver.connect()
    peer.head(cgi_variables("POST", "", body))
    peer.stdin(body)
    return peer


def test_a_handshake_is_answered_while_the_database_hangs(launch, database):
    receiver = launch(**PATIENT)
    subscription = database.subscribe()
    with in_flight(receiver, database, subscription) as waiting:
        answer = receiver.request(query="validationToken=still+here")
        assert (answer.status, answer.text) == (200, "still here")
    assert_accepted(waiting.result())


def test_a_second_signal_does_no_harm(launch, database):
    receiver = launch(**PATIENT)
    subscription = database.subscribe()
    with in_flight(receiver, database, subscription) as waiting:
        receiver.terminate()
        receiver.terminate(signal.SIGUSR1)
        receiver.terminate()
        assert receiver.alive()
    assert_accepted(waiting.result())
    assert receiver.wait(10) == 0


def test_sigpipe_does_not_end_it(launch, database):
    receiver = launch()
    receiver.terminate(signal.SIGPIPE)
    assert_accepted(receiver.send(database.subscribe().item()))
