"""What the site knows and Graph does not, loaded from files."""

import random

import pytest

from support.company import Party, media, moment, phone, record, session, stream
from support.record_store import Store

# What no compression makes short enough for an index.
LONG = random.Random(1).randbytes(20000).hex()
ANN, BOB = Party("Ann", subnet="10.1.2.0"), Party("Bob", subnet="10.1.2.128")


def building(network, name, prefix, where, flags="1,0"):
    return f"{network},{name},{prefix},{where},,,,Berlin,,DE,,EMEA,{flags}"


@pytest.fixture
def load(world, tenant, folder):
    """Load a file of these lines; what the command said."""
    def run(kind, *lines, name=tenant.name, raw=None):
        path = folder / f"{kind}.csv"
        path.write_bytes(raw or "\n".join(lines).encode() + b"\n")
        done = world.run("load", kind, name, str(path))
        said = [line.partition(f"{path}:")[2]
                for line in done.stderr.splitlines()]
        return done.status, said

    return run


@pytest.fixture
def view(world, tenant):
    def rows(name, condition="true"):
        return world.database.query(
            f"SELECT * FROM callhook.{name} WHERE {condition} AND "
            f"tenant_id = '{tenant.tenant_id}'", "test_reader")
    return rows


@pytest.fixture
def store(world, tenant):
    return Store(world.database, tenant.tenant_id)


def call_of_two(store, caller, callee):
    made = record([session(caller, callee, moment("2026-03-10"), 90, media(
        caller, callee, stream(True), stream(False)))], caller)
    assert store.read(made["id"], made) == "stored"


def test_buildings_the_longest_prefix_wins(load, view, store):
    call_of_two(store, ANN, BOB)
    [row] = view("stream_quality", "stream_no = 1")
    assert row["sender_building"] is None
    assert load("building", building("10.1.0.0", "Campus", 16, "Campus"),
                building("10.1.2.128", "Floor 2", 25, '"North, new"'),
                building("10.1.2.0", "Floor 1", 24, "North", "1,0,1")) == (
                    0, [])
    [row] = view("stream_quality", "stream_no = 1")
    assert (row["sender_building"], row["sender_floor"]) == (
        "North", "Floor 1")
    assert (row["receiver_building"], row["receiver_floor"]) == (
        "North, new", "Floor 2")
    assert {row["building"] for row in view("cdr")} == {"North", "North, new"}
    assert {row["building"]: row["streams"]
            for row in view("quality_by_building")} == {
                "North": 1, "North, new": 1}
    # A load takes the place of the earlier file.
    assert load("building", building("10.1.0.0", "Campus", 16, "Campus"))[0] \
        == 0
    assert {row["building"] for row in view("cdr")} == {"Campus"}


def test_tabs_and_a_mark_and_crlf(load, view, store):
    call_of_two(store, ANN, BOB)
    line = building("10.1.2.0", "Floor 1", 24, "North").replace(",", "\t")
    assert load("building", raw=b"\xef\xbb\xbf" + line.encode() + b"\r\n") \
        == (0, [])
    assert {row["building"] for row in view("cdr")} == {"North"}


def test_departments_by_id_and_by_name(load, view, store):
    call_of_two(store, ANN, BOB)
    assert load("person", "principal_name,department,cost_centre",
                f"{ANN.principal_name.upper()},Sales,1",
                f"{BOB.id},\"R\"\"D\",2") == (0, [])
    assert {row["person_name"]: row["department"] for row in view("cdr")} \
        == {"Ann": "Sales", "Bob": 'R"D'}


