"""What is too old goes, and who wants to be forgotten is."""

import contextlib
import datetime
import hashlib
import json
import urllib.parse

import pytest

from support import company
from support.call_records import (copy_of, make, new_id, sample, small_record,
                                  whole_record)
from support.later import Later
from support.record_store import TENANT, Store
from support.service import Trouble, wait_until

pytestmark = pytest.mark.no_program

TABLES = ("calls", "call_records", "participants", "sessions", "segments",
          "media", "streams", "feedback", "record_pages", "record_versions")


@pytest.fixture
def store(database):
    return Store(database)


def rows(store, table):
    return store.database.query(
        f"SELECT count(*) AS n FROM callhook_store.{table}")[0]["n"]


def retain(store, days, batch=10000):
    """All of it; how many rows and calls were removed."""
    total = 0
    while True:
        removed = store.value("retain", days, batch)
        total += removed
        if removed < batch:
            return total


def stored_as_received(store):
    """What was inserted now has been here since it came."""
    store.database.execute("""
        UPDATE callhook_store.notifications SET stored_at = received_at;
        UPDATE callhook_store.calls SET filed_at = last_notified_at
        WHERE notifications > 0""")


# --- Retention ---

def test_old_calls_go_with_all_that_is_theirs(store):
    old, new = new_id(), new_id()
    for call_id, age in ((old, 40), (new, 20)):
        day = (datetime.datetime.now(datetime.timezone.utc)
               - datetime.timedelta(days=age)).strftime("%Y-%m-%d")
        store.notify(call_id, f"now() - interval '{age} days'")
        store.fold()
        store.read(call_id, copy_of(
            whole_record(call_id), startDateTime=f"{day}T10:00:00Z"))
    stored_as_received(store)
    before = {table: rows(store, table) for table in TABLES}
    assert retain(store, 0) == 0
    assert {table: rows(store, table) for table in TABLES} == before
    retain(store, 30)
    assert [row["call_id"] for row in store.view("calls")] == [new]
    assert [row["call_id"] for row in store.view("notifications")] == [new]
    for table in TABLES:
        assert rows(store, table) == before[table] / 2, table


def test_an_old_call_that_is_still_told_of_stays(store):
    call_id = new_id()
    store.read(call_id, small_record(call_id, startDateTime="2020-01-01"
                                     "T00:00:00Z"))
    store.notify(call_id)
    store.fold()
    retain(store, 30)
    assert len(store.view("calls")) == 1


def test_what_graph_dates_after_tomorrow(store):
    """It goes by when it was stored, like others that say no time."""
    far = "9999-06-01T00:00:00Z"
    for call_id in (new_id(), new_id()):
        store.read(call_id, small_record(call_id, startDateTime=far,
                                         endDateTime=far))
    for function in ("store_pstn_rows", "store_direct_routing_rows"):
        store.value(function, TENANT, [{"id": new_id(), "startDateTime": far},
                                       {"id": new_id(), "startDateTime": far}])
    retain(store, 30)
    assert [len(store.view(name)) for name in (
        "calls", "pstn_calls", "direct_routing_calls")] == [2, 2, 2]
    store.database.execute("""
        UPDATE callhook_store.calls SET filed_at = now() - interval '40 days';
        UPDATE callhook_store.pstn_calls SET read_at = '2020-01-01';
        UPDATE callhook_store.direct_routing_calls SET read_at = '2020-01-01'
        """)
    retain(store, 30)
    assert [len(store.view(name)) for name in (
        "calls", "pstn_calls", "direct_routing_calls")] == [0, 0, 0]


@pytest.mark.parametrize("received_at", ["1970-01-02", "2020-03-05"])
def test_what_a_receiver_dates_back_stays(store, received_at):
    """Its clock may be wrong: what has just come is neither removed nor taken
    for a call that Graph no longer has."""
    store.database.execute(
        f"SELECT callhook_store.make_partition('{received_at}')")
    store.turn_reading_on()
    call_id = new_id()
    store.notify(call_id, f"'{received_at}T10:00Z'")
    store.fold()
    retain(store, 30)
    assert [row["record_state"] for row in store.view("calls")] == ["waiting"]
    assert len(store.view("notifications")) == 1
    stored_as_received(store)
    retain(store, 30)
    assert store.view("calls") == store.view("notifications") == []


