"""Reports: facts beside the records, figures that are exact at each moment."""

import copy
import json
import random

import pytest

from support.company import (BRIDGE, VOICEMAIL, Party, guid, media, moment,
                             phone, reading, record, service, session, stream,
                             talk, work_off)
from support.database import literal
from support.full import length
from support.later import Later
from support.record_store import TENANT, Store
from support.report_operations import DAYS, Onlookers, Operations
from support.service import Trouble, wait_until

DAY = "2026-03-10"
ANN, BOB, CID = Party("Ann"), Party("Bob"), Party("Cid")
EVE = Party("Eve", tenant=guid("another tenant"))
PHONE = phone("+493012345678")
QUEUE = service("skypeForBusinessCallQueues", "Support")
OTHER_TENANT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def store(database):
    return Store(database)


def read(store, made):
    [row] = store.database.query(reading(made), "test_renewer")
    return row["outcome"]


def put(store, made):
    assert read(store, made) == "stored"
    return made["id"]


def rows(store, view, condition="true", user="test_reader"):
    return store.database.query(
        f"SELECT * FROM callhook.{view} WHERE {condition}", user)


def legs(store, call_id):
    """The rows of cdr by the person's name."""
    found = rows(store, "cdr", f"call_id = '{call_id}'")
    assert len({row["person_name"] for row in found}) == len(found)
    return {row["person_name"]: row for row in found}


def verify(store, days=None):
    """Nothing differs, on any day that has something."""
    if days is None:
        days = [row["day"] for row in store.database.query("""
            SELECT day FROM callhook_store.report_calls
            UNION SELECT day FROM callhook_store.report_phones
            UNION SELECT day FROM callhook_store.calls
            UNION SELECT day FROM callhook_store.day_call_hours ORDER BY 1""")]
    for day in days:
        assert store.database.query(
            f"SELECT * FROM callhook_store.verify_reports('{day}')") == []
    return days


def rule(store, source, stage, reason, disposition, code=None,
         since="2020-01-01"):
    values = ", ".join(literal(v) for v in (
        source, stage, reason, code, disposition, since))
    store.database.execute(
        "INSERT INTO callhook_store.disposition_rule (source, stage, reason, "
        f"sip_code, disposition, valid_from) VALUES ({values})")


# --- cdr: one row a call and person ---

def test_a_call_of_two(store):
    start = moment(DAY)
    call = put(store, record([session(
        ANN, BOB, start, 90, talk(ANN, BOB), rating="good",
        callee_rating="notRated", modalities=("audio", "video"))], ANN))
    found = legs(store, call)
    assert set(found) == {"Ann", "Bob"}
    ann, bob = found["Ann"], found["Bob"]
    assert (ann["kind"], ann["direction"], bob["direction"]) == (
        "peer_to_peer", "out", "in")
    assert (ann["person_id"], ann["peer_id"]) == (ANN.id, BOB.id)
    assert bob["peer_name"] == "Ann" and bob["peer_kind"] == "user"
    assert ann["person_principal_name"] == "ann@contoso.example"
    assert ann["external"] is False and bob["person_tenant_id"] == TENANT
    assert ann["disposition"] == bob["disposition"] == "answered"
    assert (ann["rating"], bob["rating"]) == ("good", None)
    assert ann["duration_seconds"] == 90 and ann["day"] == DAY
    assert ann["modalities"] == ["audio", "video"]
    assert (ann["platform"], ann["client_version"]) == ("windows", "1.5")
    assert ann["audio"] == "good" and ann["source"] == "record"
    assert ann["is_test"] is False and ann["leg_id"] is None
    verify(store)


def test_a_meeting_and_who_rejoined(store):
    start = moment(DAY)
    later = moment(DAY, "10:10:00")
    call = put(store, record([
        session(ANN, BRIDGE, start, 300, talk(ANN, BRIDGE)),
        session(ANN, BRIDGE, later, 300, talk(ANN, BRIDGE, jitter=40)),
        session(EVE, BRIDGE, start, 600, talk(EVE, BRIDGE)),
        session(PHONE, BRIDGE, start, 600, talk(PHONE, BRIDGE))],
        ANN, kind="groupCall", participants=(ANN, EVE, CID)))
    found = legs(store, call)
    assert set(found) == {"Ann", "Eve", PHONE.name, "Cid"}
    assert {row["kind"] for row in found.values()} == {"meeting"}
    assert {row["direction"] for row in found.values()} == {"meeting"}
    assert found["Ann"]["duration_seconds"] == 900
    assert found["Ann"]["audio"] == "poor" and found["Eve"]["audio"] == "good"
    assert found["Ann"]["peer_id"] is None
    assert found["Eve"]["peer_id"] == ANN.id
    assert [found[name]["external"] for name in ("Ann", "Eve", PHONE.name)] \
        == [False, True, True]
    assert (found["Cid"]["disposition"], found["Cid"]["started_at"]) == (
        "unknown", None)
    [ann] = rows(store, "meeting_attendance", f"person_id = '{ANN.id}'")
    assert (ann["present_seconds"], ann["organizer_name"]) == (600, "Ann")
    verify(store)


def test_dispositions_come_from_rules(store):
    start = moment(DAY)
    call = put(store, record([session(
        ANN, BOB, start, 5, stage="callSetup", reason="NoAnswerHere")], ANN))
    assert legs(store, call)["Bob"]["disposition"] == "unknown"
    rule(store, "record", "callSetup", "%noanswer%", "missed")
    found = legs(store, call)
    assert found["Bob"]["disposition"] == found["Ann"]["disposition"] \
        == "missed"
    assert found["Bob"]["failure_reason"] == "NoAnswerHere"
    assert found["Bob"]["returned_at"] is None
    # A rule of a later day leaves the call as it is.
    rule(store, "record", "callSetup", "NoAnswerHere", "failed",
         since="2026-04-01")
    assert legs(store, call)["Bob"]["disposition"] == "missed"
    back = moment(DAY, "11:00:00")
    put(store, record([session(BOB, ANN, back, 60, talk(BOB, ANN))], BOB))
    assert legs(store, call)["Bob"]["returned_at"].startswith(f"{DAY}T11:00")
    assert legs(store, call)["Ann"]["returned_at"] is None
    store.database.execute("DELETE FROM callhook_store.disposition_rule "
                           "WHERE reason LIKE '%noanswer%'")
    assert legs(store, call)["Bob"]["disposition"] == "unknown"
    verify(store)


@pytest.mark.parametrize("reason", ["No\\", "\\", "No\\\\\\"])
def test_a_pattern_that_like_refuses_is_no_rule(store, reason):
    with pytest.raises(Trouble, match="23514"):
        rule(store, "record", "callSetup", reason, "missed")
    escaped = reason + "\\"
    rule(store, "record", "callSetup", escaped, "missed")
    call = put(store, record([session(
        ANN, BOB, moment(DAY), 5, stage="callSetup",
        reason=escaped.replace("\\\\", "\\"))], ANN))
    assert legs(store, call)["Bob"]["disposition"] == "missed"


