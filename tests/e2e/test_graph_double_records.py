"""The double's call records and phone logs: pages, versions, refusals."""

import json
import subprocess
import sys
import time
import urllib.parse

import pytest

from graph import GraphDouble
from graph.journal import instant_text
from graph.records_data import LATE_MEMBERS, guid
from support import project
from test_graph_double import Client

pytestmark = pytest.mark.no_program

DAY = 86400
ROOT = "/v1.0/communications/callRecords"
ALL = "?$expand=sessions($expand=segments),participants_v2"
LATE = {"Prefer": "include-unknown-enum-members"}
LOADER = project.SUPPORT / "double_load.py"


@pytest.fixture
def double(folder):
    with GraphDouble(folder) as started:
        yield started


@pytest.fixture
def client(double):
    return Client(double)


def add(client, *arguments, **details):
    return client.double.records.add(client.tenant_id, *arguments, **details)


def get(client, target, headers=(), status=200):
    if target.startswith(client.double.graph_url):
        target = target[len(client.double.graph_url):]
    got, _, content = client.graph("GET", target, **dict(headers))
    assert got == status, (got, content)
    return content


def rows(client, page, name, **details):
    """All rows of a collection that begins in this page."""
    prefix = f"{name}@" if name != "value" else "@"
    found, link = page[name], page.get(f"{prefix}odata.nextLink")
    while link:
        page = get(client, link, **details)
        found, link = found + page["value"], page.get("@odata.nextLink")
    return found


def query(text):
    return urllib.parse.quote(text, safe="")


def listed(client, begin, end):
    condition = (f"startDateTime ge {instant_text(begin)} and "
                 f"startDateTime lt {instant_text(end)}")
    page = get(client, f"{ROOT}?$filter={query(condition)}")
    return rows(client, page, "value")


def names_in(part, found):
    if isinstance(part, dict):
        found.update(part)
        part = list(part.values())
    if isinstance(part, list):
        for entry in part:
            names_in(entry, found)
    return found


def test_a_small_record_is_one_page(double, client):
    call = add(client)
    page = get(client, f"{ROOT}/{call.id}{ALL}")
    assert page["id"] == call.id
    assert page["version"] == 1
    assert page["sessions"] == call.content.sessions
    assert page["participants_v2"] == call.content.participants
    assert page["organizer_v2"]["identity"]["user"]
    assert not [name for name in page if name.endswith("nextLink")]
    assert double.violations == []


def test_what_is_not_asked_for_is_not_there(client):
    call = add(client)
    assert "sessions" not in get(client, f"{ROOT}/{call.id}")
    page = get(client, f"{ROOT}/{call.id}?%24expand=sessions")
    assert "segments" not in page["sessions"][0]
    assert "participants_v2" not in page
    page = get(client, f"{ROOT}/{call.id}?$select=id,version")
    assert set(page) == {"@odata.context", "id", "version"}


def test_all_pages(double, client):
    call = add(client, sessions=150, segments=2, participants=300)
    page = get(client, f"{ROOT}/{call.id}{ALL}")
    assert (len(page["sessions"]), len(page["participants_v2"])) == (60, 130)
    assert rows(client, page, "sessions") == call.content.sessions
    assert rows(client, page, "participants_v2") == call.content.participants
    page = get(client, f"{ROOT}/{call.id}/sessions")
    assert "segments" not in page["value"][0]
    assert len(rows(client, page, "value")) == 150
    page = get(client, f"{ROOT}/{call.id}/sessions?$expand=segments")
    assert rows(client, page, "value") == call.content.sessions
    page = get(client, f"{ROOT}/{call.id}/participants_v2")
    assert rows(client, page, "value") == call.content.participants
    page = get(client, f"{ROOT}/{call.id}/participants_v2",
               {"Prefer": "odata.maxpagesize=7"})
    assert len(page["value"]) == 7
    assert double.violations == []


def test_ids_repeat(client):
    content = add(client, sessions=20, participants=20).content
    assert len({row["id"] for row in content.sessions}) < 20
    assert len({row["id"] for row in content.participants}) < 20