@pytest.mark.parametrize("month", [True, False])
def test_what_the_database_dated_ahead_goes(store, month):
    """Its clock was wrong for a while: that does not keep a row, a call or a
    month for years."""
    if month:
        store.database.execute(
            "SELECT callhook_store.make_partition('2020-03-01')")
    store.notify(new_id(), "'2020-03-05T10:00Z'")
    store.fold()
    store.database.execute("""
        UPDATE callhook_store.notifications SET stored_at = '2099-01-01';
        UPDATE callhook_store.calls SET filed_at = '2099-01-01'""")
    retain(store, 30)
    assert store.view("calls") == store.view("notifications") == []
    assert "notifications_2020_03" not in months(store)


def test_rows_go_in_batches(store):
    store.database.execute(f"""
        INSERT INTO callhook_store.calls (tenant_id, call_id,
            first_notified_at, last_notified_at, filed_at)
        SELECT '{TENANT}', gen_random_uuid(), t, t, t
        FROM generate_series(1, 25), (SELECT now() - interval '9 days')
            AS a (t);
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id)
        SELECT gen_random_uuid(), now() - interval '2 days', '{TENANT}'
        FROM generate_series(1, 25);
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id)
        VALUES (gen_random_uuid(), now(), '{TENANT}')""")
    stored_as_received(store)
    removed = [store.value("retain", 1, 10) for _ in range(7)]
    assert removed == [10, 10, 10, 10, 10, 0, 0]
    assert rows(store, "calls") == 0
    assert rows(store, "notifications") == 1


def months(store):
    return {row["name"] for row in store.database.query("""
        SELECT relname AS name FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'callhook_store.notifications'::regclass""")}


def test_whole_months_are_dropped(store):
    for month in ("2019-12-01", "2020-01-01"):
        store.database.execute(
            f"SELECT callhook_store.make_partition('{month}')")
        store.notify(new_id(), f"'{month}T10:00Z'")
    store.notify(new_id(), "'2020-03-05T10:00Z'")       # in the default one
    stored_as_received(store)
    before = months(store)
    retain(store, 30)
    assert before - months(store) == {"notifications_2019_12",
                                      "notifications_2020_01"}
    assert rows(store, "notifications") == 0


def test_a_reader_delays_the_dropping_and_nobody_else(store):
    """An open reader keeps a month; the function gives up soon."""
    store.database.execute(
        "SELECT callhook_store.make_partition('2020-01-01')")
    with store.database.session() as reader:
        reader.run("BEGIN; SELECT count(*) FROM callhook.notifications")
        retain(store, 30)
        assert "notifications_2020_01" in months(store)
        store.notify(new_id())
        reader.run("COMMIT")
    retain(store, 30)
    assert "notifications_2020_01" not in months(store)


def test_a_month_goes_in_a_transaction_of_its_own(store):
    """Until its end nobody can insert: nothing else is done in it."""
    store.database.execute(
        "SELECT callhook_store.make_partition('2020-01-01')")
    store.notify(new_id(), "'2020-03-05T10:00Z'")
    stored_as_received(store)
    assert store.value("retain", 30, 10) == 10
    assert "notifications_2020_01" not in months(store)
    assert rows(store, "notifications") == 1
    assert store.value("retain", 30, 10) == 1


def test_what_was_listed_stays_listed(store):
    """Windows older than what is kept: else each run would list them."""
    store.database.execute(f"""
        INSERT INTO callhook_store.listings (tenant_id, begins_at, ends_at,
            listed_at, listed, missing, newer)
        SELECT '{TENANT}', now() - interval '25 days',
               now() - interval '24 days', now() - age, 1, 1, 1
        FROM (VALUES (interval '1 day'), ('7 days'), ('9 days')) AS v (age);
        INSERT INTO callhook_store.calls (tenant_id, call_id, listed_at,
            started_at, filed_at)
        VALUES ('{TENANT}', gen_random_uuid(), now(),
                now() - interval '20 days', now())""")
    retain(store, 5)
    assert rows(store, "listings") == 2
    assert rows(store, "calls") == 0