def test_a_failure_amid_a_call_that_was_heard(store):
    heard = put(store, record([session(
        ANN, BOB, moment(DAY), 50, talk(ANN, BOB), stage="midcall",
        reason="NetworkLost")], ANN))
    silent = put(store, record([session(
        ANN, BOB, moment(DAY), 50, stage="midcall")], ANN))
    assert legs(store, heard)["Ann"]["disposition"] == "answered"
    assert legs(store, heard)["Ann"]["failure_stage"] == "midcall"
    assert legs(store, silent)["Ann"]["disposition"] == "unknown"


def test_a_queue_that_one_agent_answers(store):
    start = moment(DAY)
    rule(store, "record", "callSetup", "NoAnswer", "missed")
    call = put(store, record([
        session(PHONE, QUEUE, start, 120, talk(PHONE, QUEUE)),
        session(QUEUE, ANN, moment(DAY, seconds=10), 10, stage="callSetup",
                reason="NoAnswer"),
        session(QUEUE, BOB, moment(DAY, seconds=20), 100, talk(QUEUE, BOB))],
        PHONE, kind="groupCall", participants=(PHONE, ANN, BOB)))
    found = legs(store, call)
    assert set(found) == {PHONE.name, "Ann", "Bob"}
    assert [found[n]["disposition"] for n in (PHONE.name, "Ann", "Bob")] == [
        "answered", "unknown", "answered"]
    assert [found[n]["direction"] for n in (PHONE.name, "Ann", "Bob")] == [
        "out", "in", "in"]
    assert {row["kind"] for row in found.values()} == {"phone"}
    assert {row["queue_name"] for row in found.values()} == {"Support"}
    assert found["Bob"]["peer_id"] == PHONE.id
    assert found[PHONE.name]["peer_id"] == BOB.id
    assert found["Bob"]["caller_number"] == PHONE.id
    [row] = rows(store, "queue_calls")
    assert (row["outcome"], row["wait_seconds"], row["agent_name"],
            row["caller_id"]) == ("answered", 20, "Bob", PHONE.id)
    # The same, answered by nobody.
    put(store, record([
        session(PHONE, QUEUE, start, 40, talk(PHONE, QUEUE)),
        session(QUEUE, ANN, moment(DAY, seconds=10), 10, stage="callSetup",
                reason="NoAnswer")], PHONE, kind="groupCall"))
    [day] = rows(store, "queues_by_day")
    assert (day["offered"], day["answered"], day["abandoned"],
            day["wait_seconds"]) == (2, 1, 1, 60)
    assert len(rows(store, "missed_calls")) == 1
    verify(store)


def test_voicemail_takes_a_call(store):
    rule(store, "record", "callSetup", "NoAnswer", "missed")
    start = moment(DAY)
    call = put(store, record([
        session(ANN, BOB, start, 20, stage="callSetup", reason="NoAnswer"),
        session(ANN, VOICEMAIL, moment(DAY, seconds=20), 30,
                talk(ANN, VOICEMAIL))], ANN))
    found = legs(store, call)
    assert set(found) == {"Ann", "Bob"}
    assert found["Ann"]["disposition"] == found["Bob"]["disposition"] \
        == "voicemail"


def test_test_calls_are_in_no_figure(store):
    call = put(store, record([session(
        ANN, BOB, moment(DAY), 50, talk(ANN, BOB), test=True)], ANN))
    assert legs(store, call)["Ann"]["is_test"] is True
    for clean in (False, True):
        if clean:
            work_off(store.database)
        for view in ("calls_by_hour", "quality_by_day", "people_by_day",
                     "concurrent_calls", "users_by_month"):
            assert rows(store, view) == []


def withheld():
    """A phone that tells no number."""
    made = phone("+49")
    made.id = made.name = None
    return made


def test_a_queue_that_is_called_from_a_withheld_number(store):
    """Who called is not taken for the one that answered."""
    rule(store, "record", "callSetup", "NoAnswer", "missed")
    caller = withheld()
    rang = session(QUEUE, ANN, moment(DAY, seconds=10), 10, stage="callSetup",
                   reason="NoAnswer")
    for organizer in (caller, QUEUE):
        call = put(store, record([
            session(caller, QUEUE, moment(DAY), 40, talk(caller, QUEUE)),
            rang], organizer, kind="groupCall"))
        found = legs(store, call)
        assert [(found[n]["direction"], found[n]["disposition"])
                for n in (None, "Ann")] == [("out", "missed"),
                                            ("in", "missed")]
    call = put(store, record([
        session(caller, QUEUE, moment(DAY), 120, talk(caller, QUEUE)), rang,
        session(QUEUE, BOB, moment(DAY, seconds=25), 90, talk(QUEUE, BOB))],
        QUEUE, kind="groupCall"))
    found = legs(store, call)
    assert (found[None]["disposition"], found[None]["peer_name"],
            found["Ann"]["disposition"]) == ("answered", "Bob", "unknown")
    assert (found["Bob"]["peer_id"], found["Bob"]["peer_kind"]) == (
        None, "phone")
    [day] = rows(store, "queues_by_day")
    assert (day["offered"], day["answered"], day["abandoned"],
            day["wait_seconds"]) == (3, 1, 2, 40 + 40 + 25)
    verify(store)


def test_the_wait_for_a_queue_ends_with_who_answers_first(store):
    """Not when that agent first rang, and not with whom is known longest."""
    put(store, record([session(BOB, CID, moment(DAY), 60)], BOB))
    call = put(store, record([
        session(PHONE, QUEUE, moment(DAY), 200, talk(PHONE, QUEUE)),
        session(QUEUE, ANN, moment(DAY, seconds=10), 10, stage="callSetup",
                reason="NoAnswer"),
        session(QUEUE, ANN, moment(DAY, seconds=30), 50, talk(QUEUE, ANN)),
        session(QUEUE, BOB, moment(DAY, seconds=80), 120, talk(QUEUE, BOB))],
        PHONE, kind="groupCall"))
    [row] = rows(store, "queue_calls")
    assert (row["outcome"], row["wait_seconds"], row["agent_name"]) == (
        "answered", 30, "Ann")
    assert legs(store, call)[PHONE.name]["peer_id"] == ANN.id
    verify(store)


@pytest.mark.parametrize("side", [PHONE, QUEUE])
def test_of_two_who_answer_a_queue_the_first_is_shown(store, side):
    """Whoever has the session with them: the caller, or the queue."""
    put(store, record([session(PHONE, QUEUE, moment(DAY), 20), *(
        session(side, party, moment(DAY, seconds=after), 60,
                talk(side, party))
        for after, party in ((20, ANN), (80, BOB)))], PHONE, "groupCall"))
    [call] = rows(store, "queue_calls")
    assert (call["wait_seconds"], call["agent_name"]) == (20, "Ann")
    found = legs(store, call["call_id"])
    assert {name: row["peer_name"] for name, row in found.items()} == {
        PHONE.name: "Ann", "Ann": PHONE.name, "Bob": PHONE.name}
    verify(store)


