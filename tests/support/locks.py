"""Locks of the database, so that requests stay in flight."""

import contextlib

from support.later import Later
from support.service import wait_until

LOCK = ("BEGIN; LOCK TABLE callhook_store.notifications "
        "IN ACCESS EXCLUSIVE MODE")


def receiver_sessions(database, condition="true"):
    """The receiver's sessions in this database."""
    return database.query(f"""
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND usename = 'test_receiver'
            AND {condition}""")


def wait_until_blocked(database):
    """Until the receiver's statement waits for our lock."""
    wait_until(
        lambda: receiver_sessions(database, "wait_event_type = 'Lock'"),
        "the receiver waits for the lock")


@contextlib.contextmanager
def locked(database):
    """The table locked, so that requests stay in flight until the end."""
    with database.session() as session:
        session.run(LOCK)
        yield session
        session.run("ROLLBACK")


@contextlib.contextmanager
def in_flight(receiver, database, subscription):
    """A request that waits for the table until the end: its later answer."""
    with locked(database):
        waiting = Later(receiver.send, subscription.item())
        wait_until_blocked(database)
        yield waiting