def test_the_other_tables(store):
    def enter(table, columns, old, new):
        for age in (old, new):
            store.database.execute(
                f"INSERT INTO callhook_store.{table} "
                + columns.format(t=f"now() - interval '{age}'"))

    enter("receiver_minutes", "VALUES ({t}, 'h', '{{1}}', '{{1}}', 1, 0)",
          "14 months", "12 months")
    enter("listings", "(tenant_id, begins_at, ends_at, listed_at, listed, "
          f"missing, newer) VALUES ('{TENANT}', {{t}}, {{t}}, {{t}}, 1, 1, "
          "1)",
          "40 days", "20 days")
    enter("gaps", "(tenant, tenant_id, resource, change_type, reason, "
          f"begins_at, ends_at, closed_at) VALUES ('a', '{TENANT}', 'r', "
          "'u', 'x', {t}, {t}, {t})", "40 days", "20 days")
    store.database.execute(f"""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at)
        VALUES ('a', '{TENANT}', 'r', 'u', 'open', now() - interval '1 y')""")
    enter("subscriptions", f"(tenant, tenant_id, secret_sha256, ended_at) "
          f"VALUES ('a', '{TENANT}', '\\x{'00' * 32}', {{t}})",
          "40 days", "20 days")
    enter("lifecycle_handled", "VALUES (gen_random_uuid(), {t})",
          "40 days", "20 days")
    enter("refusals", "(subscription_id, tenant_id, reason, refusals, "
          f"last_at) VALUES (gen_random_uuid(), '{TENANT}', 'unknown', 1, "
          "{t})", "40 days", "20 days")
    for view, name in (("pstn_calls", "store_pstn_rows"),
                       ("direct_routing_calls",
                        "store_direct_routing_rows")):
        store.value(name, TENANT, [
            {"id": "old", "startDateTime": "2020-01-01T00:00:00Z"},
            {"id": "new"}])
        assert len(store.view(view)) == 2
    assert retain(store, 30) == 8
    for table, left in (("receiver_minutes", 1), ("listings", 1),
                        ("gaps", 2), ("subscriptions", 1),
                        ("lifecycle_handled", 1), ("refusals", 1),
                        ("pstn_calls", 1), ("direct_routing_calls", 1)):
        assert rows(store, table) == left, table


# --- Forgetting ---

PERSON = "F69E2C00-0000-0000-0000-185e5f5f5d8a"
TRACES = ("f69e2c00", "Owen Franklin", "owen.franklin", "machineName_4")


def read_sample(store, call_id=None):
    record = sample("callrecord-p2p-expanded.json")
    record.pop("sessions@odata.nextLink")
    people = sample("callrecord-p2p-participants-v2.json")
    record["participants_v2"] = people["participants_v2"]
    record["id"] = call_id or record["id"]
    record["sessions"][0]["callee"]["feedback"]["text"] = "Owen Franklin here"
    assert store.read(record["id"], record) == "stored"
    return record


def traces(store, words=TRACES):
    dump = store.database.dump().lower()
    return [word for word in words if word.lower() in dump]


def test_a_person_is_forgotten(store):
    record = read_sample(store)
    other = small_record(new_id(), organizer_v2={"identity": {
        "user": {"id": "somebody", "displayName": "Somebody Else"}}})
    store.read(other["id"], other)
    for name in ("pstnCallLogRow", "directRoutingLogRow"):
        function = {"p": "store_pstn_rows",
                    "d": "store_direct_routing_rows"}[name[0]]
        row = make(name, lambda *_: None)
        store.value(function, TENANT, [
            {**row, "id": "1", "userId": PERSON,
             "userDisplayName": "Owen Franklin", "calleeNumber": "+4989123"},
            {**row, "id": "2", "userPrincipalName":
             "Owen.Franklin@contoso.com", "callerNumber": "+4989123"},
            {**row, "id": "3", "userDisplayName": "Somebody Else"}])
    assert traces(store) == list(TRACES)
    assert store.value("forget_person", PERSON) == 1 + 4
    assert traces(store) == []
    assert traces(store, ["+4989123"]) == []
    assert traces(store, ["Somebody Else", "Abbie Wilkins"]) == [
        "Somebody Else", "Abbie Wilkins"]
    where = f"call_id = '{record['id']}'"
    rows_left = store.view("participants", where, "participant_no")
    assert [row["identity_name"] for row in rows_left] == [
        "Abbie Wilkins", None]
    [session] = store.view("sessions", where)
    assert session["callee_identity_id"] is None
    assert session["caller_name"] == "machineName_2"
    [said] = store.view("feedback", where)
    assert (said["rating"], said["text"]) == ("poor", None)
    [stream] = store.view("streams", where)
    assert (stream["sender_name"], stream["receiver_name"]) == (
        "Abbie Wilkins", None)
    assert len(store.view("pstn_calls")) == 3