def test_the_newest_name_of_a_queue_is_shown(store):
    """Whenever its record comes; one may lack it."""
    for name, day, shown in ((None, 10, QUEUE.id), ("Help", 11, "Help"),
                             ("Care", 13, "Care"), ("Help", 12, "Care"),
                             (None, 14, "Care"), ("Desk", 15, "Desk")):
        queue = copy.copy(QUEUE)
        queue.name = name
        put(store, record([session(PHONE, queue, moment(f"2026-03-{day}"),
                                   20)], PHONE, "groupCall"))
        assert {row["queue_name"] for row in rows(store, "cdr")} == {shown}


def test_an_empty_id_says_nobodys_kind(store):
    one, other = copy.copy(ANN), copy.copy(BOB)
    one.id = other.id = ""
    made = record([session(one, PHONE, moment(DAY), 60)], CID,
                  participants=(other,))
    caller = made["sessions"][0]["caller"]
    caller["associatedIdentity"] = caller.pop("identity")["user"]
    row = legs(store, put(store, made))["Ann"]
    assert row["person_kind"] is None


def take_kinds(made):
    """Identities that stand alone, as Graph gives them today."""
    for part in (made, *made["segments"]):
        for side in (part["caller"], part["callee"]):
            if "user" in side["identity"]:
                side["associatedIdentity"] = side.pop("identity")["user"]


def test_a_group_call_of_identities_without_a_kind_is_a_meeting(store):
    bot = service("customBot")
    one = session(ANN, bot, moment(DAY), 60, talk(ANN, bot))
    take_kinds(one)
    call = put(store, record([one], ANN, kind="groupCall"))
    assert {row["kind"] for row in legs(store, call).values()} == {"meeting"}


def test_who_is_of_another_tenant_is_external_without_a_kind(store):
    one = session(ANN, EVE, moment(DAY), 60, talk(ANN, EVE))
    take_kinds(one)
    for known, ann in ((), None), ((ANN, EVE), False):
        found = legs(store, put(store, record(
            [one], ANN, participants=known)))
        assert (found["Ann"]["external"], found["Eve"]["external"]) == (
            ann, True)


def test_the_last_rating_of_two_counts(store):
    later = moment(DAY, "10:10:00")
    call = put(store, record([
        session(ANN, BRIDGE, moment(DAY), 300, rating="poor"),
        session(ANN, BRIDGE, later, 300, rating="good"),
        session(ANN, BRIDGE, moment(DAY, "10:20:00"), 300,
                rating="notRated")], ANN, kind="groupCall"))
    assert legs(store, call)["Ann"]["rating"] == "good"


def test_who_calls_another_device_of_his_own(store):
    call = put(store, record([session(
        ANN, ANN, moment(DAY), 60, talk(ANN, ANN), rating="good",
        callee_rating="poor")], ANN))
    row = legs(store, call)["Ann"]
    assert (row["direction"], row["peer_id"], row["rating"]) == (
        "out", ANN.id, "good")
    verify(store)


def test_a_meeting_whose_organizer_nobody_knows(store):
    made = record([session(p, BRIDGE, moment(DAY), 60) for p in (ANN, BOB)],
                  ANN, kind="groupCall")
    put(store, made | {"organizer_v2": None})
    assert {(row["person_name"], row["organizer_id"], row["organizer_name"])
            for row in rows(store, "meeting_attendance")} == {
        ("Ann", None, None), ("Bob", None, None)}
    put(store, made | {"version": 2})
    assert {row["organizer_name"]
            for row in rows(store, "meeting_attendance")} == {"Ann"}


# --- stream_quality ---

def test_sides_and_verdicts(store):
    ann = Party("Ann", subnet="10.1.0.0", device="Desk mic", platform="macOS")
    bob = Party("Bob", subnet="10.2.0.0", device="Ear", connection="wifi")
    call = put(store, record([session(ann, bob, moment(DAY), 60, media(
        ann, bob, stream(True, jitter=31, start=moment(DAY)),
        stream(False, packets=500, loss=0.5), stream(True, loss=0.1, trip=500,
                                                     jitter=30),
        stream(True, jitter=None, trip=None, loss=None)),
        media(ann, bob, stream(True, averageVideoFrameLossPercentage=51.0),
              stream(True, averageVideoFrameRate=7.0),
              stream(True, averageVideoFrameRate=6.9),
              stream(True, postForwardErrorCorrectionPacketLossRate=0.16),
              stream(True), label="main-video"),
        media(ann, bob, stream(True, averageVideoFrameRate=2.0),
              label="applicationsharing-video"))], ann))
    found = rows(store, "stream_quality",
                 f"call_id = '{call}' ORDER BY media_no, stream_no")
    assert [row["verdict"] for row in found] == [
        "poor", "unclassified", "good", "unclassified", "poor", "good", "poor",
        "poor", "unclassified", "good"]
    assert [row["media"] for row in found] == (
        ["audio"] * 4 + ["video"] * 5 + ["screen_sharing"])
    forth, back = found[0], found[1]
    assert (forth["sender_id"], forth["receiver_name"]) == (ann.id, "Bob")
    assert (back["sender_name"], back["receiver_id"]) == ("Bob", ann.id)
    assert (forth["sender_device"], forth["receiver_device"]) == (
        "Desk mic", "Ear")
    assert (back["sender_connection"], back["receiver_connection"]) == (
        "wifi", "wired")
    assert (forth["sender_subnet"], forth["receiver_subnet"]) == (
        "10.1.0.0", "10.2.0.0")
    assert forth["sender_platform"] == "macOS"
    assert (forth["jitter_ms"], forth["loss"], forth["seconds"]) == (
        31, 0.01, 60)
    assert (forth["session_no"], forth["segment_no"], forth["media_no"],
            forth["stream_no"], forth["transport"]) == (1, 1, 1, 1, "udp")
    verify(store)


def test_a_record_without_a_beginning_has_devices(store):
    made = record([session(ANN, BOB, moment(DAY), 60, talk(ANN, BOB))], ANN)
    put(store, made | {"startDateTime": None})
    assert {(row["sender_device"], row["receiver_device"])
            for row in rows(store, "stream_quality")} == {
        ("Headset A", "Headset A")}
    assert {row["device"] for row in rows(store, "quality_by_device")} == {
        "other"}
    verify(store)


def test_a_rule_of_quality_changes_from_its_day_on(store):
    calls = [put(store, record([session(
        ANN, BOB, moment(day), 60, talk(ANN, BOB, jitter=25))], ANN))
        for day in ("2026-03-01", "2026-03-20")]
    work_off(store.database)
    store.database.execute("""
        INSERT INTO callhook_store.quality_rule
            (media, measure, above, valid_from)
        VALUES ('audio', 'jitter_ms', 20, '2026-03-15')""")
    for call, audio in zip(calls, ("good", "poor")):
        assert legs(store, call)["Ann"]["audio"] == audio
    assert [row["poor"] for row in rows(
        store, "quality_by_day", "media = 'audio' ORDER BY day")] == [0, 2]
    store.database.execute("DELETE FROM callhook_store.quality_rule "
                           "WHERE valid_from = '2026-03-15'")
    assert legs(store, calls[1])["Ann"]["audio"] == "good"
    work_off(store.database)
    verify(store)


