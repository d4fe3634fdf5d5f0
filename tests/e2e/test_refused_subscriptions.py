"""Subscriptions whose items are refused are noted for the renewer."""

import uuid

import pytest

from support.answers import assert_accepted
from support.database import literal
from support.later import Later
from support.locks import locked
from support.notification import ABSENT, NIL, Subscription, collection
from support.receiver import run_cgi
from support.service import Trouble, wait_until

KEPT = 256              # rows, whatever strangers send
NOTED = 32              # subscriptions a minute and receiver


def stranger():
    return Subscription(str(uuid.uuid4()), str(uuid.uuid4()), "anything")


def refusals(database):
    """What the renewer finds: {subscription: (reason, items)}."""
    return {row["subscription_id"]: (row["reason"], row["refusals"])
            for row in database.query("SELECT * FROM callhook_store.refusals",
                                      "test_renewer")}


def end(receiver):
    """Its end, at which it writes what is not written yet."""
    receiver.terminate()
    assert receiver.wait() == 0


def array(values, kind):
    return "ARRAY[" + ",".join(map(literal, values)) + f"]::{kind}[]"


def add(database, noted, tenant_id=NIL):
    """What a receiver does; noted: (subscription, reason, items)."""
    ids, reasons, counts = zip(*noted)
    database.execute(f"""SELECT callhook_store.add_refusals(
        {array(ids, 'uuid')}, {array([tenant_id] * len(ids), 'uuid')},
        {array(reasons, 'text')}, {array(counts, 'bigint')})""",
                     "test_receiver")


# --- The receiver ---

def test_who_is_noted_and_why(launch, database):
    receiver = launch()
    subscription, unknown = database.subscribe(), stranger()
    assert_accepted(receiver.send(subscription.item()))
    assert_accepted(receiver.send(
        unknown.item(), subscription.item(), unknown.item(),
        subscription.item(clientState="wrong"),
        unknown.item(clientState=ABSENT)))
    assert refusals(database) == {}
    end(receiver)
    assert refusals(database) == {
        unknown.subscription_id: ("unknown", 3),
        subscription.subscription_id: ("secret", 1)}
    assert len(database.rows()) == 2


def test_the_times_are_those_of_the_writing(launch, database):
    receiver = launch()
    assert_accepted(receiver.send(stranger().item()))
    end(receiver)
    assert database.query("""
        SELECT FROM callhook_store.refusals
        WHERE first_at = last_at AND last_at > now() - interval '1 minute'
            AND last_at <= now()""") == [{}]


@pytest.mark.parametrize("said, noted", [
    (str(uuid.UUID(int=5)).upper(), str(uuid.UUID(int=5))),
    (ABSENT, NIL),
    ("no guid", NIL)])
def test_the_tenant_is_noted_as_the_item_says(launch, database, said, noted):
    receiver = launch()
    assert_accepted(receiver.send(stranger().item(tenantId=said)))
    end(receiver)
    assert database.query("SELECT tenant_id FROM callhook_store.refusals",
                          "test_renewer") == [{"tenant_id": noted}]


@pytest.mark.parametrize("change", [
    {"subscriptionId": ABSENT},
    {"subscriptionId": None},
    {"subscriptionId": "no guid"},
    {"subscriptionId": 5},
    {"subscriptionId": "'}; --"},
])
def test_an_id_that_is_none_is_not_noted(launch, database, change):
    receiver = launch()
    assert_accepted(receiver.send(stranger().item(**change)))
    end(receiver)
    assert refusals(database) == {}
    [row] = database.query("SELECT sum(refused_unknown) AS n "
                           "FROM callhook.receiver_minutes")
    assert row["n"] == 1


def test_trusted_and_malformed_items_are_not_noted(launch, database):
    receiver = launch(CALLHOOK_CLIENT_STATE="by hand")
    item = database.subscribe().item()
    assert_accepted(receiver.send(
        item, stranger().item(clientState="by hand"),
        stranger().item(resource="lone \ud800")))
    end(receiver)
    assert refusals(database) == {}
    assert database.count() == 2


def test_a_database_of_yesterday(launch, database):
    """It does not know the subscription, or knows another secret of it."""
    receiver = launch()
    gone, changed = database.subscribe(), database.subscribe()
    assert_accepted(receiver.send(gone.item(), changed.item()))
    database.execute(
        "DELETE FROM callhook_store.subscriptions WHERE subscription_id = "
        f"'{gone.subscription_id}'; UPDATE callhook_store.subscriptions "
        "SET secret_sha256 = sha256('before')", "test_renewer")
    end(receiver)
    receiver = launch()
    for _ in range(3):
        assert_accepted(receiver.send(gone.item(), changed.item()))
    end(receiver)
    assert refusals(database) == {gone.subscription_id: ("unknown", 3),
                                  changed.subscription_id: ("secret", 3)}


def test_items_that_were_spooled_are_noted_when_they_are_judged(launch,
                                                                database,
                                                                folder):
    spool = folder / f"spool-{uuid.uuid4().hex}"
    spool.mkdir()
    receiver = launch(CALLHOOK_SPOOL=spool, CALLHOOK_ACK_MS=300)
    unknown = stranger()
    with locked(database):
        waiting = Later(receiver.send, database.subscribe().item())
        assert_accepted(waiting.result())
        assert_accepted(receiver.send(unknown.item()))
        assert list(spool.glob("*"))
    wait_until(
        lambda: not [path for path in spool.glob("*") if path.is_file()],
        "an empty spool")
    end(receiver)
    assert refusals(database) == {unknown.subscription_id: ("unknown", 1)}


