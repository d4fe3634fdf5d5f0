"""Each question of sql/examples is answered as its company knows it."""

import collections
import datetime
import json
import re

import pytest

from support.company import reading, work_off
from support.project import ROOT
from support.record_store import TENANT, Store
from support.small_company import (BUILDINGS, NUMBERS, RULES, Company, verdict)

FILES = sorted((ROOT / "sql" / "examples").glob("*.sql"))
COUNT = collections.Counter


@pytest.fixture(scope="module")
def company():
    return Company()


@pytest.fixture(scope="module")
def store(cluster, company):
    made = cluster.create_database()
    store = Store(made)
    made.execute("".join(
        "INSERT INTO callhook_store.disposition_rule (source, stage, reason, "
        f"disposition) VALUES ('record', 'callSetup', '{reason}', '{what}');"
        for reason, what in RULES.items()))
    outcomes = made.execute(";".join(map(reading, company.records)),
                            "test_renewer")
    assert outcomes.split() == ["stored"] * len(company.records)
    store.call("store_pstn_rows", TENANT, company.pstn)
    store.call("store_direct_routing_rows", TENANT, company.direct)
    store.call("load_reference", TENANT, "building", [
        [n, network, floor, "16", building, *[""] * 8, "1", "0"]
        for n, (network, (building, floor)) in enumerate(
            BUILDINGS.items(), 1)])
    store.call("load_reference", TENANT, "person", [
        [n, user.id, company.department(user), "", ""]
        for n, user in enumerate(company.users, 2)])
    yield store
    cluster.drop_database(made.name)


# --- The answers, from what happened ---

def log_rows(company):
    return [(row, "pstn") for row in company.pstn] + [
        (row, "direct_routing") for row in company.direct]


def log_disposition(row):
    if "finalSipCode" in row:
        if row["successfulCall"]:
            return "answered"
        return {408: "missed", 480: "missed", 487: "missed",
                486: "declined"}.get(row["finalSipCode"], "unknown")
    return "answered" if row["duration"] else "unknown"


def when(row):
    return datetime.datetime.fromisoformat(
        row["startDateTime"][:19] + "+00:00")


def all_calls(company):
    """(start, seconds, kind, external, disposition) of records and logs."""
    return [(c.start, c.seconds, c.kind, c.external, c.disposition)
            for c in company.calls] + [
        (when(row), row["duration"], "phone", True, log_disposition(row))
        for row, _ in log_rows(company)]


def summed(pairs):
    """Sums of tuples by key, in the order of keys as SQL has it."""
    sums = {}
    for key, values in pairs:
        old = sums.get(key, (0,) * len(values))
        sums[key] = tuple(a + b for a, b in zip(old, values))
    def order(item):
        return [(part is None, "" if part is None else part)
                for part in item[0]]
    return [list(key) + list(values)
            for key, values in sorted(sums.items(), key=order)]


def percentile(values, share):
    values = sorted(values)
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def is_party(sound):
    return sound.receiver.role is None


def most_at_once(company):
    events = {}
    for start, seconds, *_ in all_calls(company):
        end = start + max(datetime.timedelta(seconds=seconds),
                          datetime.timedelta(microseconds=1))
        for at, step in ((start, 1), (end, -1)):
            events[at] = events.get(at, 0) + step
    best, running = {}, 0
    for at in sorted(events):
        running += events[at]
        day = str(at.date())
        if day not in best or running > best[day][0]:
            best[day] = (running, at)
    return [[day, *found] for day, found in sorted(best.items())]


def person_seconds(company):
    total = COUNT()
    for leg in company.legs:
        total[leg.party.id, leg.party.kind] += leg.seconds
    for row, _ in log_rows(company):
        total[row["userId"], "user"] += row["duration"]
    return [[name, n] for (name, kind), n in sorted(
        total.items(), key=lambda item: (-item[1], item[0]))
        if kind == "user"]


def last_calls(company):
    user = company.users[0]
    found = [(leg.start, leg.call, leg.direction, leg.peer if leg.peer
              is not user else None, leg.seconds, leg.disposition)
             for leg in company.legs if leg.party is user]
    rows = [[call, start, direction, peer.name if peer else None, seconds,
             what] for start, call, direction, peer, seconds, what in found]
    rows += [[None, when(row), "out", None, row["duration"],
              log_disposition(row)]
             for row, _ in log_rows(company) if row["userId"] == user.id]
    return sorted(rows, key=lambda row: row[1], reverse=True)


