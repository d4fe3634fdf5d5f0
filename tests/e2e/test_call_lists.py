"""Listing calls at Graph: what no notification told of, and the proof that
nothing is missing."""

import json
import random
import re
import time
import urllib.parse
import uuid

import pytest

from graph.journal import instant_text
from graph.web import Answer
from support.full import FULL
from support.records_world import RecordsWorld
from support.world import DAY, HOUR, seconds_of

CALLS = 5000 if FULL else 1500
BIG_PAGE = 600                  # of the list: its quota is not the point

pytestmark = [pytest.mark.world(kind=RecordsWorld, records="off"),
              pytest.mark.subscribed]


def reconcile(world, tenant, *options):
    done = world.run("reconcile", tenant.name, *options)
    assert (done.status, done.stderr) == (0, ""), done
    return done.stdout


# -- the command -----------------------------------------------------------

def test_what_nobody_told_of_is_filed(world, tenant):
    now = world.double.clock.now()
    told = world.happen(tenant)
    missed = [world.happen(tenant, notified=0, begin=now - age)
              for age in (2 * HOUR, 10 * DAY, 29 * DAY)]
    world.quiet()
    assert world.known(missed[0]) is None
    reconcile(world, tenant)
    for call in missed:
        known = world.known(call)
        assert (known["source"], known["record_state"]) == ("list", "none")
        assert abs(seconds_of(known["started_at"]) - call.begin) < 0.001
    assert world.known(told)["source"] == "notification"
    sums = world.completeness(tenant)
    assert (sums["calls"], sums["listed"], sums["only_listed"]) == (4, 4, 3)
    # Of these no record is read: the id is all there is to have.
    assert sums["missing"] == 0
    assert world.double.asked("record", tenant.tenant_id) == []


@pytest.mark.parametrize("digits", [20, 19, 16])
def test_since_when(world, tenant, digits):
    """Without an offset it is UTC; the seconds may be absent."""
    now = world.double.clock.now()
    early, late = (world.happen(tenant, notified=0, begin=now - age * DAY)
                   for age in (5, 2))
    since = instant_text(now - 3 * DAY, 0)[:digits]
    reconcile(world, tenant, "--since", since)
    assert world.known(early) is None
    assert world.known(late)["source"] == "list"
    reconcile(world, tenant, "--since", instant_text(now - 6 * DAY, 0)[:10])
    assert world.known(early)["source"] == "list"


def test_until_when(world, tenant):
    now = world.double.clock.now()
    early, inside, late = (
        world.happen(tenant, notified=0, begin=now - age * DAY)
        for age in (8, 5, 2))
    since, until = (instant_text(now - age * DAY, 0) for age in (6, 4))
    reconcile(world, tenant, "--since", since, "--until", until)
    assert [bool(world.known(call)) for call in (early, inside, late)] == [
        False, True, False]
    reconcile(world, tenant, "--until", until)      # from 30 days back
    assert [bool(world.known(call)) for call in (early, inside, late)] == [
        True, True, False]
    # What has just begun is listed with the rest of its hour.
    reconcile(world, tenant, "--until", instant_text(now - 30, 0))
    assert world.known(late)


def test_until_may_be_now_to_the_second(world, tenant):
    done = world.run("reconcile", tenant.name, "--until",
                     instant_text(world.double.clock.now(), 0))
    assert (done.status, done.stderr) == (0, "")


def test_until_is_after_since(world, tenant):
    now = world.double.clock.now()
    done = world.run("reconcile", "--since", instant_text(now - DAY, 0),
                     "--until", instant_text(now - 2 * DAY, 0))
    assert done.status == 64 and "--until" in done.stderr


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", "2026-02-30", ""])
def test_since_must_be_a_time(world, tenant, option, when):
    done = world.run("reconcile", tenant.name, option, when)
    assert done.status == 64 and option in done.stderr
    assert world.double.asked("records", tenant.tenant_id) == []


def test_all_tenants(world):
    one, other = world.add(), world.add()
    world.quiet()
    calls = [world.happen(tenant, notified=0) for tenant in (one, other)]
    done = world.run("reconcile")
    assert (done.status, done.stderr) == (0, "")
    assert [world.known(call)["source"] for call in calls] == ["list"] * 2


def test_every_page_of_the_list(world, tenant):
    now = world.double.clock.now()
    world.records.list_page = 7
    calls = [world.records.add(tenant, begin=now - HOUR - 60 * number)
             for number in range(60)]
    reconcile(world, tenant, "--since", instant_text(now - DAY, 0))
    assert all(world.known(call) for call in calls)