def test_the_same_seed_makes_the_same(double, client):
    call_id = guid("a call")
    first = add(client, call_id, begin=double.clock.now() - DAY)
    before = json.dumps(first.content.sessions)
    again = add(client, call_id, begin=first.begin)
    assert json.dumps(again.content.sessions) == before
    double.records.change(again)
    assert json.dumps(again.content.sessions) != before


def test_every_property_occurs(client):
    """As sql/records/members.sql has them."""
    text = (project.ROOT / "sql" / "records" / "members.sql").read_text()
    known = set()
    for line in text.splitlines():
        parts = line.strip().split("'")
        if line.startswith("    ('") and len(parts) > 5 and parts[1] in (
                "callRecord", "participant", "session", "segment", "endpoint",
                "userAgent", "failureInfo", "feedback", "media", "device",
                "network", "stream", "deviceInfo", "networkInfo",
                "mediaStream", "userFeedback"):
            known.add(parts[3])
    call = add(client, form="full")
    page = get(client, f"{ROOT}/{call.id}{ALL}")
    missing = {name for name in known - names_in(page, set())
               if "@odata" not in name and name[0] != "{"}
    assert len(known) > 100
    assert missing == set()


def test_forms(double, client):
    nulls = add(client, form="nulls")
    page = get(client, f"{ROOT}/{nulls.id}{ALL}")
    assert page["id"] is None and page["version"] is None
    assert page["sessions"][0]["caller"]["name"] is None
    empty = add(client, form="empty")
    page = get(client, f"{ROOT}/{empty.id}{ALL}")
    assert (page["type"], page["sessions"]) == (None, [])
    old = add(client, form="old", participants=140)
    page = get(client, f"{ROOT}/{old.id}{ALL}")
    assert len(page["participants"]) == 130
    assert "organizer_v2" not in page and page["participants_v2"] == []
    strange = add(client, unknown=True)
    page = get(client, f"{ROOT}/{strange.id}{ALL}")
    assert page["sessions"][0]["segments"][0]["media"][0]["newMember"]
    # The list has the keys of them all.
    now = double.clock.now()
    assert {row["id"] for row in listed(client, now - DAY, now)} == {
        nulls.id, empty.id, old.id, strange.id}


def test_late_members_for_those_who_ask(client):
    call = add(client, late=True)
    target = f"{ROOT}/{call.id}{ALL}"
    without = json.dumps(get(client, target))
    for member in LATE_MEMBERS:
        assert f'"{member}"' not in without
        assert f'"{member}"' in json.dumps(get(client, target, LATE))
    assert '"unknownFutureValue"' in without


def test_nulls_may_be_left_out(client):
    call = add(client)
    page = get(client, f"{ROOT}/{call.id}{ALL}",
               {"Prefer": "omit-values=nulls"})
    assert "null" not in json.dumps(page)


def test_a_documented_record(client):
    sample = json.loads((project.DATA / "callrecord-p2p-expanded.json")
                        .read_text())
    call = add(client, sample=sample, version=3)
    page = get(client, f"{ROOT}/{call.id}{ALL}")
    assert (page["id"], page["version"]) == (call.id, 3)
    assert page["sessions"] == sample["sessions"]
    assert "sessions@odata.nextLink" not in page


def test_not_found_until_it_is_there(double, client):
    late = add(client, misses=2)
    later = add(client, ready_at=double.clock.now() + 60)
    missing = get(client, f"{ROOT}/{late.id}", status=404)
    assert missing["error"]["code"] == "NotFound"
    assert double.records.calls(client.tenant_id) == []
    get(client, f"{ROOT}/{late.id}", status=404)
    get(client, f"{ROOT}/{late.id}")
    get(client, f"{ROOT}/{later.id}", status=404)
    double.clock_offset = 61
    get(client, f"{ROOT}/{later.id}")
    get(client, f"{ROOT}/{guid('unknown')}", status=404)
    double.clock_offset = 31 * DAY
    client.bearer = None
    get(client, f"{ROOT}/{late.id}", status=404)
    assert double.records.calls(client.tenant_id) == []
    assert double.violations == []


def test_another_tenants_record_is_not_found(double, client):
    call = add(Client(double))
    get(client, f"{ROOT}/{call.id}", status=404)