@pytest.mark.parametrize("given", [PERSON, "OWEN.Franklin@contoso.com",
                                   "sip:owen.franklin@contoso.com"])
def test_by_the_id_or_the_name(store, given):
    """Either of them is enough: the other stands beside it."""
    read_sample(store)
    other = new_id()
    store.read(other, small_record(other, organizer={"user": {
        "id": PERSON, "displayName": "Owen Franklin"}}))
    store.value("store_pstn_rows", TENANT, [
        {"id": "1", "userId": PERSON, "userPrincipalName":
         "owen.franklin@contoso.com", "userDisplayName": "Owen Franklin"}])
    store.value("forget_person", given)
    assert traces(store) == []


def test_the_link_to_the_meeting(store):
    """It holds the id of who made the meeting."""
    call_id = new_id()
    link = ("https://teams.microsoft.com/l/meetup-join/19%3ameeting/0?context="
            "%7b%22Tid%22%3a%22{}%22%2c%22Oid%22%3a%22{}%22%7d")
    other = link.format(TENANT, new_id())
    store.read(call_id, small_record(
        call_id, joinWebUrl=link.format(TENANT, PERSON.lower())))
    beside = new_id()
    store.read(beside, small_record(beside, joinWebUrl=other))
    assert traces(store) == ["f69e2c00"]
    assert store.value("forget_person", PERSON) == 1
    assert traces(store) == []
    assert store.view("call_records", f"call_id = '{beside}'")[0][
        "join_web_url"] == other


def test_an_endpoint_without_a_user_agent(store):
    record = copy_of(read_sample(store), version=2)
    del record["sessions"][0]["callee"]["userAgent"]
    assert store.read(record["id"], record) == "stored"
    store.value("forget_person", PERSON)
    assert traces(store) == []


def test_a_row_of_a_log_keeps_its_own_id(store):
    store.value("forget_person", PERSON)
    row = {"id": "1", "startDateTime": "2026-01-01T00:00:00Z",
           "calleeNumber": PERSON}
    for _ in range(2):
        store.value("store_pstn_rows", TENANT, [row])
    assert [row["id"] for row in store.view("pstn_calls")] == ["1"]


def test_only_digests_of_ids_stay(store):
    read_sample(store)
    store.value("forget_person", PERSON)
    kept = {row["id"] for row in store.database.query(
        "SELECT encode(id_sha256, 'hex') AS id "
        "FROM callhook_store.forgotten")}
    assert kept == {hashlib.sha256(word.lower().encode()).hexdigest()
                    for word in (PERSON, "owen.franklin@contoso.com")}


def test_nothing_brings_the_person_back(store):
    """Not the same version, no newer one, no other call, no log."""
    record = read_sample(store)
    store.value("forget_person", PERSON)
    assert store.read(record["id"], record) == "same"
    assert store.read(record["id"], copy_of(record, version=2)) == "stored"
    read_sample(store, new_id())
    store.value("store_pstn_rows", TENANT, [
        {"id": "1", "userId": PERSON.upper(),
         "userDisplayName": "Owen Franklin", "callerNumber": "+4989123"}])
    person = sample("callrecord-p2p-participants-v2.json")
    page = {"value": person["participants_v2"]}
    call_id = new_id()
    store.read(call_id, small_record(call_id), participants=[page])
    assert traces(store, [*TRACES, "+4989123"]) == []
    assert len(store.view("participants", f"call_id = '{call_id}'")) == 2
    assert traces(store, ["Abbie Wilkins"])


def test_a_page_that_waits_goes(store):
    """Its reading begins anew."""
    call_id = new_id()
    reading = store.begin(call_id)
    record = small_record(call_id, organizer={"user": {
        "id": PERSON, "displayName": "Owen Franklin"}})
    store.page(call_id, reading, "record", 1, record)
    store.value("forget_person", PERSON)
    assert traces(store) == []
    assert store.finish(call_id, reading) == "incomplete"
    assert store.read(call_id, record) == "stored"
    assert traces(store) == []