def test_a_queue_neither_speaks_nor_hears(store):
    """Nor if it is the organizer, or takes part, of this or another call."""
    said = [put(store, record([
        session(PHONE, QUEUE, moment(DAY), 60, talk(PHONE, QUEUE)),
        session(QUEUE, ANN, moment(DAY), 60, talk(QUEUE, ANN))],
        organizer, kind="groupCall", participants=participants))
        for organizer, participants in (
            (PHONE, ()), (QUEUE, ()), (PHONE, (PHONE, QUEUE, ANN)))]
    for call in said:
        found = rows(store, "stream_quality", f"call_id = '{call}'")
        assert {(row["sender_id"], row["receiver_id"]) for row in found} == {
            (PHONE.id, None), (None, PHONE.id), (ANN.id, None),
            (None, ANN.id)}
    verify(store)


def test_who_takes_a_call_that_began_with_a_queue_is_heard(store):
    """A segment may have another callee than its session."""
    one = session(PHONE, QUEUE, moment(DAY), 60, talk(PHONE, QUEUE))
    one["segments"][0]["callee"] = ANN.endpoint()
    put(store, record([one], PHONE, kind="groupCall", participants=(ANN,)))
    assert {row["sender_name"] for row in rows(store, "stream_quality")} == {
        PHONE.name, "Ann"}


# --- Phone logs ---

def pstn_row(name, user, number, start, seconds=60, **more):
    return {"id": name, "userId": user.id, "userDisplayName": user.name,
            "userPrincipalName": user.principal_name,
            "startDateTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "endDateTime": moment(DAY, start.strftime("%H:%M:%S"),
                                  seconds).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": seconds, "charge": 0.5, "connectionCharge": 0.25,
            "currency": "EUR", "callType": "user_out",
            "calleeNumber": number, "callerNumber": "+4930111111",
            "destinationName": "Germany", "usageCountryCode": "DE", **more}


def direct_row(name, user, number, start, code=0, correlation=None, **more):
    return {"id": name, "correlationId": correlation, "userId": user.id,
            "userDisplayName": user.name,
            "userPrincipalName": user.principal_name,
            "inviteDateTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "startDateTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": 0 if code else 30, "callType": "ByotOut",
            "successfulCall": code == 0, "callerNumber": "+4930222***",
            "calleeNumber": number[:-3] + "***", "finalSipCode": code,
            "trunkFullyQualifiedDomainName": "sbc.contoso.example", **more}


def test_phone_calls_that_only_a_log_knows(store):
    store.call("store_pstn_rows", TENANT, [pstn_row(
        "p1", ANN, "+4940123456", moment(DAY))])
    store.call("store_direct_routing_rows", TENANT, [
        direct_row("d1", BOB, "+4940123456", moment(DAY), 486),
        direct_row("d2", BOB, "+4940123456", moment(DAY), 799)])
    found = {row["leg_id"]: row for row in rows(store, "cdr")}
    assert set(found) == {"p1", "d1", "d2"}
    assert (found["p1"]["call_id"], found["p1"]["source"],
            found["p1"]["kind"]) == (None, "pstn", "phone")
    assert (found["p1"]["charge"], found["p1"]["currency"],
            found["p1"]["disposition"]) == (0.75, "EUR", "answered")
    assert found["p1"]["person_id"] == ANN.id
    assert found["p1"]["peer_id"] == "+4940123456"
    assert (found["d1"]["disposition"], found["d1"]["sip_code"],
            found["d1"]["trunk"]) == ("declined", 486, "sbc.contoso.example")
    assert found["d2"]["disposition"] == "unknown"
    hours = rows(store, "calls_by_hour")
    assert sum(row["calls"] for row in hours) == 3
    assert {row["kind"] for row in hours} == {"phone"}
    assert sum(row["calls"] for row in rows(store, "phone_by_day")) == 3
    assert {row["sip_code"] for row in rows(store, "trunks_by_day")} == {
        486, 799}
    work_off(store.database)
    assert sum(row["calls"] for row in rows(store, "calls_by_hour")) == 3
    verify(store)


@pytest.mark.parametrize("log_first", [True, False])
@pytest.mark.parametrize("exact", [True, False])
def test_a_phone_call_that_both_know_appears_once(store, exact, log_first):
    start = moment(DAY)
    made = record([session(ANN, PHONE, start, 60, talk(ANN, PHONE))], ANN)

    def log():
        if exact:
            store.call("store_direct_routing_rows", TENANT, [direct_row(
                "d1", ANN, PHONE.id, moment(DAY, "23:00:00"),
                correlation=made["id"])])
        else:
            store.call("store_pstn_rows", TENANT, [pstn_row(
                "p1", ANN, PHONE.id, moment(DAY, "10:01:00"))])

    if log_first:
        log()
        assert len(rows(store, "cdr")) == 1
    call = put(store, made)
    if not log_first:
        log()
    found = legs(store, call)
    assert len(rows(store, "cdr")) == 2
    assert found["Ann"]["source"] == "record"
    assert found["Ann"]["leg_id"] == ("d1" if exact else "p1")
    assert found[PHONE.name]["leg_id"] is None
    assert found["Ann"]["callee_number"] == PHONE.id
    assert sum(row["calls"] for row in rows(store, "calls_by_hour")) == 1
    work_off(store.database)
    verify(store)
    # The record goes: only the log knows the call again.
    store.database.execute(
        f"SELECT callhook_store.remove_record('{TENANT}', '{{{call}}}')")
    [row] = rows(store, "cdr")
    assert row["call_id"] is None and row["source"] != "record"
    assert sum(row["calls"] for row in rows(store, "calls_by_hour")) == 1


def test_of_two_rows_of_a_call_that_with_a_charge_is_shown(store):
    """A call that comes in and is forwarded has both, with one id."""
    store.call("load_reference", TENANT, "rate",
               [[2, "+49", "0.6", "", "EUR", ""]])
    made = record([session(PHONE, ANN, moment(DAY), 60, talk(PHONE, ANN))],
                  PHONE)
    put(store, made)
    store.call("store_direct_routing_rows", TENANT, [direct_row(
        name, ANN, "+4940123456", moment(DAY), correlation=made["id"],
        callType=kind) for name, kind in (
            ("a", "ByotIn"), ("b", "ByotOutUserForwarding"), ("c", "ByotIn"))])
    row = legs(store, made["id"])["Ann"]
    assert (row["leg_id"], row["charge"], row["currency"]) == ("b", 0.3, "EUR")
    [whole] = store.database.query(
        "SELECT sum(charge) AS charge FROM callhook.phone_by_day")
    assert whole["charge"] == row["charge"]
    verify(store)
    # Retention may take a row away before the record.
    for gone, shown in (("b", "a"), ("a", "c"), ("c", None)):
        store.database.execute("DELETE FROM callhook_store."
                               f"direct_routing_calls WHERE id = '{gone}'")
        assert legs(store, made["id"])["Ann"]["leg_id"] == shown
        verify(store)