def test_the_version_rises_between_pages(double, client):
    call = add(client, sessions=150)
    call.change_at = (2,)
    page = get(client, f"{ROOT}/{call.id}{ALL}")
    found = rows(client, page, "sessions")
    assert page["version"] == 1
    assert {row["caller"]["name"].rpartition("-")[2] for row in found} == {
        "v1", "v2"}
    assert get(client, f"{ROOT}/{call.id}")["version"] == 2
    double.records.change(call, version=1)
    assert get(client, f"{ROOT}/{call.id}")["version"] == 1


def test_the_list(double, client):
    now = double.clock.now()
    calls = [add(client, begin=now - DAY - number * 60, seconds=30)
             for number in range(200)]
    found = listed(client, now - 2 * DAY, now)
    assert sorted(row["id"] for row in found) == sorted(
        call.id for call in calls)
    assert "sessions" not in found[0] and "participants_v2" not in found[0]
    assert len(double.asked("records")) == 4
    # From and including, to and not including.
    found = listed(client, calls[9].begin, calls[4].begin)
    assert {row["id"] for row in found} == {
        call.id for call in calls[5:10]}
    person = calls[0].content.participants[0]["id"]
    page = get(client, ROOT + "?$filter=" + query(
        f"participants_v2/any(p:p/id eq '{person}')"))
    assert calls[0].id in {row["id"] for row in page["value"]}
    assert double.violations == []


@pytest.mark.parametrize("target", [
    f"{ROOT}?$filter=version%20gt%202",
    f"{ROOT}?$filter=startDateTime%20ge%202026-01-01",
    f"{ROOT}?$filter=startDateTime%20eq%202026-01-01T00:00:00Z",
    f"{ROOT}?$orderby=startDateTime", f"{ROOT}?$top=5",
    f"{ROOT}?$expand=sessions", f"{ROOT}?$skiptoken=5",
    f"{ROOT}/x?$expand=sessions", f"{ROOT}/{guid(1)}?$expand=participants",
    f"{ROOT}/{guid(1)}?$expand=sessions,sessions($expand=segments)",
    f"{ROOT}/{guid(1)}?$filter=a", f"{ROOT}/{guid(1)}?$select=a",
    f"{ROOT}/{guid(1)}/sessions?$expand=media",
    f"{ROOT}/{guid(1)}/participants_v2?$expand=identity",
    f"{ROOT}/{guid(1)}/segments", f"{ROOT}/getPstnCalls()",
    f"{ROOT}/getPstnCalls(fromDateTime=2026-02-01,toDateTime=2026-01-01)",
    f"{ROOT}/getPstnCalls(fromDateTime=x,toDateTime=y)",
    f"{ROOT}/getPstnCalls(fromDateTime=2026-01-01,toDateTime=2026-01-02)"
    "?$filter=a",
])
def test_what_is_not_documented_is_refused(double, client, target):
    get(client, target, status=400)
    assert len(double.violations) == 1


def test_the_role_is_needed(double):
    client = Client(double, roles=["User.Read.All"])
    call = add(client)
    window = "(fromDateTime=2026-01-01,toDateTime=2026-01-02)"
    for target in (ROOT, f"{ROOT}/{call.id}", f"{ROOT}/{call.id}/sessions",
                   f"{ROOT}/getPstnCalls{window}"):
        get(client, target, status=403)


def test_links_to_another_host(double, client):
    double.records.elsewhere = {"sessions"}
    call = add(client, sessions=61, participants=131)
    page = get(client, f"{ROOT}/{call.id}{ALL}")
    assert page["sessions@odata.nextLink"].startswith(double.other_url)
    assert page["participants_v2@odata.nextLink"].startswith(
        double.graph_url)


def test_trouble_with_pages(double, client):
    call = add(client, sessions=61)
    double.fail("record", padding=16 << 20)
    assert get(client, f"{ROOT}/{call.id}")["id"] == call.id
    double.fail("sessions", malformed=True)
    with pytest.raises(ValueError):
        get(client, f"{ROOT}/{call.id}/sessions")
    double.fail("sessions", status=429, retry_after=1, after=1)
    page = get(client, f"{ROOT}/{call.id}/sessions")
    get(client, page["@odata.nextLink"], status=429)