def test_a_record_that_is_just_being_stored(store):
    call_id = new_id()
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(
        call_id, organizer={"user": {"id": PERSON,
                                     "displayName": "Owen Franklin"}}))
    with store.database.session() as session:
        session.run("BEGIN; SELECT callhook_store.finish_records("
                    f"'{TENANT}', '{{{call_id}}}', '{{{reading}}}')")
        forgetting = Later(store.value, "forget_person", PERSON)
        wait_until(lambda: store.database.query(
            "SELECT FROM pg_locks WHERE NOT granted"), "it waits")
        session.run("COMMIT")
    assert forgetting.result() == 1
    assert traces(store) == []


def test_by_a_phones_number(store):
    call_id = new_id()
    store.read(call_id, small_record(call_id, participants_v2=[
        {"id": "+4989123", "identity": {"phone": {
            "id": "+4989123", "displayName": "A Phone"}}},
        {"identity": {"guest": {"id": "teamsvisitor:1"}}}]))
    assert store.value("forget_person", " +4989123 ") == 1
    assert traces(store, ["+4989123", "A Phone"]) == []
    assert traces(store, ["teamsvisitor:1"])


def test_a_name_that_stands_where_no_column_shows_it(store):
    call_id = new_id()
    store.read(call_id, small_record(call_id, newMember={"people": [
        {"id": PERSON, "displayName": "Owen Franklin"}]}))
    assert store.value("forget_person", PERSON) == 1
    assert traces(store) == []


OWN_NETWORK = {"ipAddress": "10.20.30.40", "subnet": "10.20.30.0",
               "macAddress": "00-11-22-33-44-55", "dnsSuffix": "owen.example",
               "basicServiceSetIdentifier": "aa-bb-cc-dd-ee-ff",
               "reflexiveIPAddress": "203.0.113.9",
               "traceRouteHops": [{"hopCount": 1, "ipAddress": "10.20.30.1"}],
               "connectionType": "wifi"}
OWN_DEVICE = {"captureDeviceName": "Owen's Headset",
              "renderDeviceName": "Owen's Headset"}


def everything(value):
    """Each string of JSON, keys too."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from everything(member)
    elif isinstance(value, list):
        for member in value:
            yield from everything(member)
    elif isinstance(value, str):
        yield value
        if value[:1] in "[{":
            with contextlib.suppress(json.JSONDecodeError):
                yield from everything(json.loads(value))


def whole_store(store):
    """Every string of every column of every table."""
    for table in store.database.query("""
            SELECT oid::regclass::text AS name FROM pg_class
            WHERE relkind = 'r'
              AND relnamespace = 'callhook_store'::regnamespace"""):
        for row in store.database.query(f"SELECT * FROM {table['name']}"):
            for text in everything(row):
                yield table["name"], text


def places(store, *words):
    return [(table, text) for table, text in whole_store(store)
            if any(word.lower() in text.lower() for word in words)]


def test_a_persons_endpoints(store):
    """Addresses and devices of the person's side, and of no other."""
    record = read_sample(store)
    session = record["sessions"][0]
    [media] = session["segments"][0]["media"]
    media["calleeNetwork"], media["calleeDevice"] = OWN_NETWORK, OWN_DEVICE
    media["callerDevice"]["captureDeviceName"] = "Abbie's Headset"
    assert store.read(record["id"], copy_of(record, version=2)) == "stored"
    own = ("10.20.30", "203.0.113.9", "00-11-22", "owen", "aa-bb-cc",
           "machineName_4")
    assert places(store, *own)
    store.value("forget_person", PERSON)
    # (A subnet without its user says nothing of a person.)
    assert [place for place in places(store, *own)
            if place[0] != "callhook_store.report_subnets"] == []
    assert places(store, "10.150.0.2") and places(store, "Abbie's Headset")
    assert places(store, "wifi")


