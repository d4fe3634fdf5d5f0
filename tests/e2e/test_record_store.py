"""Call records in the store: every value of a record is found again."""

import json
import time

import pytest

from support.call_records import (VIEWS, copy_of, distinct_leaves, make,
                                  new_id, sample, small_record, whole_record)
from support.database import literal
from support.record_store import TENANT, Store
from support.record_walk import Walk, snake_case
from support.service import Trouble

pytestmark = pytest.mark.no_program

MANY = 1000


@pytest.fixture(scope="module")
def store(cluster):
    """A store that the tests of this file share, each with its own calls."""
    made = cluster.create_database()
    yield Store(made)
    cluster.drop_database(made.name)


@pytest.fixture
def call_id():
    return new_id()


def walk(store, call_id, record, kind=Walk):
    walker = kind(store, call_id)
    walker.record(record)
    return walker


# --- Every value is found ---

def test_the_documented_record(store):
    """Its next link leads to a page; the participants come with another."""
    record = sample("callrecord-p2p-expanded.json")
    people = sample("callrecord-p2p-participants-v2.json")
    page = {"@odata.context": "x",
            "value": people["participants_v2"], "@odata.nextLink": "x"}
    outcome = store.read(record["id"], record, sessions=[{"value": []}],
                         participants=[page, {"value": []}])
    assert outcome == "stored"
    whole = copy_of(record, participants_v2=people["participants_v2"])
    assert walk(store, record["id"], whole).leaves > 45
    [stream] = store.view("streams", f"call_id = '{record['id']}'")
    assert (stream["sender_name"], stream["receiver_name"]) == (
        "Abbie Wilkins", "Owen Franklin")
    assert stream["sender_id"] == "821809f5-0000-0000-0000-3b5136c0e777"
    assert stream["average_jitter_ms"] == 16
    assert stream["caller_link_speed"] == 54000000
    known = store.known(record["id"])
    assert known["organizer_name"] == "Abbie Wilkins"
    assert (known["participants"], known["sessions"]) == (2, 1)
    assert (known["record_state"], known["duration_seconds"]) == ("stored", 25)
    extras = [row["extra"] for view in VIEWS.values()
              for row in store.view(view, f"call_id = '{record['id']}'")]
    assert not any(extras)


@pytest.mark.parametrize("record", sample("callrecord-list-page.json"),
                         ids=lambda record: record["type"])
def test_records_of_a_list(store, record):
    record = copy_of(record, id=new_id())
    assert store.read(record["id"], record) == "stored"
    walk(store, record["id"], record)
    assert store.known(record["id"])["organizer_name"] == "John Doe"


def test_every_property(store, call_id):
    record = whole_record(call_id)
    assert store.read(call_id, record) == "stored"
    walker = walk(store, call_id, record)
    assert walker.leaves > 1500
    for rows in walker.rows.values():
        assert not any(row["extra"] for row in rows.values())


def test_unknown_members_everywhere(store, call_id):
    """Whatever Graph adds to any object, a list or null among it."""
    def spread(value):
        if isinstance(value, list):
            return [spread(one) for one in value]
        if not isinstance(value, dict):
            return value
        made = {key: one if key in stored_whole else spread(one)
                for key, one in value.items()}
        return {**made, "newMember": {"deep": [1, {"a": "b"}]}, "newer": 7.5,
                "newNull": None}

    stored_whole = ("administrativeUnitInfos", "tokens", "traceRouteHops")

    record = spread(whole_record(call_id))
    assert store.read(call_id, record) == "stored"
    walk(store, call_id, record)


class OddWalk(Walk):
    """Values of no fitting type are in extra, their columns null."""

    def leaf(self, row, prefix, member, kind, value, path):
        if kind in "tdifban":
            column = prefix + snake_case(member) + {"d": "_ms"}.get(kind, "")
            assert row[column] is None
            self.extra(row, path, value)
        else:
            super().leaf(row, prefix, member, kind, value, path)


@pytest.mark.parametrize("odd", [
    "odd", "", {"an": "object"}, ["a", "list"], "2026-02-30T00:00:00Z",
    "P1Y", "-", "NaN"], ids=repr)
def test_values_of_no_fitting_type(store, call_id, odd):
    def leaf(kind, member):
        if kind == "a" and isinstance(odd, list):
            return "no list"
        return odd if kind in "tdifba" else "text"

    record = copy_of(make("callRecord", leaf), id=call_id)
    assert store.read(call_id, record) == "stored"
    walk(store, call_id, record, OddWalk)


@pytest.mark.parametrize("kind, text, column", [
    ("version", "1e400", None), ("version", "1.5", None),
    ("version", "9223372036854775808", None),
    ("version", "9223372036854775807", 9223372036854775807)])
