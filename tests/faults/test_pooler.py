"""Behind a pooler that pools by transaction, a session is nobody's own."""

import pytest

from support.locks import receiver_sessions
from support.pooler import Pooler
from support.postgres import Careless
from support.receiver import Receiver, run_cgi, run_program
from support.notification import collection
from support.service import wait_until
from support.spool import Spool
from support.trial import check


@pytest.fixture(scope="module")
def pooled_cluster(folder):
    with Careless(folder) as started:
        yield started


@pytest.fixture
def pooled(pooled_cluster):
    return pooled_cluster.create_database()


@pytest.fixture
def pooler(folder, pooled_cluster):
    with Pooler(folder, pooled_cluster) as started:
        yield started


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def receiver(folder, pooler, pooled, spool):
    with Receiver(folder, pooler.environment(pooled.name),
                  {"CALLHOOK_SPOOL": spool.path}) as started:
        yield started


def is_well(receiver):
    wait_until(lambda: receiver.request(
        "GET", path="/callhook/health").text.strip() == "ok", "it is well", 10)


def end_sessions(database):
    """The pooler makes new ones, which nobody has set up."""
    database.execute("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = 'test_receiver'""")


def test_acknowledged_items_survive_a_kill(receiver, pooled_cluster, pooled):
    known = pooled.subscribe()
    is_well(receiver)
    end_sessions(pooled)
    answers = [receiver.send(known.item()).status for _ in range(30)]
    pooled_cluster.kill()
    pooled_cluster.start()
    is_well(receiver)
    assert answers == [202] * 30
    wait_until(lambda: len(pooled.rows(known)) == 30, "all 30 are there")


def test_a_restart_finds_the_sessions_as_they_are(
        folder, pooler, pooled, spool):
    known = pooled.subscribe()
    for number in range(1, 4):
        with Receiver(folder, pooler.environment(pooled.name),
                      {"CALLHOOK_SPOOL": spool.path}) as receiver:
            is_well(receiver)
            assert receiver.send(known.item()).status == 202
            assert len(pooled.rows(known)) == number
    assert spool.empty()


def test_others_in_the_pool_keep_their_settings(receiver, pooler, pooled):
    known = pooled.subscribe()
    is_well(receiver)
    assert receiver.send(known.item()).status == 202
    pids = {row["pid"] for row in receiver_sessions(pooled)}
    assert pids
    for _ in range(len(pids) + 1):
        shown = pooler.execute(
            "SHOW search_path; SHOW statement_timeout; "
            "SHOW synchronous_commit; "
            "SHOW idle_in_transaction_session_timeout; "
            "SELECT count(*) FROM pg_prepared_statements",
            pooled.name, "test_receiver")
        assert shown.split("\n")[:5] == ['"$user", public', "0", "off", "0",
                                         "0"]


def test_drain_and_cgi(folder, pooler, pooled, spool):
    known = pooled.subscribe()
    settings = [pooler.environment(pooled.name),
                {"CALLHOOK_SPOOL": spool.path}]
    away = {"PGHOST": str(folder / "nowhere")}
    body = collection(known.item())
    assert run_cgi(*settings, away, body=body).status == 202
    assert not spool.empty()
    for _ in range(2):
        done = run_program("--drain", settings=settings)
        assert done.returncode == 0, done.stderr
        assert spool.empty()
        assert run_cgi(*settings, body=collection(known.item())).status == 202
    assert spool.empty()
    assert len(pooled.rows(known)) == 3


def test_under_load_with_sessions_ended(folder, begin, pooler, pooled):
    one = begin(pooled, environment=pooler.environment(pooled.name))
    load = one.load()
    for _ in range(10):
        end_sessions(pooled)
        load.wait_for(20)
    one.settle()
    check(one, later=0, cut=0)