def test_an_organizer_brings_no_name_back(store):
    """Known by the principal name there alone."""
    call_id, later = new_id(), new_id()
    store.read(call_id, small_record(call_id, organizer_v2={
        "id": PERSON, "identity": {"user": {
            "id": PERSON, "displayName": "Owen Franklin",
            "userPrincipalName": "Owen.Franklin@contoso.com"}}}))
    store.value("forget_person", "owen.franklin@CONTOSO.com")
    store.read(later, small_record(later, organizer={"user": {
        "id": PERSON, "displayName": "Owen Franklin"}}))
    assert places(store, "f69e2c00", "owen") == []


NAME = "owen.o'neil@contoso.com"


def organized(user, call_id=None):
    call_id = call_id or new_id()
    return small_record(call_id, organizer_v2={
        "id": PERSON, "identity": {"user": {
            "id": PERSON, "displayName": "Owen Franklin"} | user}})


def test_ids_that_are_written_with_escapes(store):
    """A serializer of Microsoft's writes ' and + so."""
    first, later = organized({"userPrincipalName": NAME}), organized({})
    text = json.dumps(first).replace("'", "\\u0027").replace("-", "\\u002d")
    number = store.begin(first["id"])
    store.raw_page(first["id"], number, text)
    assert store.finish(first["id"], number) == "stored"
    store.value("forget_person", NAME)
    store.read(later["id"], later)
    assert places(store, PERSON, "owen") == []


def test_a_person_who_has_had_two_principal_names(store):
    for name in ("owen.old@contoso.com", NAME):
        record = organized({"userPrincipalName": name})
        store.read(record["id"], record)
    store.value("store_pstn_rows", TENANT, [
        {"id": "1", "userPrincipalName": "Owen.Old@contoso.com"}])
    store.value("forget_person", NAME)
    assert places(store, PERSON, "owen") == []


@pytest.mark.parametrize("given", [PERSON, NAME])
@pytest.mark.parametrize("by", ["record", "log"])
def test_an_id_that_is_learnt_of_later(store, given, by):
    """What had been known of the person has gone, or never came."""
    store.value("forget_person", given)
    if by == "record":
        record = organized({"userPrincipalName": NAME})
        record["organizer"] = {"user": {"id": PERSON,
                                        "displayName": "Owen Franklin"}}
        store.read(record["id"], record)
    else:
        store.value("store_pstn_rows", TENANT, [
            {"id": "1", "userId": PERSON, "userPrincipalName": NAME,
             "userDisplayName": "Owen Franklin"}])
    later = organized({})
    store.read(later["id"], later)
    store.value("store_pstn_rows", TENANT, [
        {"id": "2", "userPrincipalName": NAME.upper(),
         "userDisplayName": "Owen Franklin"}])
    assert places(store, PERSON, "owen") == []


def test_a_principal_name_that_becomes_somebody_else_s(store):
    record = organized({"userPrincipalName": NAME})
    store.read(record["id"], record)
    store.value("forget_person", PERSON)
    other = new_id()
    for user in ({"userPrincipalName": NAME}, {}):
        record = organized(user | {"id": other, "displayName": "Owen the 2nd"})
        store.read(record["id"], record)
    assert places(store, "owen the 2nd") != []


def test_whose_first_record_is_just_being_stored(store):
    """Only that tells what id belongs to the name."""
    first, later = organized({"userPrincipalName": NAME}), organized({})
    with store.database.session() as session:
        session.run("BEGIN;" + company.reading(first))
        forgetting = Later(store.value, "forget_person", NAME)
        wait_until(lambda: store.database.query(
            "SELECT FROM pg_locks WHERE NOT granted"), "it waits")
        session.run("COMMIT")
    assert forgetting.result() == 1
    store.read(later["id"], later)
    assert places(store, PERSON, "owen") == []


def test_a_snapshot_from_before_the_wait_is_refused(store):
    """Else what was stored meanwhile would keep the person."""
    for level in ("REPEATABLE READ", "SERIALIZABLE"):
        with pytest.raises(Trouble, match="25000"):
            store.database.execute(
                f"BEGIN ISOLATION LEVEL {level};"
                f"SELECT callhook_store.forget_person('{PERSON}'); COMMIT")