def test_numbers_at_the_edge(store, call_id, kind, text, column):
    reading = store.begin(call_id)
    assert store.raw_page(call_id, reading, f'{{"{kind}": {text}}}')
    assert store.finish(call_id, reading) == "stored"
    row = store.row("call_records", f"call_id = '{call_id}'")
    assert row[kind] == column
    assert (row["extra"] is None) == (column is not None)


@pytest.mark.parametrize("text, found", [
    ("0001-01-01T00:00:00Z", None), ("0001-01-01T00:00:00", None),
    ("0001-01-01T05:30:00.0000000+05:30", None),
    ("2026-11-20T09:30Z", "2026-11-20T09:30:00+00:00"),
    ("2026-11-20t09:45:00z", "2026-11-20T09:45:00+00:00"),
    ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00+00:00"),
    ("2026-12-31T23:59:60.5Z", "2027-01-01T00:00:00.5+00:00"),
    ("2026-11-20T23:59:60.25+05:30", "2026-11-20T18:30:00.25+00:00"),
    ("9999-12-31T23:59:60.5Z", "9999-12-31T23:59:59.999999+00:00"),
    ("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999999+00:00"),
    ("\u0662026-11-20T09:30:00Z", None),
    ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ("2024-02-29T12:00:00+05:30", "2024-02-29T06:30:00+00:00"),
    ("2023-02-29T00:00:00Z", None), ("0000-01-01T00:00:00Z", None),
    ("10000-01-01T00:00:00Z", None), ("2024-01-01T24:00:00Z", None),
    ("0001-01-01T00:00:00+01:00", None), ("2024-01-01", None)])
def test_times_at_the_edge(store, call_id, text, found):
    store.read(call_id, small_record(call_id, lastModifiedDateTime=text))
    row = store.row("call_records", f"call_id = '{call_id}'")
    assert row["last_modified_date_time"] == found
    never = text.startswith("0001-")
    assert row["extra"] == (
        None if found or never else {"lastModifiedDateTime": text})


def test_never_is_no_duration(store, call_id):
    """Whichever of a call's times it is."""
    never = "0001-01-01T00:00:00"
    store.read(call_id, small_record(
        call_id, startDateTime="2026-11-20T09:30Z", endDateTime=never,
        sessions=[{"startDateTime": never, "endDateTime": never + "Z",
                   "segments": [{"endDateTime": never + ".0Z"}]}]))
    known = store.known(call_id)
    assert (known["ended_at"], known["duration_seconds"]) == (None, None)
    for view in ("call_records", "sessions", "segments"):
        row = store.row(view, f"call_id = '{call_id}'")
        assert (row["end_date_time"], row["extra"]) == (None, None)


@pytest.mark.parametrize("record", [
    {}, {"id": None}, make("callRecord", lambda *_: None),
    {"version": None, "sessions": None, "participants_v2": None,
     "organizer_v2": None, "organizer": None, "participants": None},
    {"sessions": [None, 5, "x", [], {}], "participants_v2": [None, 1, {}],
     "organizer_v2": "x", "organizer": 5, "participants": {"a": 1}},
    {"sessions": {"a": 1}, "participants_v2": "x", "version": "1"},
    {"sessions": [{"caller": 1, "callee": [], "failureInfo": "x",
                   "segments": "x"}, {"segments": [None, "x", {"media": 5}]},
                  {"segments": [{"media": [None, {"streams": [None, 1]},
                                           {"callerDevice": "x"}]}]},
                  {"caller": {"feedback": "x", "userAgent": "x",
                              "associatedIdentity": "x", "identity": "x"}},
                  {"caller": {"associatedIdentity": {"id": {"a": 1}}}}]},
], ids=range(7))
def test_nothing_fails_a_record(store, call_id, record):
    assert store.read(call_id, record) == "stored"
    assert store.known(call_id)["record_state"] == "stored"


def test_scalars_in_the_place_of_objects_are_kept(store, call_id):
    store.read(call_id, {"sessions": ["five", {"caller": "six", "segments":
                                               "seven"}]})
    assert [row["extra"] for row in store.view(
        "sessions", f"call_id = '{call_id}'", "session_no")] == [
        "five", {"caller": "six", "segments": "seven"}]


def test_strings_that_jsonb_refuses(store, call_id):
    raw = json.dumps(small_record(call_id)).replace(
        '"groupCall"', '"a\\u0000b\\ud800c\\udc00\\ud83d\\ude00 \\\\u0000"')
    reading = store.begin(call_id)
    assert store.raw_page(call_id, reading, raw)
    assert store.finish(call_id, reading) == "stored"
    assert store.known(call_id)["type"] == (
        "a\ufffdb\ufffdc\ufffd\U0001f600 \\u0000")
    [page] = pages(store, call_id)
    assert page["text"] == raw


@pytest.mark.parametrize("function, view", [
    ("store_pstn_rows", "pstn_calls"),
    ("store_direct_routing_rows", "direct_routing_calls")])