def test_quotas(double, client):
    calls = [add(client) for _ in range(3)]
    double.limits["record"].each = 5
    for _ in range(5):
        get(client, f"{ROOT}/{calls[0].id}")
    get(client, f"{ROOT}/{calls[1].id}")
    assert double.violations == []
    # Its pages count with it, whatever a link to them looks like.
    get(client, f"{ROOT}('{calls[0].id}')/sessions", status=429)
    double.limits["record"].app_in_tenant = 7
    get(client, f"{ROOT}/{calls[2].id}", status=429)
    double.limits["records"].app_in_tenant = 1
    get(client, ROOT)
    get(client, ROOT, status=429)
    double.limits["pstn"].each = 1
    window = "(fromDateTime=2026-01-01,toDateTime=2026-01-02)"
    get(client, f"{ROOT}/getPstnCalls{window}")
    get(client, f"{ROOT}/getDirectRoutingCalls{window}")
    get(client, f"{ROOT}/getPstnCalls{window}", status=429)
    assert len(double.violations) == 4
    double.limits.lift("record")
    time.sleep(1)                   # the wait that was asked for
    get(client, f"{ROOT}/{calls[2].id}")


def window(begin, end):
    return f"(fromDateTime={instant_text(begin)},toDateTime=" \
           f"{instant_text(end)})"


def test_phone_logs(double, client):
    begin = 1790000000.0
    logs = double.phone_logs
    for number in range(5):
        logs.add_pstn(client.tenant_id, begin + number)
        logs.add_direct_routing(client.tenant_id, begin + number)
    # The end belongs to the one, and not to the other.
    page = get(client, f"{ROOT}/getPstnCalls{window(begin + 1, begin + 3)}")
    assert (len(page["value"]), page["@odata.count"]) == (3, 3)
    page = get(client, f"{ROOT}/getDirectRoutingCalls"
               + window(begin + 1, begin + 3))
    assert len(page["value"]) == 2
    assert page["value"][0]["startDateTime"] == instant_text(begin + 1)
    page = get(client, f"{ROOT}/getPstnCalls"
               "(fromDateTime=2026-09-21,toDateTime=2026-09-22)")
    assert len(page["value"]) == 5
    assert double.violations == []


def test_pages_of_phone_logs(double, client):
    begin = 1790000000.0
    for number in range(25):
        double.phone_logs.add_direct_routing(client.tenant_id, begin + number)
    double.phone_logs.page = 10
    target = f"{ROOT}/getDirectRoutingCalls{window(begin, begin + 60)}"
    assert len(rows(client, get(client, target), "value")) == 25
    assert len(double.asked("direct_routing")) == 3
    assert double.violations == []


def test_phone_logs_of_90_days_at_most(double, client):
    begin = 1780000000.0
    target = f"{ROOT}/getPstnCalls"
    get(client, target + window(begin, begin + 90 * DAY))
    get(client, target + window(begin, begin + 90 * DAY + 1), status=406)
    assert len(double.violations) == 1


def test_the_members_of_phone_logs(double, client):
    """As documented, no more and no less."""
    begin = double.clock.now()
    made = {
        "pstn-rows.json": double.phone_logs.add_pstn(
            client.tenant_id, begin),
        "direct-routing-rows.json": double.phone_logs.add_direct_routing(
            client.tenant_id, begin)}
    for name, row in made.items():
        sample = json.loads((project.DATA / name).read_text())["value"][0]
        assert set(row) == set(sample)


def test_fast_enough(double, client, capsys):
    """A client that is as fast must not wait for the double."""
    double.limits.lift("record")
    sample = json.loads((project.DATA / "callrecord-p2p-expanded.json")
                        .read_text())
    call = add(client, sample=sample)
    get(client, f"{ROOT}/{call.id}{ALL}")
    done = subprocess.run(
        [sys.executable, LOADER, str(double.graph.port), client.bearer,
         f"{ROOT}/{call.id}{ALL}", "3000"],
        text=True, capture_output=True, check=True, timeout=60)
    rate = float(done.stdout)
    with capsys.disabled():
        print(f"\nthe double: {rate:.0f} records/s", flush=True)
    assert done.stderr == ""
    assert double.violations == []
    assert len(double.asked("record")) == 3001
    assert rate > 500