def test_a_name_shown_that_is_a_number_or_an_address(store):
    call_id = new_id()
    store.read(call_id, small_record(call_id, participants_v2=[
        {"identity": {"phone": {"displayName": "+4989123456"}}},
        {"identity": {"guest": {"displayName": NAME}}},
        {"identity": {"user": {"id": "bob", "displayName": f"Bob ({NAME})"}}}
        ], organizer_v2={"identity": {"user": {"id": "bob"}}}))
    store.value("forget_person", "+49 89 123456")
    store.value("forget_person", NAME)
    assert places(store, "4989123456", "owen") == []
    assert ("callhook_store.report_people", "bob") in places(store, "bob")


def test_words_that_name_the_person(store):
    """Where Graph has others: dictionaries are not made anew."""
    ann, queue = company.Party("Ann"), company.service(
        "skypeForBusinessCallQueues", "Owen's queue")
    queue.id = PERSON
    stream = company.talk(ann, queue)
    stream["label"] = f"odd {NAME}"
    for caller in (ann, queue):
        made = company.record([company.session(
            ann, queue, company.moment("2026-03-10"), 60, stream,
            stage="callSetup", reason=f"no {NAME}")], caller)
        made["sessions"][0]["callee"]["userAgent"]["headerValue"] = NAME
        assert store.read(made["id"], made) == "stored"
    odd = {"startDateTime": "2026-03-10T10:00:00Z", "callType": NAME,
           "conferenceId": NAME, "finalSipCodePhrase": f"no {NAME}",
           "destinationName": NAME, "trunkFullyQualifiedDomainName": "sbc"}
    store.value("store_pstn_rows", TENANT, [odd | {"id": "1"}])
    store.value("store_direct_routing_rows", TENANT, [odd | {"id": "1"}])
    company.work_off(store.database)
    store.value("forget_person", NAME)
    store.value("forget_person", PERSON)
    company.work_off(store.database)
    assert places(store, PERSON, "owen") == []
    assert store.row("direct_routing_calls")["trunk_fully_qualified_domain_name"
                                             ] == "sbc"
    assert store.database.query("SELECT * FROM callhook_store.verify_reports("
                                "'2026-03-10')") == []


def set_aside(store, why):
    """A row that a consumer gave back ten times."""
    store.database.execute("SELECT callhook.make_consumer('a', '-infinity')",
                           "test_consumer")
    for _ in range(10):
        [row] = store.database.query(
            "SELECT batch FROM callhook.next_notifications('a', 1)",
            "test_consumer")
        store.database.execute(f"SELECT callhook.failed({row['batch']}, "
                               f"'{why}')", "test_consumer")
        store.database.execute(
            "UPDATE callhook_store.consumer_batches SET ready_at = now()")
    assert store.row("consumer_failures")["why"] == why


def test_what_a_consumer_said(store):
    store.notify(new_id())
    set_aside(store, "nobody is called owen@contoso.com")
    store.value("forget_person", "owen@contoso.com")
    assert store.row("consumer_failures")["why"] is None


def test_what_was_set_aside_goes_with_its_notification(store):
    store.notify(new_id(), "now() - interval '20 days'")
    set_aside(store, "a reason")
    retain(store, 30)
    assert len(store.view("consumer_failures")) == 1
    retain(store, 10)
    assert store.view("consumer_failures") == []


def test_who_was_forgotten_before_an_upgrade(store):
    """Of whom both ids were known, neither is to bring another one: the
    principal name may be somebody else's by now."""
    call_id = new_id()
    store.read(call_id, organized({"userPrincipalName": NAME}, call_id))
    store.value("forget_person", NAME)
    store.value("forget_person", "else@contoso.com")
    store.database.execute(
        "ALTER TABLE callhook_store.forgotten DROP COLUMN alone")
    store.database.cluster.install(store.database.name)
    assert store.database.query("""
        SELECT alone, count(*) FROM callhook_store.forgotten
        GROUP BY alone ORDER BY alone""") == [
            {"alone": False, "count": 2}, {"alone": True, "count": 1}]