def test_a_rows_id_too_long_for_an_index(store, function, view):
    long = "".join(new_id() for _ in range(200))
    rows = [{"id": long, "userId": long[:36]}, {"id": long[:36]}]
    assert store.value(function, TENANT, rows) == 2
    row = store.row(view, f"user_id = '{long[:36]}'")
    assert row["extra"] == {"id": long} and len(row["id"]) == 64


def test_an_id_too_long_for_an_index_is_kept(store, call_id):
    long = "".join(new_id() for _ in range(200))
    store.read(call_id, small_record(call_id, participants_v2=[
        {"id": long, "identity": {"phone": {"id": long}}}]))
    row = store.row("participants", f"call_id = '{call_id}'")
    assert (row["id"], row["identity_id"]) == (long, None)
    assert row["identity"] == {"phone": {"id": long}}


# --- What repeats, what is new, what is old ---

def test_ids_may_repeat(store, call_id):
    session = {"id": call_id, "segments": [{"id": "x"}, {"id": "x"}]}
    person = {"id": "x", "identity": {"user": {"id": "x"}}}
    store.read(call_id, small_record(
        call_id, sessions=[session] * 3, participants_v2=[person] * 2))
    keys = [(row["session_no"], row["segment_no"]) for row in store.view(
        "segments", f"call_id = '{call_id}'", "session_no, segment_no")]
    assert keys == [(s, g) for s in (1, 2, 3) for g in (1, 2)]
    assert len(store.view("participants", f"call_id = '{call_id}'")) == 2


def test_unknown_enumeration_members_are_text(store, call_id):
    store.read(call_id, small_record(
        call_id, type="azureCommunicationServices", modalities=["smell"]))
    row = store.row("call_records", f"call_id = '{call_id}'")
    assert row["type"] == "azureCommunicationServices"
    assert row["modalities"] == ["smell"]


@pytest.mark.parametrize("identity, kind, rest", [
    ({"phone": {"id": "x"}, "user": None}, "phone", None),
    ({"user": {"id": "y"}, "guest": {"id": "x"}}, "user",
     {"guest": {"id": "x"}}),
    ({"brandNew": {"id": "x", "colour": "red"}}, "brandNew",
     {"brandNew": {"colour": "red"}}),
    ({"endpointType": "voicemail"}, None, None),
])
def test_identity_sets(store, call_id, identity, kind, rest):
    store.read(call_id, small_record(
        call_id, participants_v2=[{"identity": identity}]))
    row = store.row("participants", f"call_id = '{call_id}'")
    assert (row["identity_kind"], row["identity"]) == (kind, rest)
    assert row["identity_endpoint_type"] == identity.get("endpointType")
    if kind:
        assert row["identity_id"] == identity[kind]["id"]


def test_the_older_properties_are_a_fallback(store, call_id):
    store.read(call_id, small_record(
        call_id, organizer={"user": {"id": "o", "displayName": "Olga"}},
        participants=[{"user": {"id": "p"}}, {"phone": {"id": "+49"}}],
        sessions=[{"caller": {"identity": {"user": {"id": "c"}}}}]))
    known = store.known(call_id)
    assert (known["organizer_id"], known["organizer_name"]) == ("o", "Olga")
    assert known["participants"] == 2
    rows = store.view("participants", f"call_id = '{call_id}'",
                      "participant_no")
    assert [(row["identity_kind"], row["identity_id"]) for row in rows] == [
        ("user", "p"), ("phone", "+49")]
    [session] = store.view("sessions", f"call_id = '{call_id}'")
    assert session["caller_identity_id"] == "c"


def test_older_properties_that_say_something_else_are_kept(store, call_id):
    store.read(call_id, small_record(
        call_id, organizer_v2={"identity": {"user": {"id": "new"}}},
        organizer={"user": {"id": "old"}},
        participants_v2=[{"identity": {"user": {"id": "new"}}}],
        participants=[{"user": {"id": "new"}}, {"user": {"id": "old"}}]))
    row = store.row("call_records", f"call_id = '{call_id}'")
    assert row["organizer_identity_id"] == "new"
    assert row["extra"] == {
        "organizer": {"user": {"id": "old"}},
        "participants": [{"user": {"id": "new"}}, {"user": {"id": "old"}}]}


# --- Readings and versions ---

def pages(store, call_id):
    return store.database.query(f"""
        SELECT kind, page_no, body, body::text AS text
        FROM callhook_store.record_pages WHERE call_id = '{call_id}'
        ORDER BY kind, page_no""")


def versions(store, call_id):
    return [row["version"] for row in store.database.query(f"""
        SELECT version FROM callhook_store.record_versions
        WHERE call_id = '{call_id}' AND octet_length(sha256) = 32
        ORDER BY version""")]


def test_a_record_is_seen_only_when_it_is_finished(store, call_id):
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(call_id))
    assert store.view("call_records", f"call_id = '{call_id}'") == []
    assert store.known(call_id)["record_state"] == "waiting"
    assert store.finish(call_id, reading) == "stored"
    assert len(store.view("call_records", f"call_id = '{call_id}'")) == 1