def with_number(company):
    number = NUMBERS[1]
    rows = [[leg.start, leg.party.name, "in", leg.seconds, "record"]
            for leg in company.legs if leg.kind == "phone"
            and leg.party.kind == "user" and leg.peer.id == number]
    rows += [[when(row), row["userDisplayName"], "out", row["duration"],
              source] for row, source in log_rows(company)]
    return sorted(rows, key=lambda row: row[:2])


def sizes(company):
    def size(n):
        return next(name for most, name in (
            (2, "2"), (5, "3-5"), (10, "6-10")) if n <= most)
    rows = summed(((size(c.people),), (1, c.seconds))
                  for c in company.calls if c.kind == "meeting")
    return rows


def platforms(company):
    found = COUNT(leg.party.platform for leg in company.legs
                  if leg.party.role is None)
    return [["2026-03-01", name, n] for name, n in sorted(found.items())]


def versions(company):
    found = collections.defaultdict(set)
    for leg in company.legs:
        if leg.party.role is None:
            found[leg.party.platform, leg.party.version].add(leg.party.id)
    return sorted([*key, len(ids)] for key, ids in found.items())


def devices(company):
    users = collections.defaultdict(set)
    for sound in company.sounds:
        if is_party(sound):
            users[sound.day, sound.device].add(sound.receiver.id)
    rows = summed(((s.device if len(users[s.day, s.device]) >= 5
                    else "other",),
                   (verdict(s) != "unclassified", verdict(s) == "poor"))
                  for s in company.sounds)
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def sound_rows(company, key, first=lambda s: verdict(s) != "unclassified"):
    return summed((key(s), (int(first(s)), int(verdict(s) == "poor")))
                  for s in company.sounds)


def place(sound):
    return (*BUILDINGS.get(sound.subnet, (None, None)), sound.connection)


def percentiles(company):
    days = collections.defaultdict(list)
    for sound in company.sounds:
        days[sound.day].append(sound)
    return [[day, percentile([s.jitter for s in found], 0.5),
             percentile([s.jitter for s in found], 0.95),
             percentile([s.trip for s in found], 0.5)]
            for day, found in sorted(days.items())]


def worst_heard(company):
    found = COUNT(s.receiver.id for s in company.sounds
                  if is_party(s) and verdict(s) == "poor")
    return [[name, n] for name, n in sorted(
        found.items(), key=lambda item: (-item[1], item[0]))][:20]


def failures(company):
    calls = {(leg.call, leg.stage, leg.reason) for leg in company.legs
             if leg.stage}
    return summed((("2026-03-01", stage, reason), (1,))
                  for _, stage, reason in calls)


def costs(company):
    by_id = {user.id: user for user in company.users}
    return [row[:2] + [row[2], row[3], row[4]] for row in summed(
        ((company.department(by_id[row["userId"]]), "EUR"),
         (1, row["duration"], row["charge"])) for row in company.pstn)]


def missed(company):
    rows = []
    for leg in company.legs:
        if leg.direction != "in" or leg.disposition != "missed":
            continue
        back = [o.start for o in company.legs
                if o.party is leg.party and o.peer
                and o.peer.id == leg.peer.id and o.kind != "meeting"
                and o.disposition == "answered" and o.start > leg.start]
        late = not back or min(back) - leg.start > datetime.timedelta(days=1)
        rows.append(((leg.party.name,), (1, int(late))))
    return summed(rows)


def users_of_month(company):
    seen = {leg.party.id for leg in company.legs if leg.party in company.users}
    return [["2026-03-01", len(seen | {
        row["userId"] for row, _ in log_rows(company)})]]


def destinations(company):
    rows = summed(((source, row.get("destinationName")),
                   (1, row["duration"], row.get("charge", 0)))
                  for row, source in log_rows(company))
    return [row if row[0] == "pstn" else row[:4] + [None] for row in rows]


def strangers(company):
    calls = collections.defaultdict(set)
    for call in company.calls:
        if call.external:
            for leg in company.legs:
                if leg.call == call.id and leg.party in company.users:
                    calls[leg.party.name].add(call.id)
    return [[name, len(ids)] for name, ids in sorted(calls.items())]