def test_whose_number_is_forgotten_is_not_the_user(store):
    """The figures of who called it stay, and those of later calls."""
    ann, number = company.Party("Ann"), "+4989123456"
    row = {"userId": ann.id, "userPrincipalName": ann.principal_name,
           "userDisplayName": "Ann", "startDateTime": "2026-03-10T10:00:00Z",
           "callType": "user_out", "callerNumber": "+4930777777",
           "calleeNumber": number, "odd": "x1"}
    for function in ("store_pstn_rows", "store_direct_routing_rows"):
        store.value(function, TENANT, [row | {"id": "1"}])
    company.work_off(store.database)
    assert store.row("people_by_day")["calls_out"] == 2
    assert store.value("forget_person", number) == 2
    for function in ("store_pstn_rows", "store_direct_routing_rows"):
        store.value(function, TENANT, [row | {"id": "2"}])
    assert places(store, "4989123456") == []
    for table in ("pstn_calls", "direct_routing_calls"):
        for left in store.view(table):
            assert (left["user_id"], left["user_principal_name"],
                    left["user_display_name"], left["caller_number"],
                    left["callee_number"], left["extra"]) == (
                ann.id, ann.principal_name, "Ann", "+4930777777", None,
                {"odd": "x1"})
    assert store.row("people_by_day")["calls_out"] == 4


SPELLINGS = ("+4989123456", "tel:+4989123456", "TEL:+49-89-123456;ext=1",
             "sip:+4989123456@sbc.contoso.com;user=phone", "+49 (89) 123 456",
             "004989123456", "4989123456", "+4989123***", "+49891234xx")


@pytest.mark.parametrize("given", ["+49 89 123456", "tel:+4989123456"])
def test_spellings_of_a_number(store, given):
    store.value("store_pstn_rows", TENANT, [
        {"id": str(i), "calleeNumber": number, "callerNumber": "+4930777777"}
        for i, number in enumerate(SPELLINGS)])
    store.value("store_pstn_rows", TENANT, [
        {"id": "other", "calleeNumber": "+4989124***"}])
    call_id = new_id()
    store.read(call_id, small_record(call_id, participants_v2=[
        {"id": number, "identity": {"phone": {
            "id": number, "displayName": f"Owen {number}"}}}
        for number in SPELLINGS], newMember=[f"from {SPELLINGS[0]} on"]))
    store.value("forget_person", given)
    left = {text for _, text in places(store, "49", "owen")}
    assert not left & {*SPELLINGS, f"from {SPELLINGS[0]} on"}
    assert not [text for text in left if "owen" in text.lower()]
    assert "+4989124***" in left
    store.value("store_pstn_rows", TENANT, [
        {"id": f"new{i}", "callerNumber": number}
        for i, number in enumerate(SPELLINGS)])
    assert not {text for _, text in places(store, "49")} & {*SPELLINGS}


def test_notifications_that_name_the_person(store):
    store.database.execute(f"""
        INSERT INTO callhook_store.notifications
            (notification_id, received_at, tenant_id, resource, extra)
        VALUES (gen_random_uuid(), now(), '{TENANT}',
                'users/{PERSON}/chats', '{{"odd": "{PERSON}", "kept": "x1"}}'),
               (gen_random_uuid(), now(), '{TENANT}',
                'communications/callRecords/{new_id()}', NULL)""")
    store.value("forget_person", PERSON)
    assert places(store, PERSON) == []
    assert len(places(store, "x1")) == 1
    assert len(places(store, "communications/callRecords")) == 1


@pytest.mark.parametrize("name, text", [
    ("o'w.e-n_!#^~@contoso.com", "ask {}, or nobody"),
    (NAME, "call '{}'."),
    ("o'neil_x.com#EXT#@contoso.com", "https://x/?c=%7b%22u%22%3A%22{}%22%7d")])
def test_a_name_in_a_text(store, name, text):
    """With each mark that a principal name may have."""
    if "://" in text:
        text = text.format(urllib.parse.quote(name))
    record = small_record(new_id(), newMember=[text.format(name)])
    store.read(record["id"], record)
    store.value("forget_person", name)
    assert not [table for table, word in whole_store(store)
                if text.format(name) in word]


@pytest.mark.parametrize("person", ["", "  ", None])
def test_nobody_is_not_forgotten(store, person):
    read_sample(store)
    with pytest.raises(Trouble, match="22000"):
        store.value("forget_person", person)


def test_an_unknown_person_changes_nothing(store):
    record = read_sample(store)
    assert store.value("forget_person", new_id()) == 0
    assert traces(store) == list(TRACES)
    assert store.known(record["id"])["record_state"] == "stored"