def test_pages_make_one_record(store, call_id):
    """Numbers run on over pages; the pages are kept as they came."""
    def session(number):
        return {"id": str(number)}

    bodies = [
        small_record(call_id, sessions=[session(1), session(2)],
                     **{"sessions@odata.nextLink": "x"}),
        {"value": [session(3)], "@odata.nextLink": "y"},
        {"value": [session(4), session(5)]}]
    assert store.read(call_id, bodies[0], sessions=bodies[1:]) == "stored"
    rows = store.view("sessions", f"call_id = '{call_id}'", "session_no")
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [page["body"] for page in pages(store, call_id)] == bodies


@pytest.mark.parametrize("body, further", [
    ({"sessions@odata.nextLink": "x"}, {}),
    ({"participants_v2@odata.nextLink": "x"}, {"sessions": [{"value": []}]}),
    ({"sessions@odata.nextLink": "x"},
     {"sessions": [{"value": [], "@odata.nextLink": "y"}]})])
def test_a_missing_page_is_noticed(store, call_id, body, further):
    record = small_record(call_id, **body)
    assert store.read(call_id, record, **further) == "incomplete"
    known = store.known(call_id)
    assert known["record_state"] == "failed"
    assert known["record_error"] == "incomplete (1 attempts)"
    assert pages(store, call_id) == []


def test_pages_of_two_versions_are_read_again(store, call_id):
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(call_id))
    store.page(call_id, reading, "record", 2,
               small_record(call_id, version=2))
    assert store.finish(call_id, reading) == "changed"
    assert store.view("call_records", f"call_id = '{call_id}'") == []
    assert pages(store, call_id) == []
    assert store.page(call_id, reading, "record", 1,
                      small_record(call_id, version=2))
    assert store.finish(call_id, reading) == "stored"


def test_a_newer_version_replaces_an_older_one(store, call_id):
    one = whole_record(call_id)
    two = small_record(call_id, version=one["version"] + 1,
                       sessions=[{"id": "new"}])
    assert store.read(call_id, one) == "stored"
    assert store.read(call_id, two) == "stored"
    walk(store, call_id, two)
    assert [page["body"] for page in pages(store, call_id)] == [two]
    assert versions(store, call_id) == [one["version"], two["version"]]
    assert store.known(call_id)["version"] == two["version"]


@pytest.mark.parametrize("version", [1, None])
def test_an_older_version_replaces_nothing(store, call_id, version):
    newer = small_record(call_id, version=2, type="newer")
    assert store.read(call_id, newer) == "stored"
    assert store.read(
        call_id, small_record(call_id, version=version)) == "older"
    known = store.known(call_id)
    assert (known["version"], known["type"]) == (2, "newer")
    assert [page["body"] for page in pages(store, call_id)] == [newer]


def test_the_same_version(store, call_id):
    """The same bytes change nothing; others are taken."""
    record = small_record(call_id)
    assert store.read(call_id, record) == "stored"
    before = store.row("call_records", f"call_id = '{call_id}'")
    assert store.read(call_id, record) == "same"
    assert store.row("call_records", f"call_id = '{call_id}'") == before
    assert store.read(call_id, copy_of(record, type="other")) == "stored"
    assert store.known(call_id)["type"] == "other"
    assert versions(store, call_id) == [1]
    assert len(pages(store, call_id)) == 1


@pytest.mark.parametrize("body", [
    [], "x", 5, None, {"error": {"code": "generalException"}}])
def test_what_is_no_record(store, call_id, body):
    reading = store.begin(call_id)
    assert store.page(call_id, reading, "record", 1, body)
    assert store.finish(call_id, reading) == "bad"
    assert store.known(call_id)["record_state"] == "failed"


def test_another_calls_record(store, call_id):
    assert store.read(call_id, small_record(new_id())) == "bad"


def test_one_bad_record_does_not_spoil_its_batch(store):
    """Whatever it is that no conversion foresees."""
    store.database.execute("""
        CREATE FUNCTION callhook_store.test_refuse() RETURNS trigger
            LANGUAGE plpgsql AS
            'BEGIN RAISE ''bad'' USING ERRCODE = ''22000''; END';
        CREATE TRIGGER test_refuse BEFORE INSERT ON callhook_store.call_records
            FOR EACH ROW WHEN (NEW.type = 'bad')
            EXECUTE FUNCTION callhook_store.test_refuse()""")
    ids = sorted(new_id() for _ in range(3))
    readings = [store.begin(call_id) for call_id in ids]
    bodies = [json.dumps(small_record(call_id)) for call_id in ids]
    bodies[1] = bodies[1].replace("groupCall", "bad")
    steps = [[call_id, reading, "record", 1, False]
             for call_id, reading in zip(ids, readings)]
    found = store.database.query(
        f"SELECT * FROM callhook_store.take_pages('{TENANT}', "
        f"'{json.dumps(steps)}', "
        + ", ".join(map(literal, bodies)) + ") ORDER BY call_id", "test_renewer")
    store.database.execute(
        "DROP FUNCTION callhook_store.test_refuse CASCADE")
    assert [row["outcome"] for row in found] == ["stored", "bad", "stored"]