def longest(company):
    rows = [[c.id, datetime.timedelta(seconds=c.seconds), c.people]
            for c in company.calls if c.kind == "meeting"]
    return sorted(rows, key=lambda row: (-row[1], row[0]))[:5]


def pairs(company):
    found = COUNT(tuple(sorted((leg.party.name, leg.peer.name)))
                  for leg in company.legs if leg.kind == "peer_to_peer"
                  and leg.direction == "out" and leg.disposition == "answered")
    return [[*names, n] for names, n in sorted(
        found.items(), key=lambda item: (-item[1], item[0]))][:10]


def answer_rate(company):
    two = [c.disposition for c in company.calls if c.kind == "peer_to_peer"]
    return [[len(two), *(two.count(what) for what in (
        "answered", "missed", "declined", "failed"))]]


ANSWERS = {
    1: lambda c: [row[:3] + [row[3] // 60] for row in summed(
        ((start.isoweekday(), start.hour), (1, seconds))
        for start, seconds, *_ in all_calls(c))],
    2: lambda c: summed(((str(start.date()), kind, external), (1,))
                        for start, _, kind, external, _ in all_calls(c)),
    3: most_at_once, 4: person_seconds, 5: last_calls, 6: with_number,
    7: lambda c: sorted(
        ([leg.call, leg.party.name, leg.start, leg.seconds] for leg in c.legs
         if leg.kind == "meeting" and leg.peer.name == "User0"),
        key=lambda row: (row[2], row[1])),
    8: sizes, 9: platforms, 10: versions, 11: devices,
    12: lambda c: sound_rows(c, lambda s: (s.day,)),
    13: lambda c: sound_rows(c, place, lambda s: True),
    14: lambda c: sound_rows(c, lambda s: (s.connection, "udp")),
    15: percentiles, 16: worst_heard, 17: failures,
    18: lambda c: summed(((leg.rating, leg.heard), (1,)) for leg in c.legs
                         if leg.rating),
    19: costs, 20: missed, 21: users_of_month,
    22: lambda c: summed(
        ((call.queue,), (1, int(call.agent is not None),
                         int(call.agent is None), call.wait))
        for call in c.calls if call.queue),
    23: lambda c: summed(((call.queue, call.agent.name), (1,))
                         for call in c.calls if call.agent),
    24: destinations,
    25: lambda c: summed(
        (("sbc.example", row["finalSipCode"]),
         (1, int(row["successfulCall"]))) for row in c.direct),
    26: strangers, 27: longest,
    28: lambda c: summed(((leg.party.name, leg.reason), (1,))
                         for leg in c.legs if leg.stage == "midcall"),
    29: pairs, 30: answer_rate,
}


def plain(value):
    """As PostgreSQL's JSON has it."""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    if isinstance(value, datetime.timedelta):
        return f"{value.seconds // 3600:02}:{value.seconds // 60 % 60:02}:" \
            f"{value.seconds % 60:02}"
    if isinstance(value, (bool, type(None), str)):
        return value
    return round(float(value), 6)


def answer(store, path):
    query = path.read_text().rstrip().rstrip(";")
    text = store.database.execute(
        "SELECT coalesce(json_agg(json_build_array(VARIADIC ARRAY("
        "SELECT value FROM json_each(row_to_json(q)) WITH ORDINALITY "
        "ORDER BY ordinality))), '[]') "
        f"FROM ({query}\n) AS q", "test_reader")
    return [[plain(value) for value in row] for row in json.loads(text)]


def test_there_are_30_questions():
    assert [int(path.name[:2]) for path in FILES] == sorted(ANSWERS) \
        == list(range(1, 31))
    for path in FILES:
        first = path.read_text().splitlines()[0]
        assert first.startswith("-- ") and first.endswith("?")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_answer(store, company, path):
    wanted = [[plain(value) for value in row]
              for row in ANSWERS[int(path.name[:2])](company)]
    assert wanted
    assert answer(store, path) == wanted


def test_the_answers_stay_once_the_days_are_made(store, company):
    before = {path: answer(store, path) for path in FILES}
    work_off(store.database)
    assert {path: answer(store, path) for path in FILES} == before




def test_a_reader_can_type_what_the_readme_says(store):
    text = (ROOT / "README.md").read_text()
    queries = re.findall(r"^    (SELECT [^;]*);$", text, re.M)
    assert len(queries) == 2
    for query in queries:
        store.database.query(query, "test_reader")