def test_the_list_leads_nowhere_else(world, tenant):
    """No token goes to another host, and the listing does not count."""
    now = world.double.clock.now()
    world.records.list_page = 5
    world.records.elsewhere = {"records"}
    for number in range(12):
        world.records.add(tenant, begin=now - HOUR - number)
    done = world.run("reconcile", tenant.name)
    assert done.status == 1 and done.stderr
    assert world.double.journal.elsewhere == []
    assert world.database.query(
        "SELECT 1 FROM callhook_store.listings "
        f"WHERE tenant_id = '{tenant.tenant_id}' "
        f"AND begins_at < now() - interval '1 hour' "
        f"AND ends_at > now() - interval '1 hour'") == []


@pytest.mark.parametrize("trouble", [
    {"status": 403}, {"malformed": True}, {"body": b"{}"},
    {"body": b'{"value":{}}'}, {"body": b"[]"}, {"body": b"null"}], ids=str)
def test_a_list_that_fails(world, tenant, trouble):
    call = world.happen(tenant, notified=0)
    world.double.fail("records", times=None, **trouble)
    done = world.run("reconcile", tenant.name)
    assert done.status == 1 and tenant.name in done.stderr
    assert done.stdout.endswith(", not in full\n")
    assert world.known(call) is None
    world.double.clear_faults()
    reconcile(world, tenant)
    assert world.known(call)["source"] == "list"


@pytest.mark.parametrize("link, said", [
    ("{graph}/v1.0/communications/callRecords?$select=id", "no end"),
    ("/v1.0/communications/callRecords?$skiptoken=a", "relative"),
    ("{graph}/v1.0/communications/callRecords?a b", "space"),
    ("{graph}/v1.0/communications/callRecords?\u00e4", "ASCII")])
def test_a_link_that_is_none(world, tenant, link, said):
    body = json.dumps({"value": [], "@odata.nextLink": link.format(
        graph=world.double.graph_url)})
    world.double.fail("records", times=None, body=body.encode())
    done = world.run("reconcile", tenant.name)
    assert done.status == 1 and said in done.stderr
    assert len(world.double.asked("records", tenant.tenant_id)) <= 2


class Odd:
    """Lists calls in the double's place, where it has an answer."""

    def __init__(self, world, answer):
        self.handler, self.answer, self.asked = (
            world.double.graph.handler, answer, 0)
        world.double.graph.handler = self

    def __call__(self, request):
        if not request.path.endswith("/communications/callRecords"):
            return self.handler(request)
        self.asked += 1
        return self.answer(request) or self.handler(request)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_links_that_lead_in_a_circle(world, tenant, length):
    """However long it is: not followed for as long as there is time."""
    odd = Odd(world, lambda request: Answer.of(200, {
        "value": [], "@odata.nextLink":
            f"{world.double.graph_url}/v1.0/communications/callRecords"
            f"?$skiptoken={odd.asked % length}"}))
    done = world.run("reconcile", tenant.name, "--since", instant_text(
        world.double.clock.now() - 2 * HOUR, 0))
    assert done.status == 1 and "no end" in done.stderr
    assert odd.asked <= 10


@pytest.mark.parametrize("status", [400, 404, 406])
def test_a_call_that_graph_cannot_list(world, tenant, status):
    """Those before and after it are listed all the same."""
    now = world.double.clock.now()
    calls = [world.happen(tenant, notified=0, begin=now - age * HOUR)
             for age in (3, 3.9, 4.1, 30, 240)]

    def fails(request):
        since, until = (seconds_of(at) for at in re.findall(
            r"startDateTime [gl][et] (\S+Z)",
            urllib.parse.unquote(request.query)))
        if since <= now - 4 * HOUR < until:
            return Answer.of(status, {"error": {"code": "Unlistable"}})
        return None

    Odd(world, fails)
    done = world.run("reconcile", tenant.name)
    assert done.status == 1 and "code Unlistable" in done.stderr
    assert all(world.known(call) for call in calls)
    listed = world.database.query(
        f"""SELECT sum(ends_at - begins_at) > interval '29 days 23 hours'
                AND NOT bool_or(tstzrange(begins_at, ends_at)
                                @> to_timestamp({now - 4 * HOUR})) AS good
        FROM callhook_store.listings WHERE tenant_id = '{tenant.tenant_id}'""")
    assert listed == [{"good": True}]


@pytest.mark.parametrize("status, most", [(403, 1), (400, 10)])
def test_a_list_that_fails_wherever_it_begins(world, tenant, status, most):
    """It is not asked for piece by piece."""
    world.double.fail("records", times=None, status=status)
    assert world.run("reconcile", tenant.name).status == 1
    assert len(world.double.asked("records", tenant.tenant_id)) <= most