@pytest.mark.parametrize("value, text", [
    ("1e999999", '"1e999999"'), ("-1E+131073", '"-1E+131073"'),
    (f"[0.{'1' * 15990}e-999,1e-99999]",
     f'["0.{"1" * 15990}e-999", "1e-99999"]'),
    ('[1.5e3, "a 1e999999, b", 1e999999]',
     '[1500, "a 1e999999, b", "1e999999"]'),
    (r'"\\\\\ud800"', '"\\\\\\\\\ufffd"'),
    (r'"\\\\ud800\udc00"', '"\\\\\\\\ud800\ufffd"')], ids=range(6))
def test_a_value_spoils_itself_alone(store, call_id, value, text):
    raw = json.dumps(small_record(call_id))[:-1] + f',"odd":{value}}}'
    reading = store.begin(call_id)
    assert store.raw_page(call_id, reading, raw)
    assert store.finish(call_id, reading) == "stored"
    assert store.row("call_records", f"call_id = '{call_id}'")["extra"] == {
        "odd": json.loads(text)}


# --- Where a reading stopped ---

def claim(store, call_id):
    """Claims the call when it is due; where its reading is to go on."""
    store.database.execute(
        "UPDATE callhook_store.calls SET next_read_at = now() "
        f"WHERE call_id = '{call_id}'")
    [row] = store.call("claim_calls", TENANT, MANY, "{" + call_id + "}")
    return row


@pytest.mark.parametrize("stop", ["release", "die"])
def test_a_reading_goes_on(store, call_id, stop):
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(
        call_id, participants_v2=[],
        **{"sessions@odata.nextLink": "s1",
           "participants_v2@odata.nextLink": "p1"}))
    for number in (1, 2):
        store.page(call_id, reading, "sessions", number,
                   {"value": [], "@odata.nextLink": f"s{number + 1}"})
    if stop == "release":
        store.call("release_call", TENANT, call_id, reading, "0 s")
    row = claim(store, call_id)
    assert row.pop("reading_no") > reading
    assert row == {"call_id": call_id, "kind": "sessions", "page_no": 3,
                   "link": "s3"}
    assert not store.page(call_id, reading, "sessions", 3, {"value": []})
    assert len(pages(store, call_id)) == 3


def test_a_reading_apart_goes_on(store, call_id):
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(call_id), True)
    row = claim(store, call_id)
    assert (row["kind"], row["page_no"], row["link"]) == (
        "record", 2, "?$select=id,version&$expand=participants_v2")
    store.page(call_id, row["reading_no"], "record", 2,
               {"id": call_id, "version": 1,
                "participants_v2@odata.nextLink": "p1"})
    row = claim(store, call_id)
    assert (row["kind"], row["page_no"], row["link"]) == (
        "participants_v2", 1, "p1")
    store.page(call_id, row["reading_no"], "participants_v2", 1,
               {"value": []})
    row = claim(store, call_id)
    assert (row["kind"], row["page_no"], row["link"]) == (
        "record", 3, "?$select=id,version")


def test_a_reading_begins_anew_after_a_notification(store, call_id):
    store.turn_reading_on()
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(call_id))
    store.call("release_call", TENANT, call_id, reading, "0 s")
    store.notify(call_id)
    store.fold()
    row = claim(store, call_id)
    assert (row["kind"], row["page_no"]) == ("record", 1)
    assert pages(store, call_id) == []


@pytest.mark.parametrize("links", [("a", "a"), ("a", "b", "a"),
                                   ("a", "b", "c", "b")])
def test_links_that_lead_in_a_circle(store, call_id, links):
    """They end in failed, and are not asked for again at each run."""
    store.turn_reading_on()
    store.notify(call_id)
    store.fold()
    reading = store.begin(call_id)

    def take(kind, number, body):
        [row] = store.call("take_pages", TENANT, [
            [call_id, reading, kind, number, False]], body)
        return row["outcome"]

    assert take("record", 1, small_record(call_id, **{
        "sessions@odata.nextLink": links[0]})) == "more"
    outcomes = [take("sessions", number, {"value": [],
                                          "@odata.nextLink": link})
                for number, link in enumerate(links[1:], 1)]
    assert outcomes == ["more"] * (len(links) - 2) + ["bad"]
    known = store.known(call_id)
    assert known["record_state"] == "failed"
    assert "endlessPages" in known["record_error"]
    assert pages(store, call_id) == []
    [row] = store.database.query(f"""
        SELECT next_read_at > now() + interval '23 hours' AS later
        FROM callhook_store.calls WHERE call_id = '{call_id}'""")
    assert row["later"]


