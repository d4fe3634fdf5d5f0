"""What several test files share."""

import contextlib
import json
import threading

import servers

LOCK = ("BEGIN; LOCK TABLE callhook_store.notifications "
        "IN ACCESS EXCLUSIVE MODE")


def assert_own_headers(answer):
    """What every answer of the program carries."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def assert_accepted(answer):
    assert (answer.status, answer.body) == (202, b"")
    assert_own_headers(answer)


def assert_bad_request(answer):
    """400 with one plain line that says what is wrong."""
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert_own_headers(answer)
    assert len(answer.text.splitlines()) == 1
    assert len(answer.text.strip()) > 5


def with_member(item, raw):
    """An item as JSON text with a further member, written as it stands."""
    return json.dumps(item)[:-1] + "," + raw + "}"


def seed(name):
    return (servers.DATA / name).read_bytes()


def receiver_sessions(database, condition="true"):
    """The receiver's sessions in this database."""
    return database.query(f"""
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND usename = 'test_receiver'
            AND {condition}""")


def wait_until_blocked(database):
    """Until the receiver's statement waits for our lock."""
    servers.wait_until(
        lambda: receiver_sessions(database, "wait_event_type = 'Lock'"),
        "the receiver waits for the lock")


class Later(threading.Thread):
    """Run something in the background; result() has what it returned."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.function, self.arguments = function, arguments
        self.value = self.failure = None
        self.start()

    def run(self):
        try:
            self.value = self.function(*self.arguments)
        except Exception as failure:
            self.failure = failure

    def result(self, seconds=30):
        self.join(seconds)
        assert not self.is_alive(), "no answer"
        if self.failure:
            raise self.failure
        return self.value


@contextlib.contextmanager
def locked(database):
    """The table locked, so that requests stay in flight until the end."""
    with database.session() as session:
        session.run(LOCK)
        yield session
        session.run("ROLLBACK")