def test_rates_where_microsoft_names_no_charge(load, view, store):
    def row(name, number, **more):
        return {"id": name, "userId": ANN.id, "duration": 90,
                "startDateTime": "2026-03-10T10:00:00Z",
                "callType": "user_out", "calleeNumber": number, **more}

    store.call("store_pstn_rows", store.tenant, [
        row("own", "+4940123456", charge=0.0, currency="EUR"),
        row("site", "+4940123456"), row("mobile", "+4917012345"),
        row("none", "+33123456"), row("missed", "+4917012345", duration=0),
        row("unknown", "+4917012345", duration=None)])
    store.call("store_direct_routing_rows", store.tenant, [
        row("over", "+4917012345", successfulCall=True),
        row("failed", "+4917012345", successfulCall=False, duration=0)])
    assert load("rate", "prefix,per_minute,per_call,currency,valid_from",
                "+49,0.02, ,EUR,2026-01-01", "+49,1,0,EUR,2026-04-01",
                "+4917,0.10,0.05,CHF,") == (0, [])
    assert {row["leg_id"]: (row["charge"], row["currency"])
            for row in view("cdr")} == {
                "own": (0, "EUR"), "site": (0.03, "EUR"),
                "mobile": (0.2, "CHF"), "none": (None, None),
                "missed": (None, None), "unknown": (None, None),
                "over": (0.2, "CHF"), "failed": (None, None)}


def test_names_of_queues(load, view, store):
    queue = Party("cq_support", "applicationInstance",
                  role="skypeForBusinessCallQueues")
    caller = phone("+493012345678")
    made = record([session(caller, queue, moment("2026-03-10"), 40)], caller,
                  "groupCall")
    assert store.read(made["id"], made) == "stored"
    assert load("queue", "id,name", f"{queue.id},Support desk") == (0, [])
    assert [row["queue_name"] for row in view("queues_by_day")] == [
        "Support desk"]


@pytest.mark.parametrize("kind, lines, fault", [
    ("building", ["10.1.2.0,a,24"], "1: 3 columns in the place of 14 or 15"),
    ("building", [building("10.1.2.0", "a", 24, "b"),
                  building("10.1.2", "a", 24, "b")],
     "2: the network (column 1) is no address"),
    ("building", [building("10.1.2.0", "a", 33, "b")],
     "1: the network range (column 3) is no length of a prefix"),
    ("building", [building("10.1.2.0", "a", 24, "b"),
                  building("10.1.2.9", "a", 24, "c")],
     "2: the same stands in line 1"),
    ("person", ["id,department", '1,"open'], "2: a quote is not closed"),
    ("person", ["id,department", "", '1,"a"b'],
     "3: text follows a closing quote"),
    ("person", ["id,department", "1"],
     "2: it has not as many fields as the header"),
    ("person", ["department", "1"], "1: the header lacks a column"),
    ("person", ["id,shoe size", "1,2"],
     "1: column 2 of the header is unknown: there are id or principal_name, "
     "department, cost_centre, number"),
    ("queue", ["id;name", "1;a"],
     "1: column 1 of the header is unknown: there are id, name"),
    ("person", ["id,principal_name", "1,2"],
     "1: a column stands twice in the header"),
    ("person", [""], "2: there is no header"),
    ("rate", ["prefix,per_minute,currency", "+49,free,EUR"],
     "2: per_minute and per_call are amounts such as 0.05"),
    ("queue", ["id,name", "1,"], "2: a queue has an id and a name"),
    ("queue", ["id,name", "1,a", f"{LONG},b"],
     "3: the id has over 2,000 bytes"),
    ("person", ["id,department", f"{LONG},b"],
     "2: the id has over 2,000 bytes"),
])
def test_faults_are_named_by_their_line(load, view, kind, lines, fault):
    assert load("queue", "id,name", "kept,Kept")[0] == 0
    assert load(kind, *lines) == (1, [fault])


def test_a_file_that_is_no_utf8(load):
    assert load("queue", raw=b"id,name\n1,a\n2,\xff\n3,b\n") == (
        1, ["3: it is no UTF-8"])


def test_wrong_usage(world, tenant, load):
    assert world.run("load").status == 64
    assert world.run("load", "shoes", tenant.name, "x").status == 64
    assert load("queue", "id,name", name="nobody")[0] == 64
    assert world.run("load", "queue", tenant.name, "/nonexistent").status == 1


def test_a_run_makes_the_figures(world, tenant, store, view):
    call_of_two(store, ANN, BOB)
    dirty = "SELECT FROM callhook_store.report_dirty_days"
    assert world.database.query(dirty)
    world.quiet()
    assert not world.database.query(dirty)
    assert view("calls_by_hour")[0]["calls"] == 1