@pytest.mark.parametrize("end", [None, ""])
def test_a_link_that_says_no_more(store, call_id, end):
    assert store.read(call_id, small_record(call_id, **{
        "sessions@odata.nextLink": end,
        "participants_v2@odata.nextLink": end})) == "stored"


# --- Whose turn it is ---

def test_a_reading_that_was_taken_over_stores_nothing(store, call_id):
    old = store.begin(call_id)
    store.page(call_id, old, "record", 1, small_record(call_id))
    new = store.begin(call_id)
    assert not store.page(call_id, old, "record", 2, small_record(call_id))
    assert store.finish(call_id, old) == "lost"
    store.page(call_id, new, "record", 1, small_record(call_id))
    assert store.finish(call_id, new) == "stored"
    assert len(pages(store, call_id)) == 1


def test_a_claimed_call_is_not_claimed_twice(store, call_id):
    store.begin(call_id)
    assert call_id not in [row["call_id"] for row in store.call(
        "claim_calls", TENANT, MANY)]
    store.database.execute(
        "UPDATE callhook_store.calls SET next_read_at = now() "
        f"WHERE call_id = '{call_id}'")     # the lease is over
    assert call_id in [row["call_id"] for row in store.call(
        "claim_calls", TENANT, MANY)]


def test_a_notification_during_a_reading_reads_again(store, call_id):
    store.turn_reading_on()
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, small_record(call_id))
    store.notify(call_id)
    store.fold()
    assert store.finish(call_id, reading) == "stored"
    assert call_id in [row["call_id"] for row in store.call(
        "claim_calls", TENANT, MANY)]


def test_a_released_call_counts_no_attempt(store, call_id):
    store.turn_reading_on()
    store.notify(call_id)
    store.fold()
    reading = store.begin(call_id)
    store.call("release_call", TENANT, call_id, reading, "0 s")
    [row] = [row for row in store.call("claim_calls", TENANT, MANY)
             if row["call_id"] == call_id]
    store.call("reading_failed", TENANT, call_id, row["reading_no"], 500,
               "generalException", "r-1")
    known = store.known(call_id)
    assert known["record_state"] == "waiting"
    assert known["record_error"] == (
        "500 generalException request-id r-1 (1 attempts)")


@pytest.mark.parametrize("status, age, state, least, most", [
    (404, "1 minute", "waiting", 60, 60),
    (404, "2 hours", "waiting", 500, 600),
    (404, "1 day", "waiting", 10000, 11000),
    (404, "29 days", "waiting", 86000, 87000),
    (404, "31 days", "gone", None, None),
    (503, "1 minute", "waiting", 110, 130),
    (None, "1 minute", "waiting", 110, 130),
    (200, "1 minute", "waiting", 110, 130),
    (400, "1 minute", "failed", 86000, 87000),
    (500, "31 days", "failed", None, None)])
def test_when_a_failed_reading_is_tried_again(store, call_id, status, age,
                                              state, least, most):
    store.turn_reading_on()
    store.notify(call_id, f"now() - interval '{age}'")
    store.fold()
    reading = store.begin(call_id)
    store.database.execute(
        f"UPDATE callhook_store.calls SET filed_at = now() - interval "
        f"'{age}' WHERE call_id = '{call_id}'")
    assert store.value("reading_failed", TENANT, call_id, reading, status,
                       "code", None) == state
    [row] = store.database.query(f"""
        SELECT extract(epoch FROM next_read_at - now())::int AS seconds
        FROM callhook_store.calls WHERE call_id = '{call_id}'""")
    assert (row["seconds"] is None) == (least is None)
    if least:
        assert least - 5 <= row["seconds"] <= most + 5


@pytest.mark.parametrize("status, state", [(404, "gone"), (500, "failed")])
@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59Z",
                                  "2089-01-01T00:00:00Z"])
def test_an_end_that_is_far_off_does_not_keep_a_call_waiting(
        store, call_id, ends, status, state):
    """Graph has its record no longer, whatever the list said."""
    store.turn_reading_on()
    store.call("file_listed_calls", TENANT, [
        {"id": call_id, "version": 1, "startDateTime": "2026-01-01T10:00:00Z",
         "endDateTime": ends}])
    reading = store.begin(call_id)
    store.database.execute(
        "UPDATE callhook_store.calls SET filed_at = now() - interval "
        f"'31 days' WHERE call_id = '{call_id}'")
    assert store.value("reading_failed", TENANT, call_id, reading, status,
                       "code", None) == state
    assert store.database.query(f"""
        SELECT next_read_at FROM callhook_store.calls
        WHERE call_id = '{call_id}'""") == [{"next_read_at": None}]