def test_the_list_keeps_to_the_subscriptions_filter(world):
    """Whom the site has left out is not listed, either."""
    person = str(uuid.uuid4())
    tenant = world.add(resource="communications/callRecords?$filter="
                       f"participants/any(p:p/id eq '{person}')")
    world.run("reconcile", tenant.name)
    asked = world.double.asked("records", tenant.tenant_id)
    assert asked
    for entry in asked:
        text = urllib.parse.unquote(entry.query)
        assert f" and participants_v2/any(p:p/id eq '{person}')" in text


PEOPLE = [str(uuid.uuid4()) for _ in range(3)]
FILTERS = ["participants/any(p:p/id eq '{}')".format(one) for one in PEOPLE]


@pytest.mark.parametrize("filters, listed", [
    (FILTERS[:1], FILTERS[:1]), (FILTERS[:1] * 2, FILTERS[:1]),
    (FILTERS[:2], FILTERS[:2]),
    ([f"{FILTERS[0]} or {FILTERS[1]}", FILTERS[2]], FILTERS),
    ([FILTERS[0], None], []), ([None, FILTERS[0]], [])])
def test_sections_of_one_tenant_are_listed_together(world, filters, listed):
    """What is listed for one of them counts for the others."""
    ids = {"tenant_id": str(uuid.uuid4()), "client_id": str(uuid.uuid4()),
           "secret": "of both"}
    for number, text in enumerate(filters):
        what = f"?$filter={text}" if text else ""
        section = world.add(
            resource=f"communications/callRecords{what}", reconcile="on",
            change_type=("created", "updated")[number], **ids)
    if len(listed) > 1:             # which the double does not know
        world.double.fail("records", body=b'{"value":[]}', status=200,
                          times=None)
    world.quiet()
    call = world.happen(section, notified=0)
    reconcile(world, section)
    assert (world.known(call) is None) == bool(listed)
    asked = world.double.asked("records", section.tenant_id)
    assert asked
    for entry in asked:
        text = urllib.parse.unquote(entry.query).partition("$filter=")[2]
        people = text.partition("&")[0].split(" and ", 2)[2:]
        assert len(people) == bool(listed)
        said = re.findall(r"participants_v2(/any\(p:p/id eq '[^']*'\))",
                          " ".join(people))
        assert {"participants" + one for one in said} == set(listed)


def test_the_role_is_missing(world):
    tenant = world.add()
    world.quiet()
    world.double.fail("records", status=403, times=None)
    done = world.run("reconcile", tenant.name)
    assert done.status == 1
    assert "403" in done.stderr


# -- by itself -------------------------------------------------------------

def test_it_is_listed_by_itself(world, tenant):
    """At first for 30 days, then for the last day each hour."""
    now = world.double.clock.now()
    old, young = (world.happen(tenant, notified=0, begin=now - age)
                  for age in (29 * DAY, 2 * HOUR))
    world.renewer.settings["reconcile"] = "on"
    world.quiet()
    assert world.known(old)["source"] == "list"
    assert world.known(young)["source"] == "list"
    before = len(world.double.asked("records", tenant.tenant_id))
    world.quiet()
    assert len(world.double.asked("records", tenant.tenant_id)) == before
    world.pass_time(HOUR + 60)
    next_one = world.happen(tenant, notified=0, begin=now - 5 * HOUR)
    long_ago = world.happen(tenant, notified=0, begin=now - 20 * DAY)
    world.quiet()
    assert world.known(next_one)["source"] == "list"
    assert world.known(long_ago) is None            # not its hour
    world.pass_time(DAY)
    within_week = world.happen(tenant, notified=0, begin=now - 6 * DAY)
    world.quiet()
    assert world.known(within_week)["source"] == "list"
    assert world.known(long_ago) is None
    for _ in range(3):
        world.pass_time(2 * DAY + HOUR)
        world.quiet()
    assert world.known(long_ago)["source"] == "list"


def test_not_where_it_is_switched_off(world):
    tenant = world.subscribed(reconcile="off")
    world.renewer.settings["reconcile"] = "on"
    world.happen(tenant, notified=0)
    world.quiet()
    assert world.double.asked("records", tenant.tenant_id) == []


def test_a_gap_is_closed(world, tenant):
    """A subscription that was dead for a day: its calls are found at once."""
    [entry] = world.live(tenant)
    world.double.remove(entry)
    world.pass_time(3 * DAY)
    world.quiet()
    [gap] = world.gaps(tenant)
    assert gap["closed_at"] is None
    begin = seconds_of(gap["begins_at"])
    calls = [world.happen(tenant, notified=0, begin=begin + DAY + number)
             for number in range(5)]
    world.renewer.settings["reconcile"] = "on"
    world.quiet()
    assert all(world.known(call) for call in calls)
    [gap] = world.gaps(tenant)
    assert gap["closed_at"] is not None
    assert gap["found"] == 5