def test_strangers_get_little_room(launch, database):
    """A subscription that is refused again and again is noted among them."""
    receiver = launch()
    ours = database.subscribe()
    for _ in range(3):
        items = [stranger().item() for _ in range(200)]
        wrong = ours.item(clientState="wrong")
        items[50:50] = [wrong, wrong]
        assert_accepted(receiver.send(*items))
    end(receiver)
    found = refusals(database)
    assert len(found) == NOTED
    assert found[ours.subscription_id] == ("secret", 6)


def test_it_is_written_once_a_minute(launch, database):
    """By a receiver that goes on. (It waits for the minute's end.)"""
    receiver = launch()
    unknown = stranger()
    assert_accepted(receiver.send(unknown.item()))
    wait_until(lambda: refusals(database), "a minute's end", 75)
    assert refusals(database) == {unknown.subscription_id: ("unknown", 1)}
    assert_accepted(receiver.send(database.subscribe().item()))
    end(receiver)
    assert refusals(database) == {unknown.subscription_id: ("unknown", 1)}


def test_receivers_add_up(launch, database):
    unknown = stranger()
    receivers = [launch(), launch()]
    for receiver in receivers:
        assert_accepted(receiver.send(unknown.item(), unknown.item()))
    for receiver in receivers:
        end(receiver)
    assert refusals(database) == {unknown.subscription_id: ("unknown", 4)}


def test_a_table_that_is_locked_holds_up_nobody(launch, database):
    receiver = launch(CALLHOOK_ACK_MS=10000)
    assert_accepted(receiver.send(stranger().item()))
    with database.session() as session:
        session.run("BEGIN; LOCK TABLE callhook_store.refusals "
                    "IN ACCESS EXCLUSIVE MODE")
        receiver.terminate()
        assert receiver.wait(3) == 0
        session.run("ROLLBACK")
    assert refusals(database) == {}
    assert "the refusals are not written: 55P03" in receiver.log()


def test_plain_cgi_writes_none(database):
    answer = run_cgi(database.environment(),
                             body=collection(stranger().item()))
    assert_accepted(answer)
    assert refusals(database) == {}


# --- The function ---

def test_the_last_reason_counts_and_times_are_kept(database):
    subscription_id, tenant_id = str(uuid.uuid4()), str(uuid.uuid4())
    add(database, [(subscription_id, "unknown", 2)])
    add(database, [(subscription_id, "unknown", 1),
                   (str(uuid.uuid4()), "unknown", 1),
                   (subscription_id, "secret", 4)], tenant_id)
    assert refusals(database)[subscription_id] == ("secret", 7)
    assert database.query(
        "SELECT tenant_id FROM callhook_store.refusals "
        "WHERE first_at < last_at "
        f"AND subscription_id = '{subscription_id}'") == [
            {"tenant_id": tenant_id}]


def test_no_more_than_256_rows_stay(database):
    """Known subscriptions first, then those last heard of."""
    known = [database.subscribe().subscription_id for _ in range(20)]
    add(database, [(known[0], "secret", 1)])
    others = [str(uuid.uuid4()) for _ in range(10 * NOTED)]
    for start in range(0, len(others), NOTED):
        add(database, [(other, "unknown", 1)
                       for other in others[start:start + NOTED]])
    assert len(refusals(database)) == KEPT
    assert known[0] in refusals(database)
    newest = others[-(KEPT - NOTED):]       # the oldest batch: a part of it
    assert set(newest) <= refusals(database).keys()
    add(database, [(subscription, "secret", 1) for subscription in known])
    found = refusals(database).keys()
    assert len(found) == KEPT
    assert set(known) <= found


def test_many_known_ones_do_not_pass_the_bound(database):
    database.execute("""
        INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
            subscription_id, secret_sha256)
        SELECT 'many', gen_random_uuid(), gen_random_uuid(), sha256('x')
        FROM generate_series(1, 300)""")
    database.execute("""
        SELECT callhook_store.add_refusals(array_agg(subscription_id),
            array_agg(tenant_id), array_agg('secret'::text),
            array_agg(1::bigint))
        FROM callhook_store.subscriptions""")
    assert len(refusals(database)) == KEPT


def test_receivers_at_the_same_time(database):
    """Neither sees the other's new rows: one of them must come again."""
    def call():
        ids = array([uuid.uuid4() for _ in range(200)], "uuid")
        reasons = array(["unknown"] * 200, "text")
        return (f"SELECT callhook_store.add_refusals({ids}, {ids}, {reasons}, "
                f"array_fill(1::bigint, ARRAY[200]))")

    with database.session("test_receiver") as session:
        session.run("BEGIN; " + call())
        with pytest.raises(Trouble, match="55P03"):
            database.execute(call(), "test_receiver")
        session.run("COMMIT")
    database.execute(call(), "test_receiver")
    assert len(refusals(database)) == KEPT


def test_nothing_and_nonsense(database):
    database.execute("SELECT callhook_store.add_refusals('{}', '{}', '{}', "
                     "'{}')", "test_receiver")
    with pytest.raises(Trouble, match="23514"):
        add(database, [(NIL, "malformed", 1)])
    assert refusals(database) == {}


def test_the_renewer_removes_what_it_has_seen_to(database):
    add(database, [(NIL, "unknown", 1)])
    database.execute("DELETE FROM callhook_store.refusals", "test_renewer")
    assert refusals(database) == {}