def test_a_bad_record_that_ends_far_off_is_not_read_for_ever(store, call_id):
    store.turn_reading_on()
    store.call("file_listed_calls", TENANT, [
        {"id": call_id, "endDateTime": "9999-12-31T23:59:59Z"}])
    reading = store.begin(call_id)
    store.page(call_id, reading, "record", 1, {"error": {"code": "x"}})
    store.database.execute(
        "UPDATE callhook_store.calls SET filed_at = now() - interval "
        f"'31 days', wanted = false WHERE call_id = '{call_id}'")
    assert store.finish(call_id, reading) == "bad"
    assert store.database.query(f"""
        SELECT next_read_at FROM callhook_store.calls
        WHERE call_id = '{call_id}'""") == [{"next_read_at": None}]


def test_a_stored_record_outlives_failures(store, call_id):
    store.read(call_id, small_record(call_id))
    reading = store.begin(call_id)
    assert store.value("reading_failed", TENANT, call_id, reading, 404,
                       "NotFound", None) == "stored"
    assert store.known(call_id)["version"] == 1


def test_reading_is_switched_off_and_on(store, call_id):
    other = Store(store.database, new_id())
    other.notify(call_id)
    other.fold()
    assert other.known(call_id)["record_state"] == "none"
    other.turn_reading_on()
    assert other.known(call_id)["record_state"] == "waiting"
    other.page(call_id, other.begin(call_id), "record", 1,
               small_record(call_id))
    other.call("set_reading", other.tenant, False)
    assert other.known(call_id)["record_state"] == "none"
    assert pages(store, call_id) == []
    assert other.call("claim_calls", other.tenant, MANY) == []


# --- Size ---

def test_a_meeting_of_a_thousand_sessions(store, call_id):
    """1,000 sessions of 3 segments, 700 participants, in pages."""
    leaf = distinct_leaves()
    sessions = [make("session", leaf, 1) for _ in range(1000)]
    for session in sessions:
        session["segments"] = [make("segment", leaf, 1) for _ in range(3)]
    people = [make("participant", leaf) for _ in range(700)]
    record = small_record(call_id)
    parts = [{"value": sessions[n:n + 60]} for n in range(0, 1000, 60)]
    persons = [{"value": people[n:n + 130]} for n in range(0, 700, 130)]
    reading = store.begin(call_id)
    begun = time.monotonic()
    store.page(call_id, reading, "record", 1, record)
    for number, page in enumerate(parts, 1):
        store.page(call_id, reading, "sessions", number, page)
    for number, page in enumerate(persons, 1):
        store.page(call_id, reading, "participants_v2", number, page)
    staged = time.monotonic()
    assert store.finish(call_id, reading) == "stored"
    done = time.monotonic()
    size = sum(len(json.dumps(page)) for page in parts + persons)
    print(f"\n{size / 1e6:.1f} MB: pages {staged - begun:.2f} s, "
          f"finished in {done - staged:.2f} s")
    counts = {view: len(store.view(view, f"call_id = '{call_id}'"))
              for view in ("participants", "sessions", "segments", "streams")}
    assert counts == {"participants": 700, "sessions": 1000,
                      "segments": 3000, "streams": 3000}
    whole = copy_of(record, sessions=sessions, participants_v2=people)
    walk(store, call_id, whole)
    assert done - staged < 30


# --- Logs of phone calls ---

LOGS = [("store_pstn_rows", "pstn_calls", "pstnCallLogRow",
         "pstn-rows.json"),
        ("store_direct_routing_rows", "direct_routing_calls",
         "directRoutingLogRow", "direct-routing-rows.json")]


def check_log_row(store, view, name, row):
    found = store.row(view, f"id = {literal(row['id'])}")
    walker = object.__new__(Walk)
    walker.leaves = 0
    row = {key: value for key, value in row.items()
           if value != "0001-01-01T00:00:00Z"}
    walker.object(row, name, found, "", ())
    assert found["tenant_id"] == TENANT
    return found


@pytest.mark.parametrize("function, view, name, file", LOGS)
def test_the_documented_log_rows(store, function, view, name, file):
    page = sample(file)
    for _ in range(2):
        assert store.value(function, TENANT, page) == 1
    found = check_log_row(store, view, name, page["value"][0])
    assert found["extra"] is None
    assert found.get("failure_date_time") is None


@pytest.mark.parametrize("function, view, name, file", LOGS)
def test_log_rows_are_replaced_and_keep_what_is_new(store, function, view,
                                                    name, file):
    row = make(name, distinct_leaves())
    store.value(function, TENANT, [row])
    assert check_log_row(store, view, name, row)["extra"] is None
    changed = {**row, "userDisplayName": None, "newMember": {"a": 1}}
    assert store.value(function, TENANT, [row, changed]) == 1
    assert check_log_row(store, view, name, changed)["extra"] == {
        "newMember": {"a": 1}}