@pytest.mark.parametrize("log_first", [True, False])
def test_who_dials_in_to_a_meeting_of_somebody_who_is_not_there(
        store, log_first):
    """The log's user is the organizer."""
    made = record([session(party, BRIDGE, moment(DAY), 60,
                           talk(party, BRIDGE)) for party in (PHONE, BOB)],
                  ANN, "groupCall")
    steps = [lambda: put(store, made),
             lambda: store.call("store_pstn_rows", TENANT, [pstn_row(
                 "p1", ANN, "+4940123456", moment(DAY), callType="conf_in",
                 callerNumber=PHONE.id)])]
    for step in reversed(steps) if log_first else steps:
        step()
    [leg] = rows(store, "call_legs")
    assert (leg["call_id"], leg["match"]) == (made["id"], "near")
    assert {row["person_name"]: row["leg_id"] for row in rows(store, "cdr")} \
        == {"Bob": "p1", PHONE.name: None}
    assert [(row["kind"], row["calls"]) for row in rows(
        store, "calls_by_hour")] == [("meeting", 1)]
    verify(store)


@pytest.mark.parametrize("missed", ["record", "log"])
@pytest.mark.parametrize("returned", ["record", "log"])
def test_a_missed_call_is_returned_whoever_knows_it(store, missed, returned):
    rule(store, "record", "callSetup", "NoAnswer", "missed")
    if missed == "record":
        put(store, record([session(PHONE, ANN, moment(DAY), 15,
                                   stage="callSetup", reason="NoAnswer")],
                          PHONE))
    else:
        store.call("store_direct_routing_rows", TENANT, [direct_row(
            "d1", ANN, "+4930111111", moment(DAY), 480, callType="ByotIn",
            callerNumber=PHONE.id)])
    [row] = rows(store, "missed_calls")
    assert row["returned_at"] is None

    def talked(clock, number):
        """With somebody."""
        party, start = phone(number), moment(DAY, clock)
        if returned == "record":
            put(store, record([session(ANN, party, start, 60)], ANN))
        else:
            store.call("store_pstn_rows", TENANT, [
                pstn_row(clock, ANN, number, start)])

    talked("09:00:00", PHONE.id)
    talked("10:30:00", "+4940123456")
    assert rows(store, "missed_calls") == [row]
    talked("12:00:00", PHONE.id)
    talked("11:00:00", PHONE.id)
    [row] = rows(store, "missed_calls")
    assert row["returned_at"] == f"{DAY}T11:00:00+00:00"


def test_call_legs_and_cdr_find_the_same_record(store):
    """Also of a call without a start, and for a user without an id."""
    nobody = Party("Nobody")
    nobody.id = ""
    for party in (ANN, nobody):
        put(store, record([session(party, PHONE, moment(DAY), 5)], party))
    store.call("store_direct_routing_rows", TENANT, [
        direct_row(name, party, PHONE.id, moment(DAY), 486,
                   startDateTime="0001-01-01T00:00:00Z", userDisplayName=None)
        for name, party in (("d1", ANN), ("d2", nobody))])
    known = {row["leg_id"]: row["call_id"] for row in rows(store, "call_legs")}
    assert known["d1"] and not known["d2"]
    assert {row["leg_id"]: row["call_id"] for row in rows(
        store, "cdr", "leg_id IS NOT NULL")} == known


@pytest.mark.parametrize("log_first", [True, False])
def test_a_log_tells_the_name_that_a_department_goes_by(store, log_first):
    """A record may know the id alone."""
    store.call("load_reference", TENANT, "person",
               [[2, ANN.principal_name, "Sales", "", ""]])
    made = record([session(ANN, BOB, moment(DAY), 60)], ANN)
    for user in (made["sessions"][0]["caller"]["identity"]["user"],
                 made["sessions"][0]["segments"][0]["caller"]["identity"][
                     "user"], made["organizer_v2"]["identity"]["user"]):
        del user["userPrincipalName"]
    steps = [lambda: put(store, made),
             lambda: store.call("store_pstn_rows", TENANT, [pstn_row(
                 "p1", ANN, "+4940123456", moment(DAY, "12:00:00"))])]
    for step in reversed(steps) if log_first else steps:
        step()
    assert {(row["person_principal_name"], row["department"])
            for row in rows(store, "cdr", f"person_id = '{ANN.id}'")} == {
                (ANN.principal_name, "Sales")}


def test_a_log_row_that_names_nobody_is_a_users(store):
    """In all views alike."""
    store.call("store_pstn_rows", TENANT, [pstn_row(
        "p1", ANN, "+4940123456", moment(DAY), userId=None,
        userDisplayName=None, userPrincipalName=None)])
    for view in ("cdr", "people_by_day"):
        [row] = rows(store, view)
        assert (row["person_id"], row["person_kind"]) == (None, "user")


# --- Figures ---

def test_the_most_calls_at_once(store):
    for clock, seconds in (("10:00:00", 100), ("10:01:00", 100),
                           ("10:01:40", 100), ("23:59:00", 120)):
        put(store, record([session(ANN, BOB, moment(DAY, clock), seconds)],
                          ANN))
    for _ in range(2):
        found = rows(store, "concurrent_calls", "true ORDER BY day")
        # Who leaves at 10:01:40 makes room for who comes then.
        assert [(row["day"], row["calls"]) for row in found] == [
            (DAY, 2), ("2026-03-11", 1)]
        assert found[0]["at"].startswith(f"{DAY}T10:01:00")
        assert found[1]["at"].startswith("2026-03-11T00:00:00")
        work_off(store.database)


def test_figures_are_exact_before_and_after_the_days_are_made(store):
    for number in range(6):
        user = Party(f"User {number}", device="Common headset")
        odd = Party(f"Odd {number}", device=f"{number}'s AirPods")
        put(store, record([
            session(user, BRIDGE, moment(DAY), 600, talk(user, BRIDGE)),
            session(odd, BRIDGE, moment(DAY), 600, talk(odd, BRIDGE))],
            user, kind="groupCall"))
    views = [row["table_name"] for row in store.database.query("""
        SELECT table_name FROM information_schema.role_table_grants
        WHERE grantee = 'callhook_figures' AND table_schema = 'callhook'""")]
    assert len(views) >= 15

    def figures():
        return {view: sorted(map(str, rows(store, view, user="test_reader")))
                for view in views}

    before = figures()
    assert {row["device"] for row in rows(store, "quality_by_device")} == {
        "Common headset", "other"}
    work_off(store.database)
    assert store.database.query(
        "SELECT * FROM callhook_store.report_dirty_days") == []
    assert figures() == before
    assert rows(store, "users_by_month")[0]["people"] == 12
    verify(store)


