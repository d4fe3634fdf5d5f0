"""callhook-renewer simulate: the whole way, and nothing left behind."""

import re
import signal
import uuid

import pytest

from graph import SecureSite
from support.notification import NIL
from support.renewer import Renewer
from support.service import wait_until


@pytest.fixture
def double(double):
    yield double
    assert double.requests == []                # Microsoft has no part in it


@pytest.fixture
def secure(folder, database, double):
    """A receiver with a spool, behind TLS."""
    spool = folder / f"spool-{uuid.uuid4()}"
    spool.mkdir()
    with SecureSite(folder, database, double.authority,
                    {"CALLHOOK_SPOOL": spool,
                     "CALLHOOK_ACK_MS": 500}) as made:
        yield made


@pytest.fixture
def renewer(folder, database, double, secure):
    made = Renewer(folder, double, database, notification_url=secure.url)
    made.add("contoso", change_type="created,updated")
    return made


def nothing_is_left(database):
    for table in ("subscriptions", "notifications"):
        assert database.query(f"SELECT * FROM callhook_store.{table}") == []


def lines_of(done):
    return [line for line in done.stdout.splitlines()
            if not line.startswith(" ")]


def fault_of(done):
    """The only one."""
    assert done.status == 1, done
    [fault] = [line for line in done.stdout.splitlines()
               if line.startswith("FAULT")]
    return fault


def test_all_is_well(renewer, database):
    begun = database.query("SELECT now() AS at")[0]["at"]
    done = renewer.run("simulate", "contoso")
    assert (done.status, done.stderr) == (0, "")
    lines = lines_of(done)
    assert [re.sub(r", \d+ ms$", "", line) for line in lines] == [
        "ok      a secret is announced",
        "ok      the handshake passes",
        "ok      the notification is accepted, HTTP 202",
        "ok      the row is there",
        "ok      subscription and row are removed"]
    row = dict(line.strip().split(": ", 1)
               for line in done.stdout.splitlines() if line[0] == " ")
    assert row["tenant_id"] == renewer.tenants["contoso"].tenant_id
    assert row["call_id"] == NIL
    assert row["change_type"] == "created"
    assert row["resource"] == f"communications/callRecords/{NIL}"
    assert row["lifecycle_event"] == row["extra"] == "-"
    assert row["received_at"] > begun.replace("T", " ")[:19]
    assert set(row) == set(database.query(
        "SELECT * FROM (SELECT) AS one LEFT JOIN callhook.notifications "
        "ON true")[0])
    nothing_is_left(database)


def test_it_counts_nowhere(renewer, database):
    """While it lasts, neither a view nor a run takes it for one of ours."""
    with database.session() as session:
        session.run("BEGIN; LOCK TABLE callhook_store.notifications "
                    "IN ACCESS EXCLUSIVE MODE")
        process = renewer.start("simulate", "contoso")
        wait_until(
            lambda: database.query("SELECT FROM callhook_store.subscriptions "
                                   "WHERE subscription_id IS NOT NULL"),
            "the announcement")
        session.run("ROLLBACK")
        assert renewer.finish(process).status == 0
    assert database.query("SELECT * FROM callhook.subscriptions") == []
    nothing_is_left(database)


def test_an_unknown_tenant(renewer, database):
    done = renewer.run("simulate", "fabrikam")
    assert (done.status, done.stdout) == (64, "")
    assert len(done.stderr.splitlines()) == 1


def test_no_database(renewer):
    renewer.database = None
    done = renewer.run("simulate", "contoso")
    assert "database" in fault_of(done)
    assert len(lines_of(done)) == 1


def test_no_receiver(renewer, database, secure):
    secure.receiver.end(signal.SIGTERM)
    secure.receiver.listener.close()
    fault = fault_of(renewer.run("simulate", "contoso"))
    assert "HTTP 502" in fault and "does not reach callhook" in fault
    nothing_is_left(database)
    secure.receiver.process = None


def test_a_wrong_path(renewer, database):
    renewer.settings["notification_url"] += "x/y"
    fault = fault_of(renewer.run("simulate", "contoso"))
    assert "FAULT   the own URL: handshake: HTTP 404" in fault
    nothing_is_left(database)


def test_the_receivers_database_is_another(renewer, cluster, database):
    other = cluster.create_database()
    renewer.database = other
    fault = fault_of(renewer.run("simulate", "contoso"))
    assert "not there within 5 s" in fault
    assert "another database" in fault and "spool" in fault
    nothing_is_left(other)
    nothing_is_left(database)
    cluster.drop_database(other.name)


def test_an_item_in_the_spool(renewer, cluster, database):
    """The database does not take it from the receiver: 202, but no row."""
    database.execute("REVOKE INSERT ON callhook_store.notifications "
                     "FROM callhook_receiver")
    fault = fault_of(renewer.run("simulate", "contoso"))
    assert "spool" in fault
    [statement] = re.findall(r"SELECT callhook_store\.\S+\('[0-9a-f-]{36}'\)",
                             fault)
    nothing_is_left(database)
    # The receiver knew the secret when the item came: it may be stored yet.
    cluster.install(database.name)
    wait_until(database.count, "what was in the spool")
    database.execute(statement)
    nothing_is_left(database)


def test_what_cannot_be_removed_is_named(renewer, database):
    database.execute("REVOKE EXECUTE ON FUNCTION "
                     "callhook_store.remove_simulated(uuid) "
                     "FROM callhook_renewer")
    fault = fault_of(renewer.run("simulate", "contoso"))
    [row] = database.query("SELECT * FROM callhook_store.subscriptions")
    assert row["ended_at"] == row["announced_at"]
    statement = f"SELECT callhook_store.remove_simulated(" \
                f"'{row['subscription_id']}')"
    assert statement in fault
    database.execute(statement)
    nothing_is_left(database)


def test_interrupted(renewer, database):
    with database.session() as session:
        session.run("BEGIN; LOCK TABLE callhook_store.notifications "
                    "IN SHARE MODE")
        process = renewer.start("simulate", "contoso")
        wait_until(
            lambda: database.query("SELECT FROM callhook_store.subscriptions"),
            "the announcement")
        process.send_signal(signal.SIGINT)
        session.run("ROLLBACK")
    done = renewer.finish(process)
    assert "interrupted" in fault_of(done)
    nothing_is_left(database)