@pytest.mark.parametrize("function, view, name, file", LOGS)
def test_odd_log_rows(store, function, view, name, file):
    nulls = make(name, lambda *_: None)
    odd = make(name, lambda kind, _: "odd")
    assert store.value(function, TENANT, [nulls, nulls, odd, "x", 5]) == 4
    found = store.row(view, "id = 'odd'")
    assert found["duration_seconds"] is None
    assert found["extra"]["duration"] == "odd"
    with pytest.raises(Trouble, match="22000"):
        store.value(function, TENANT, {"error": {}})


@pytest.mark.parametrize("charge", ["9e131071", "-9e131071", "1.5e100"])
def test_a_charge_of_which_sums_would_overflow(store, charge):
    """It would stop the figures of its day, and of all days before."""
    tenant = new_id()
    for _ in range(2):
        row = json.dumps(log_row("pstnCallLogRow", currency="EUR", charge=0))
        store.database.execute(
            f"SELECT callhook_store.store_pstn_rows('{tenant}', "
            f"'[{row.replace(': 0,', ': ' + charge + ',')}]')")
    store.database.execute(
        f"SELECT callhook_store.make_day('{tenant}', '2026-03-01')")
    [row] = store.view("phone_by_day", f"tenant_id = '{tenant}'")
    assert (row["calls"], row["charge"]) == (2, None)
    assert store.database.query(
        "SELECT charge, length(extra ->> 'charge') > 100 AS is_kept "
        f"FROM callhook.pstn_calls WHERE tenant_id = '{tenant}'"
    ) == [{"charge": None, "is_kept": True}] * 2


def log_row(name, **changes):
    return {**make(name, lambda *_: None), "id": new_id(),
            "startDateTime": "2026-03-01T10:00:30Z", **changes}


def leg(store, row):
    found = store.row("call_legs", f"leg_id = '{row['id']}'")
    return found["call_id"], found["match"]


def test_legs_by_correlation(store, call_id):
    store.read(call_id, small_record(call_id))
    row = log_row("directRoutingLogRow", correlationId=call_id.upper())
    other = log_row("directRoutingLogRow", correlationId=new_id())
    odd = log_row("directRoutingLogRow", correlationId="odd")
    store.value("store_direct_routing_rows", TENANT, [row, other, odd])
    assert leg(store, row) == (call_id, "correlation")
    assert leg(store, other) == leg(store, odd) == (None, None)


@pytest.mark.parametrize("changes, near", [
    ({}, True),
    ({"callerNumber": None, "calleeNumber": "+4912345678***"}, True),
    ({"startDateTime": "2026-03-01T10:04:59Z"}, True),
    ({"startDateTime": "2026-03-01T10:05:01Z"}, False),
    ({"userId": "another"}, False), ({"userId": None}, False),
    ({"callerNumber": "+4912345679***"}, False),
    ({"callerNumber": "***"}, False), ({"callerNumber": None}, False),
    ({"startDateTime": None}, False)])
def test_legs_that_are_near(store, call_id, changes, near):
    user = new_id()
    store.read(call_id, small_record(call_id, participants_v2=[
        {"identity": {"user": {"id": user}}}], sessions=[
        {"caller": {"associatedIdentity": {"id": "+491234567890"}}}]))
    row = log_row("pstnCallLogRow", **{
        "userId": user, "callerNumber": "+4912345678***", **changes})
    store.value("store_pstn_rows", TENANT, [row])
    assert leg(store, row) == ((call_id, "near") if near else (None, None))


def test_the_nearest_leg_wins(store):
    user, ids = new_id(), [new_id(), new_id()]
    for call_id, minute in zip(ids, ("01", "00"), strict=True):
        store.read(call_id, small_record(
            call_id, startDateTime=f"2026-03-01T10:{minute}:00Z",
            participants_v2=[{"identity": {"user": {"id": user}}},
                             {"identity": {"phone": {"id": "+4912345"}}}]))
    row = log_row("pstnCallLogRow", userId=user, calleeNumber="+4912345",
                  startDateTime="2026-03-01T10:00:50Z")
    store.value("store_pstn_rows", TENANT, [row])
    assert leg(store, row) == (ids[0], "near")


# --- Rights and comments ---

def test_the_renewer_writes_no_table_of_records(store):
    tables = store.database.query("""
        SELECT c.oid::regclass::text AS name FROM pg_class AS c
        WHERE relnamespace = 'callhook_store'::regnamespace
            AND relkind = 'r' AND relname IN ('calls', 'call_records',
            'record_pages', 'pstn_calls', 'forgotten', 'folded')""")
    assert len(tables) == 6
    for table in tables:
        with pytest.raises(Trouble, match="42501"):
            store.database.execute(f"DELETE FROM {table['name']}",
                                   "test_renewer")


@pytest.mark.parametrize("user", ["test_reader", "test_receiver"])
def test_nobody_else_calls_the_functions(store, user):
    with pytest.raises(Trouble, match="42501"):
        store.database.execute("SELECT callhook_store.forget_person('x')",
                               user)