def test_figures_name_nobody(store):
    store.database.execute("CREATE ROLE test_figures LOGIN") \
        if not store.database.query(
            "SELECT FROM pg_roles WHERE rolname = 'test_figures'") else None
    store.database.execute("GRANT callhook_figures TO test_figures")
    assert rows(store, "calls_by_hour", user="test_figures") == []
    for view in ("cdr", "stream_quality", "people_by_day", "missed_calls",
                 "calls", "sessions"):
        with pytest.raises(Trouble):
            rows(store, view, user="test_figures")


def test_every_column_has_a_comment(store):
    assert store.database.query("""
        SELECT c.relname, a.attname FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'callhook'::regnamespace
          AND col_description(c.oid, a.attnum) IS NULL""") == []


def test_the_health_of_the_collector(store):
    made = record([session(ANN, BOB, moment(DAY), 60)], ANN)
    store.notify(made["id"], f"'{DAY} 10:11:00+00'")
    store.notify(made["id"], f"'{DAY} 10:31:00+00'")
    store.fold()
    put(store, made)
    put(store, {**made, "version": 2})
    store.database.execute(f"""
        INSERT INTO callhook_store.receiver_minutes
        VALUES ('{DAY} 12:00+00', 'one', array_fill(0, ARRAY[10]),
                '{{0,9,1}}', 90, 0)""")
    [row] = rows(store, "collector_health")
    assert (row["day"], row["calls"], row["versions"], row["waiting"]) == (
        DAY, 1, 2, 0)
    assert (row["first_delay_p50_seconds"], row["last_delay_p95_seconds"]) \
        == (600, 1800)
    assert (row["answers"], row["answer_p50_ms"], row["answer_max_ms"]) == (
        10, 0.08, 0.09)


def test_the_views_of_one_tenant(store):
    put(store, record([session(ANN, BOB, moment(DAY), 60)], ANN))
    other = record([session(ANN, EVE, moment(DAY), 60)], ANN)
    store.database.query(reading(other, OTHER_TENANT), "test_renewer")
    name = f"t{guid(store.database.name)[:8]}"
    make = f"SELECT callhook_store.make_tenant_schema('{OTHER_TENANT}', "
    store.database.execute(make + f"'{name}')")
    store.database.execute(make + f"'{name}')")
    assert len(rows(store, "cdr")) == 4
    found = store.database.query(f"SELECT * FROM callhook_{name}.cdr")
    assert {row["call_id"] for row in found} == {other["id"]}
    with pytest.raises(Trouble):
        store.database.execute(f"SET ROLE callhook_{name}_reader; "
                               "SELECT FROM callhook.cdr")
    store.database.execute(f"SET ROLE callhook_{name}_reader; "
                           f"SELECT FROM callhook_{name}.cdr")
    for wrong in ("'Upper')", "'1a')", "NULL)"):
        with pytest.raises(Trouble, match="42602"):
            store.database.execute(make + wrong)
    with pytest.raises(Trouble, match="42710"):
        store.database.execute("SELECT callhook_store.make_tenant_schema("
                               f"'{TENANT}', '{name}')")
    store.database.execute(f"DROP SCHEMA callhook_{name} CASCADE; "
                           f"DROP ROLE callhook_{name}_reader")


# --- Kept right ---

def test_random_operations_while_others_read(store):
    """New, newer, older, removed and forgotten; rules, files and logs: two
    readers compare sums all along, a renewer makes days, and nothing differs
    at the end. make check-reports does 100,000."""
    operations = Operations(store.database, seed=7)
    with Onlookers(store.database) as onlookers:
        operations.run(length(60, 3000))
        for operation in operations.rare:
            operation()
        operations.run(30)
    assert onlookers.looks > 20 and onlookers.made > 10
    work_off(store.database)
    assert len(verify(store)) >= len(DAYS)
    total = sum(row["calls"] for row in rows(store, "calls_by_hour"))
    known = len(rows(store, "cdr", "call_id IS NULL"))
    assert total == len(operations.calls) + known > 20
    # All of it once more, from the records.
    store.database.execute(
        "SELECT callhook_store.rebuild_reports(NULL, '2020-01-01')")
    work_off(store.database)
    verify(store)
    assert sum(row["calls"] for row in rows(store, "calls_by_hour")) == total


def test_months_are_made_ahead(store):
    """So that no record attaches one while somebody reads."""
    work_off(store.database)
    made = store.database.query("""
        SELECT to_regclass('callhook_store.report_' || part || to_char(
                   date_trunc('month', now() AT TIME ZONE 'UTC') + ahead,
                   '_YYYY_MM')) IS NOT NULL AS made
        FROM unnest(ARRAY['legs', 'streams']) AS part,
             unnest(ARRAY['0', '1 month']::interval[]) AS ahead""")
    assert len(made) == 4 and all(row["made"] for row in made)


def test_the_planner_knows_how_frequent_words_are(store):
    """Of a word that a view makes of a code it would guess 1 row in 200."""
    for n in range(20):
        put(store, record([session(ANN, BOB, moment(DAY, seconds=n), 60,
                                   talk(ANN, BOB))], ANN))
    store.database.execute("ANALYZE callhook_store.report_legs, "
                           "callhook_store.report_streams")
    for view, column in (("cdr", "kind"), ("cdr", "direction"),
                         ("cdr", "disposition"), ("stream_quality", "kind"),
                         ("stream_quality", "verdict"),
                         ("stream_quality", "media")):
        for row in store.database.query(f"SELECT {column} AS word, count(*) "
                                        f"FROM callhook.{view} GROUP BY 1"):
            assert row["count"] >= 20
            [plan] = json.loads(store.database.execute(
                f"EXPLAIN (FORMAT JSON) SELECT FROM callhook.{view} "
                f"WHERE {column} = {literal(row['word'])}"))
            assert plan["Plan"]["Plan Rows"] > row["count"] / 2, (column, row)


def test_who_missed_calls_is_found_by_an_index(store):
    """It serves while its conditions are those that cdr is asked for."""
    put(store, record([session(ANN, BOB, moment(DAY), 60, talk(ANN, BOB))],
                      ANN))
    plan = store.database.execute(
        "SET enable_seqscan = off; EXPLAIN SELECT FROM callhook.missed_calls "
        f"WHERE day = '{DAY}'")
    assert "report_legs_2026_03" in plan
    assert "WHEN 'i'" not in plan       # nothing is left to be filtered


