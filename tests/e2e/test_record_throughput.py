"""How fast records are read with the quotas lifted, and in how much memory.

CALLHOOK_TEST_FULL=1: many records, else fewer and a lower bound."""

import json

import pytest

from graph.records import dumped
from support.full import FULL
from support.project import DATA, sanitized
from support.records_world import MEBIBYTE, Peak, RecordsWorld

RECORDS = 8000 if FULL else 1200
AT_LEAST = 400 if FULL else 150     # records a second; other tests run too
MEETING = {"sessions": 1000, "segments": 3, "participants": 700}

pytestmark = [pytest.mark.world(kind=RecordsWorld, quota="off"),
              pytest.mark.subscribed]


def report(capsys, what, peak, rate=""):
    with capsys.disabled():
        print(f"\n{what}: {peak.seconds:.2f} s{rate}, "
              f"{peak.bytes / MEBIBYTE:.1f} MiB", flush=True)


def test_many_records(world, tenant, capsys):
    sample = json.loads((DATA / "callrecord-p2p-expanded.json")
                        .read_text())
    calls = [world.records.add(tenant, sample=sample)
             for _ in range(RECORDS)]
    for call in calls:                  # not while it is measured
        call.newest()
    world.tell(tenant, *calls)
    peak = Peak(world, "run")
    peak.quiet()
    rate = RECORDS / peak.seconds
    report(capsys, f"{RECORDS} records", peak, f", {rate:.0f} a second")
    assert len(world.versions_of(tenant)) == RECORDS
    assert sanitized() or peak.bytes <= 64 * MEBIBYTE
    assert sanitized() or rate >= AT_LEAST


def test_a_meeting_of_a_thousand_sessions(world, tenant, capsys):
    """All of it, and also when its version changes in between."""
    call = world.happen(tenant, **MEETING)
    call.newest()
    peak = Peak(world, "run")
    peak.quiet()
    report(capsys, "1000 sessions of 3 segments, 700 participants", peak)
    assert world.state(call) == "stored"
    assert world.count("sessions", call) == 1000
    assert world.count("segments", call) == 3000
    assert world.count("participants", call) == 700
    assert world.known(call)["sessions"] == 1000
    assert sanitized() or peak.bytes <= 64 * MEBIBYTE
    world.records.change(call)
    call.change_at = (call.requests + 5,)
    world.tell(tenant, call)
    world.read_all(tenant)
    assert world.version(call) == call.version == 3
    assert world.count("segments", call) == 3000
    [row] = world.database.query(
        "SELECT count(*) AS n FROM callhook.sessions WHERE call_id = "
        f"'{call.id}' AND caller_name LIKE '%-v3'", "test_reader")
    assert row["n"] == 1000


def test_pages_of_many_megabytes(world, tenant, capsys):
    """Some at a time, and memory stays small."""
    count, segments = (4, 80) if FULL else (2, 40)
    calls = [world.happen(tenant, sessions=60, segments=segments)
             for _ in range(count)]
    size = sum(len(dumped(call.content.sessions)) for call in calls) / count
    peak = Peak(world, "run")
    peak.quiet()
    report(capsys, f"{count} pages of {size / MEBIBYTE:.1f} MiB", peak)
    assert {world.state(call) for call in calls} == {"stored"}
    assert {world.count("segments", call) for call in calls} == {
        60 * segments}
    assert sanitized() or peak.bytes <= 64 * MEBIBYTE


def test_the_largest_pages_of_several_tenants(world, capsys):
    """Of what grows when it is quoted, and when it is taken apart."""
    calls = []
    for _ in range(4):
        tenant = world.subscribed()
        calls += [world.happen(tenant) for _ in range(2)]

    def enlarge(content):
        content["newMember"] = '"' * ((8 << 20) - 50000)    # \", 2 bytes each

    # The first answers go over the smaller limits.
    world.double.fail("record", edit=enlarge, times=3 * len(calls))
    peak = Peak(world, "run")
    peak.quiet()
    report(capsys, f"{len(calls)} pages of nearly 16 MiB", peak)
    assert {world.state(call) for call in calls} == {"stored"}
    assert sanitized() or peak.bytes <= 64 * MEBIBYTE
