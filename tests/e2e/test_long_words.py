"""Words of a record that are long and odd: facts keep their first 600
characters, the same ones on each path that a record is stored by."""

import copy
import json
import random

import pytest

from support.call_records import new_id
from support.company import (BRIDGE, Party, guid, moment, reading, record,
                             session, talk, work_off)
from support.record_store import TENANT, Store

pytestmark = pytest.mark.no_program

DAY = "2026-03-10"
# What may end a word, a pattern or a literal, combines, or has no end.
ODD = "a'\"\\%_$\t\n\u00a0\u00df\u0130\u0301\u202e\u2028\ufeff\uffff\U0001f4de{},"
# Of four bytes each, and so many that nothing can be compressed: an entry of
# an index has at most 2,704 bytes.
RARE = "".join(map(chr, range(0x20000, 0x2a000)))


def odd(seed, rare=20):
    """Always the same one; it differs from others within 600 characters."""
    chance = random.Random(seed)
    return seed + "".join(chance.choices(RARE, k=rare)
                          + chance.choices(ODD, k=620 - min(rare, 600)))


@pytest.fixture
def store(database):
    return Store(database)


def pathway(store, large):
    store.database.execute(
        "CREATE OR REPLACE FUNCTION callhook_store.large_bytes() RETURNS "
        f"bigint LANGUAGE sql AS 'SELECT {0 if large else 10 ** 9}::bigint'")


def put(store, made, large):
    """Stores a record of one page by a path."""
    pathway(store, large)
    if not large:
        [row] = store.database.query(reading(made), "test_renewer")
        assert row["outcome"] == "stored"
        return made["id"]
    number = store.begin(made["id"])
    [taken] = store.call("take_pages", TENANT, json.dumps(
        [[made["id"], number, "record", 1, False]]), made)
    assert taken["outcome"] == "large"
    step, place = "begin", 0
    with store.database.session("test_renewer") as sql:
        sql.run("BEGIN")
        while step not in ("stored", "lost"):
            step, place = sql.run(
                "SELECT step, place FROM callhook_store.take_large("
                f"'{TENANT}', '{made['id']}', {number}, '{step}', {place})"
                ).strip().split("|")
        sql.run("COMMIT")
    assert step == "stored"
    return made["id"]


def facts(store, call_id):
    """What the views show of a call, but for its id."""
    return {view: store.database.query(
        f"SELECT to_jsonb(v) - 'call_id' AS row FROM callhook.{view} AS v "
        f"WHERE call_id = '{call_id}' ORDER BY to_jsonb(v)::text",
        "test_reader") for view in ("cdr", "stream_quality",
                                    "meeting_attendance", "missed_calls")}


def verify(store):
    work_off(store.database)
    assert store.database.query(
        f"SELECT * FROM callhook_store.verify_reports('{DAY}')") == []


def odd_party(name):
    return Party(name, platform=odd(name + "platform", 600),
                 version=odd(name + "version"), subnet=odd("subnet", 600),
                 device=odd(name + "device", 600),
                 connection=odd("connection"))


def odd_record(sessions=1, version=1, call_id=None):
    """More than 100 sessions are several pieces of a large record."""
    ann = odd_party("Ann")
    bobs = [odd_party(f"Bob {n}") if n in (0, 1, sessions - 1)
            else Party(f"Bob {n}") for n in range(sessions)]
    made = record([session(
        ann, bob, moment(DAY), 60, talk(ann, bob), stage=odd("stage"),
        reason=odd(f"reason {n}"), rating="good")
        for n, bob in enumerate(bobs)], ann, version=version, call_id=call_id)
    for one in made["sessions"]:
        for media in one["segments"][0]["media"]:
            media["label"] = odd("label")
            media["callerNetwork"]["networkTransportProtocol"] = odd("udp")
    return made


def again(made, **changes):
    return {**copy.deepcopy(made), **changes}


@pytest.mark.parametrize("large", [False, True], ids=["ordinary", "large"])
def test_the_views_show_the_first_characters(store, large):
    call = put(store, odd_record(), large)
    shown = {row["row"]["person_name"]: row["row"]
             for row in facts(store, call)["cdr"]}
    assert set(shown) == {"Ann", "Bob 0"}
    for name, row in shown.items():
        assert row["platform"] == odd(name + "platform", 600)[:600]
        assert row["client_version"] == odd(name + "version")[:600]
        assert row["failure_stage"] == odd("stage")[:600]
        assert row["failure_reason"] == odd("reason 0")[:600]
    streams = [row["row"] for row in facts(store, call)["stream_quality"]]
    assert len(streams) == 2
    for row in streams:
        name = row["sender_name"]
        assert row["sender_device"] == odd(name + "device", 600)[:600]
        assert row["sender_platform"] == odd(name + "platform", 600)[:600]
        assert row["sender_subnet"] == odd("subnet", 600)[:600]
        assert row["sender_connection"] == odd("connection")[:600]
        assert row["media"] == odd("label")[:600]
    verify(store)


def test_both_paths_make_the_same_facts(store):
    made = odd_record(sessions=105)
    found = [facts(store, put(store, again(made, id=new_id()), large))
             for large in (False, True)]
    assert found[0] == found[1] and len(found[0]["stream_quality"]) == 210
    verify(store)


def test_versions_of_a_call_by_one_path_and_the_other(store):
    """Each has other words beside some of the one before."""
    call = new_id()
    put(store, odd_record(2, 1, call), False)
    second = odd_record(3, 2, call)
    put(store, second, True)
    verify(store)
    expected = facts(store, put(store, again(second, id=new_id()), False))
    assert facts(store, call) == expected
    put(store, odd_record(2, 3, call), False)
    assert len(facts(store, call)["stream_quality"]) == 4
    verify(store)


@pytest.mark.parametrize("large", [False, True], ids=["ordinary", "large"])
def test_words_that_differ_only_behind_what_is_kept(store, large):
    call = put(store, record([session(
        Party("Ann", platform=odd("p") + "x", device=odd("d") + "x",
              subnet=odd("s") + "x"),
        Party("Bob", platform=odd("p") + "y", device=odd("d") + "y",
              subnet=odd("s") + "y"), moment(DAY), 60)], Party("Ann")), large)
    shown = [row["row"]["platform"] for row in facts(store, call)["cdr"]]
    assert shown == [odd("p")[:600]] * 2
    verify(store)


@pytest.mark.parametrize("large", [False, True], ids=["ordinary", "large"])
def test_persons_and_kinds_that_are_long(store, large):
    """An id of over 2,000 bytes names nobody; a kind is a member's name."""
    ann = Party(odd("Ann"), number=odd("id", 400))
    cid = Party(odd("Cid"), number=odd("id", 5000))
    bob = Party(odd("Bob"), kind="k" * 700, number=guid("Bob"))
    made = record([session(party, BRIDGE, moment(DAY), 60, talk(party, BRIDGE))
                   for party in (ann, bob, cid)], bob, kind="groupCall")
    call = put(store, made, large)
    shown = {row["row"]["person_name"]: row["row"]
             for row in facts(store, call)["cdr"]}
    assert set(shown) == {ann.name, bob.name, cid.name}
    assert shown[ann.name]["person_id"] == ann.id
    assert shown[cid.name]["person_id"] is None
    assert shown[bob.name]["person_kind"] == bob.kind[:600]
    assert shown[ann.name]["peer_kind"] == bob.kind[:600]
    verify(store)