def test_who_returned_a_call_is_found_by_the_person(store):
    """Not among all calls that only a log knows."""
    put(store, record([session(ANN, BOB, moment(DAY), 60)], ANN))
    store.call("store_pstn_rows", TENANT, [
        pstn_row(f"p{n}", ANN, "+4940123456", moment(DAY)) for n in range(9)])
    # The log grows: the planner does not know yet whose calls it is.
    store.database.execute("UPDATE callhook_store.report_phones SET "
                           "call_id = gen_random_uuid(); "
                           "ANALYZE callhook_store.report_phones")
    plan = store.database.execute(
        "SET enable_seqscan = off; EXPLAIN SELECT returned_at "
        "FROM callhook.cdr")
    scans = [line.split("(cost")[0].split("using")[-1].split()
             for line in plan.splitlines() if "report_phones back" in line]
    assert len(scans) == 2
    assert {scan[0] for scan in scans} <= {"report_phones_person",
                                           "report_phones_returned"}


def test_what_calls_cost_is_read_from_indexes_alone(store):
    """The planner counts each column of cdr, asked for or not: one that is
    new in the view must be in the index, or all rows are fetched."""
    put(store, record([session(ANN, BOB, moment(DAY), 60, talk(ANN, BOB))],
                      ANN))
    plan = store.database.execute(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; "
        "SET enable_hashjoin = off; EXPLAIN SELECT department, day, currency, "
        "sum(duration_seconds), sum(charge) FROM callhook.cdr "
        "WHERE kind = 'phone' AND NOT is_test AND charge IS NOT NULL "
        f"AND day >= '{DAY}' GROUP BY 1, 2, 3")
    assert "Index Only Scan using report_phones_charged" in plan
    assert "Index Only Scan using report_legs_2026_03_phone_no" in plan


@pytest.mark.parametrize("damage", [
    "DELETE FROM callhook_store.report_legs",
    "DELETE FROM callhook_store.report_streams",
    "UPDATE callhook_store.day_call_hours SET calls = calls + 1",
    "UPDATE callhook_store.day_networks SET streams = streams + 1"])
def test_a_reader_who_compares_sees_half_of_a_call(store, damage):
    """What the readers of random operations look for, they find."""
    put(store, record([session(ANN, BOB, moment(DAY), 60, talk(ANN, BOB))],
                      ANN))
    work_off(store.database)
    with Onlookers(store.database) as onlookers:
        wait_until(lambda: onlookers.looks > 5, "readers")
    with pytest.raises(Trouble, match="a reader saw"):
        with Onlookers(store.database) as onlookers:
            store.database.execute(damage)
            wait_until(lambda: onlookers.faults, "a reader's fault")


def test_a_store_that_is_older_than_the_facts_gets_them(store):
    for n in range(5):
        put(store, record([session(ANN, BOB, moment(DAY, seconds=n), 60,
                                   talk(ANN, BOB))], ANN))
    store.call("store_pstn_rows", TENANT, [pstn_row(
        "p1", ANN, "+4940123456", moment(DAY))])
    before = rows(store, "cdr", "true ORDER BY call_id, person_id")
    for table in ("report_calls", "report_legs", "report_streams",
                  "report_phones", "report_dirty_days"):
        store.database.execute(f"DELETE FROM callhook_store.{table}")
    store.database.execute("UPDATE callhook_store.report_state "
                           "SET unfilled_from = '00000000-0000-0000-0000-"
                           "000000000000'")
    assert rows(store, "cdr") == []
    steps = 0
    while store.value("fill_facts", 2):
        steps += 1
    assert steps == 4
    assert rows(store, "cdr", "true ORDER BY call_id, person_id") == before
    work_off(store.database)
    verify(store)