def test_a_higher_version_is_read_again(world, tenant):
    tenant.keys["records"] = "on"
    call = world.happen(tenant)
    world.quiet()
    world.records.change(call)
    reconcile(world, tenant)
    assert world.completeness(tenant)["missing"] == 1
    world.read_all(tenant)
    assert world.version(call) == 2
    sums = world.completeness(tenant)
    assert (sums["missing"], sums["newest_version"]) == (0, 1)


# -- nothing is missing ----------------------------------------------------

class Days:
    """A week of calls of which much went wrong."""

    def __init__(self, world, tenant):
        self.world, self.tenant = world, tenant
        self.random = random.Random(5)
        self.now = world.double.clock.now()
        [gap] = world.gaps(tenant)
        self.dead = (seconds_of(gap["begins_at"]), seconds_of(gap["ends_at"]))
        self.outages = [(begin, begin + HOUR) for begin in (
            self.now - 6 * DAY, self.now - DAY, self.now - 12 * HOUR)]

    def happen(self, count):
        """The calls; those that anybody told of."""
        told = []
        for _ in range(count):
            begin = self.now - HOUR - self.random.random() * 6.5 * DAY
            call = self.world.records.add(
                self.tenant, begin=begin, seconds=self.random.random() * 900,
                misses=self.random.random() < 0.03, form="bare")
            at = call.end + 1800
            lost = self.random.random() < 0.05 or any(
                begin <= at < end for begin, end in
                (self.dead, *self.outages))
            if not lost:
                told += [call] * (2 if self.random.random() < 0.1 else 1)
        self.random.shuffle(told)
        return told

    def change(self, share):
        """Some get a higher version; those that are told of."""
        changed = [call for call in self.world.records.calls(self.tenant)
                   if self.random.random() < share]
        for call in changed:
            self.world.records.change(call)
        return changed[::2]


def test_nothing_is_missing(world, capsys):
    """Of calls whose notifications were dropped, doubled and out of order,
    through three outages and a dead subscription."""
    begun = time.monotonic()
    world.double.limits.lift("record", "records")
    world.records.list_page = BIG_PAGE
    tenant = world.subscribed(records="on")
    [entry] = world.live(tenant)
    world.double.remove(entry)                      # nobody tells
    world.pass_time(DAY)
    world.quiet()
    world.pass_time(2 * DAY)
    world.quiet()
    days = Days(world, tenant)
    told = days.happen(CALLS)
    world.tell(tenant, *told[:len(told) // 2])
    world.renewer.settings["quota"] = "off"
    world.quiet()
    world.tell(tenant, *told[len(told) // 2:])
    world.read_all(tenant)
    have = world.versions_of(tenant)
    assert 0.5 * CALLS < len(have) < 0.95 * CALLS   # it did go wrong
    # A later version, and only half of them are told.
    world.tell(tenant, *days.change(0.1))
    world.renewer.settings["reconcile"] = "on"
    world.read_all(tenant)
    graph = world.graphs_versions(tenant)
    assert len(graph) > CALLS * 0.99
    assert world.versions_of(tenant) == graph
    sums = world.completeness(tenant)
    assert sums["missing"] == 0
    assert sums["calls"] == sums["stored"] == len(graph)
    assert sums["listed"] == sums["newest_version"] == len(graph)
    assert 0.05 * CALLS < sums["only_listed"] < 0.5 * CALLS
    [gap] = world.gaps(tenant)
    assert gap["closed_at"] is not None and gap["found"] > 0.05 * CALLS
    with capsys.disabled():
        print(f"\n{CALLS} calls, {sums['only_listed']} told of by nobody, "
              f"{CALLS - len(have)} missing before the list, none after: "
              f"{time.monotonic() - begun:.1f} s", flush=True)


@pytest.mark.parametrize("fraction", [".2", ".7"])
def test_a_gap_that_begins_within_a_second(world, tenant, fraction):
    world.database.execute(f"""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at, ends_at)
        VALUES ('{tenant.name}', '{tenant.tenant_id}',
                'communications/callRecords', 'updated', 'a test',
                date_trunc('second', now()) - interval '3 hours'
                    + interval '0{fraction} s', now() - interval '2 hours')""")
    world.renewer.settings["reconcile"] = "on"
    world.quiet()
    assert all(gap["closed_at"] for gap in world.gaps(tenant))