def who_wait(database):
    return len(database.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"))


@pytest.mark.parametrize("parts, held", [
    ("logs", 0), ("logs", 1), ("tenants", 0), ("tenants", 1)])
def test_filling_and_a_record_stored_meanwhile_do_not_deadlock(
        store, parts, held):
    """The record has words of one log, or of one tenant, and persons of both.
    It is held up between the two, while the filling goes from one log or
    tenant to the other."""
    tenants = [TENANT, OTHER_TENANT if parts == "tenants" else TENANT]
    users = [Party("Ursula", number=f"f{n}") for n in range(2)]
    words = ["word 0", "word 1"]
    if parts == "logs":
        store.call("store_pstn_rows", TENANT, [pstn_row(
            "p1", users[0], "+4940123456", moment(DAY),
            destinationName=words[0])])
        store.call("store_direct_routing_rows", TENANT, [direct_row(
            "d1", users[1], "+4940123456", moment(DAY),
            trunkFullyQualifiedDomainName=words[1])])
    else:
        for user, word, tenant in zip(users, words, tenants):
            user.platform = word
            store.database.query(reading(record([session(
                user, BOB, moment(DAY), 60)], BOB), tenant), "test_renewer")
            user.platform = "windows"
    put(store, record([session(ANN, BOB, moment(DAY), 60)], ANN))
    store.database.execute("""
        DELETE FROM callhook_store.report_calls;
        DELETE FROM callhook_store.report_legs;
        DELETE FROM callhook_store.report_phones;
        DELETE FROM callhook_store.report_terms WHERE term LIKE 'word _';
        DELETE FROM callhook_store.report_people WHERE id LIKE 'f_';
        UPDATE callhook_store.report_state
        SET unfilled_from = '00000000-0000-0000-0000-000000000000'""")
    first = Party("Ada", number="a", platform=words[held])
    made = record([session(first, user, moment(DAY), 60) for user in users],
                  ANN)
    if parts == "logs":     # nothing is to be filled but these
        store.database.execute("DELETE FROM callhook_store.call_records")
    other = tenants[1 - held]
    with store.database.session() as pause:
        pause.run("BEGIN; INSERT INTO callhook_store.report_people "
                  "(tenant_id, key, seen_in) VALUES "
                  f"('{other}', 'ia', '{DAY}')")
        stored = Later(store.database.query, reading(made, other),
                       "test_renewer")
        wait_until(lambda: who_wait(store.database) == 1, "the record waits")
        filled = Later(store.value, "fill_facts", 10)
        wait_until(lambda: not filled.is_alive()
                   or who_wait(store.database) == 2, "the filling")
        pause.run("ROLLBACK")
        assert [row["outcome"] for row in stored.result()] == ["stored"]
        assert filled.result() is True
    while store.value("fill_facts", 10):
        pass
    work_off(store.database)
    verify(store)


def test_what_an_older_schema_has_is_taken_over(store):
    """It had persons and their clients in one table, and no labels beside
    streams of other media."""
    for n, version in enumerate(("1.0", "2.0", None)):
        put(store, record([session(
            Party("Ann", version=version), BOB, moment(DAY, seconds=n), 60,
            talk(ANN, BOB), media(ANN, BOB, stream(), label="data"))], ANN))
    store.call("store_pstn_rows", TENANT, [pstn_row(
        "p1", ANN, "+4940123456", moment(DAY))])
    work_off(store.database)
    verify(store)
    views = ("people_by_day", "platforms_by_month", "users_by_month",
             "stream_quality", "quality_by_day")

    def answers():
        return [sorted(rows(store, view), key=str) for view in views]

    before = answers()
    assert {row["media"] for row in before[3]} == {"audio", "data"}
    store.database.execute("""
        ALTER TABLE callhook_store.report_streams DROP COLUMN label CASCADE;
        CREATE TABLE callhook_store.day_people AS
        SELECT tenant_id, day, person_no, person_kind_no, platform_no,
               version_no, bool_or(is_own) AS is_own, count(*) AS legs,
               count(*) FILTER (WHERE direction = 'o') AS calls_out,
               count(*) FILTER (WHERE direction = 'i' AND disposition = 'a')
                   AS calls_in,
               count(*) FILTER (WHERE direction = 'i' AND disposition = 'm')
                   AS missed,
               count(*) FILTER (WHERE direction = 'm') AS meetings,
               sum(seconds) AS seconds
        FROM (SELECT tenant_id, day, person_no, person_kind_no, platform_no,
                     version_no, external = false AND person_no IS NOT NULL
                         AS is_own, direction, disposition,
                     floor(extract(epoch FROM ended_at - started_at))::integer
                         AS seconds
              FROM callhook_store.report_legs
              UNION ALL
              SELECT tenant_id, day, person_no, (
                         SELECT term_no FROM callhook_store.report_terms
                         WHERE term = 'user'), NULL, NULL,
                     person_no IS NOT NULL, direction, disposition, seconds
              FROM callhook_store.report_phones WHERE call_id IS NULL) AS l
        GROUP BY 1, 2, 3, 4, 5, 6""")
    store.database.execute("TRUNCATE callhook_store.day_persons, "
                           "callhook_store.day_clients")
    for _ in range(2):
        store.database.cluster.install(store.database.name)
        assert answers() == before
        verify(store)


def test_retention_leaves_the_figures(store):
    made = record([session(ANN, BOB, moment("2026-01-10"), 60,
                           talk(ANN, BOB))], ANN)
    put(store, made)
    store.database.execute("UPDATE callhook_store.calls SET filed_at = "
                           "'2026-01-10', last_notified_at = '2026-01-10'")
    views = ("calls_by_hour", "quality_by_day", "users_by_month",
             "concurrent_calls")
    before = [rows(store, view) for view in views]
    assert all(before)
    store.value("retain", 30, 100)
    assert store.value("retain", 30, 100) == 100    # it has dropped a month
    assert rows(store, "cdr") == rows(store, "people_by_day") == []
    assert rows(store, "stream_quality") == []
    assert [rows(store, view) for view in views] == before
    assert store.database.query(
        "SELECT * FROM callhook_store.report_people") == []
    assert store.database.query("""
        SELECT relname FROM pg_class
        WHERE relname = 'report_streams_2026_01'""") == []
    # What comes late for such a day changes no figure any more.
    put(store, record([session(ANN, BOB, moment("2026-01-10"), 60,
                               talk(ANN, BOB))], ANN))
    work_off(store.database)
    assert [rows(store, view) for view in views] == before


def test_a_forgotten_person_is_in_no_report(store):
    call = put(store, record([session(ANN, BOB, moment(DAY), 60,
                                      talk(ANN, BOB))], ANN))
    store.call("load_reference", TENANT, "person",
               [[2, ANN.principal_name, "Sales", "", ""]])
    assert legs(store, call)["Ann"]["department"] == "Sales"
    store.call("store_pstn_rows", TENANT, [pstn_row(
        "p1", ANN, "+4940123456", moment(DAY))])
    work_off(store.database)
    store.call("forget_person", ANN.id)
    work_off(store.database)
    dump = store.database.dump()
    assert ANN.id not in dump and "ann@contoso" not in dump
    assert "Ann" not in [row["person_name"] for row in rows(store, "cdr")]
    assert sum(row["calls"] for row in rows(store, "calls_by_hour")) == 2
    assert len(rows(store, "cdr", f"call_id = '{call}'")) == 2
    verify(store)


def test_a_reader_never_sees_half_of_a_day(store):
    """Sums of figures and of facts agree while days are made."""
    with store.database.session() as other:
        for n in range(3):
            put(store, record([session(ANN, BOB, moment(DAY, seconds=n), 60,
                                       talk(ANN, BOB))], ANN))
            other.run("BEGIN")
            other.run(f"SELECT callhook_store.make_day('{TENANT}', '{DAY}')")
            assert rows(store, "calls_by_hour")[0]["calls"] == n + 1
            put(store, record([session(ANN, BOB, moment(DAY, "12:00:00"), 60)],
                              ANN, call_id=guid("late"), version=n + 1))
            other.run("COMMIT")
            assert sum(row["calls"] for row in rows(store, "calls_by_hour")) \
                == n + 2


@pytest.mark.parametrize("begins, ends", [
    ("1601-01-01T00:00:00Z", "2026-03-10T10:00:00Z"),
    ("2026-03-10T10:00:00Z", "9999-12-31T23:59:59.9999999Z"),
    ("9999-12-31T23:59:59.9999999Z", "0002-01-01T00:00:00Z")])
def test_dates_that_are_far_off_keep_no_record_away(store, begins, ends):
    far = {"startDateTime": begins, "endDateTime": ends}
    start = moment(DAY)
    sound = media(ANN, BRIDGE, stream() | far)
    calls = [put(store, made | far) for made in (
        record([session(ANN, BRIDGE, start, 60, sound) | far], ANN),
        record([session(PHONE, QUEUE, start, 60) | far,
                session(QUEUE, BOB, start, 60, sound) | far], PHONE))]
    work_off(store.database)
    [heard] = rows(store, "stream_quality", f"call_id = '{calls[0]}'")
    assert heard["seconds"] is None
    assert legs(store, calls[0])["Ann"]["duration_seconds"] \
        == store.known(calls[0])["duration_seconds"] != 0
    assert sum(row["calls"] for row in rows(store, "calls_by_hour")) == 2
    assert {row["seconds"] for row in rows(store, "people_by_day")} == {0}
    verify(store)


def test_an_id_that_no_index_holds_keeps_no_log_away(store):
    long = random.Random(1).randbytes(20000).hex()
    store.call("store_pstn_rows", TENANT, [
        pstn_row("p1", ANN, "+4940123456", moment(DAY), userId=long),
        pstn_row("p2", ANN, "+4940123456", moment(DAY))])
    store.call("store_direct_routing_rows", TENANT, [direct_row(
        "d1", BOB, "+4940123456", moment(DAY), 486, userId=long)])
    assert {row["leg_id"]: row["person_id"] for row in rows(store, "cdr")} == {
        "p1": None, "p2": ANN.id, "d1": None}
    assert {row["id"]: row["user_id"] for row in rows(store, "pstn_calls")} \
        == {"p1": long, "p2": ANN.id}
    verify(store)


def test_a_month_that_two_make_at_once(database):
    """The second waits for the first, and finds it there."""
    make = "SELECT callhook_store.make_report_month('2061-03-04')"
    with database.session() as session:
        session.run("BEGIN; " + make)
        second = Later(lambda: database.execute(make))
        wait_until(lambda: database.query(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' "
            "AND NOT granted"), "the second waits")
        session.run("COMMIT")
    second.result()
