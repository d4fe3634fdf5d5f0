"""Members without a column: kept in `extra`, nothing lost, nothing twice."""

import pytest

from support.answers import assert_accepted
from support.notification import ABSENT, with_member

CALL = "a0b1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d"
RESOURCE = f"communications/callRecords/{CALL}"
DIGITS = "9" * 200000


def resource_data(**members):
    usual = {"@odata.type": "#Microsoft.Graph.callRecord",
             "@odata.id": RESOURCE, "id": CALL}
    return {"resource": RESOURCE, "resourceData": {**usual, **members}}


@pytest.mark.parametrize("changes", [
    {},
    {"resourceData": ABSENT},
    {"resourceData": {"id": CALL}},
    resource_data(),
    resource_data(**{"@odata.type": "#microsoft.graph.callrecord"}),
    resource_data(**{"@odata.type": "#Microsoft.Graph.callrecord"}),
    {"resource": RESOURCE,
     "resourceData": {"oDataType": "#microsoft.graph.callrecord",
                      "oDataId": RESOURCE, "id": CALL}},
])
def test_usual_members_leave_no_extra(site, subscription, changes):
    assert_accepted(site.send(subscription.item(**changes)))
    [row] = site.rows(subscription)
    assert row["extra"] is None


@pytest.mark.parametrize("changes, extra", [
    ({"id": "n1"}, {"id": "n1"}),
    ({"colour": "blue"}, {"colour": "blue"}),
    ({"future": {"a": [1, {"b": None}], "c": True}},
     {"future": {"a": [1, {"b": None}], "c": True}}),
    ({"list": [], "thing": {}, "": 1, "no": False},
     {"list": [], "thing": {}, "": 1, "no": False}),
    ({"clé \"\\\n": "\U0001f600\u2028\u0001/\x7f"},
     {"clé \"\\\n": "\U0001f600\u2028\u0001/\x7f"}),
    ({"big": 12345678901234567890123, "small": -5, "part": 0.5},
     {"big": 12345678901234567890123, "small": -5, "part": 0.5}),
    ({"encryptedContent": {"data": "x", "dataKey": "y"}},
     {"encryptedContent": {"data": "x", "dataKey": "y"}}),
    (resource_data(reason="moved"), {"resourceData": {"reason": "moved"}}),
    (resource_data(**{"@odata.etag": "W/1"}),
     {"resourceData": {"@odata.etag": "W/1"}}),
    (resource_data(deep={"er": [1, [2]]}),
     {"resourceData": {"deep": {"er": [1, [2]]}}}),
    (resource_data(**{"@odata.type": "#microsoft.graph.chatMessage"}),
     {"resourceData": {"@odata.type": "#microsoft.graph.chatMessage"}}),
    (resource_data(oDataType="#microsoft.graph.chatMessage"),
     {"resourceData": {"oDataType": "#microsoft.graph.chatMessage"}}),
    (resource_data(**{"@odata.id": "elsewhere/1"}),
     {"resourceData": {"@odata.id": "elsewhere/1"}}),
    (resource_data(id="no guid"), {"resourceData": {"id": "no guid"}}),
    ({"resourceData": "text"}, {"resourceData": "text"}),
    ({"resourceData": ["a", 1]}, {"resourceData": ["a", 1]}),
])
def test_other_members_keep_their_names_and_nesting(site, subscription,
                                                    changes, extra):
    assert_accepted(site.send(subscription.item(**changes)))
    [row] = site.rows(subscription)
    assert row["extra"] == extra


@pytest.mark.parametrize("name, column", [
    ("changeType", "change_type"),
    ("lifecycleEvent", "lifecycle_event"),
    ("resource", "resource"),
    ("subscriptionExpirationDateTime", "subscription_expires_at"),
])
@pytest.mark.parametrize("value", [5, True, ["x"], {"y": "z"}])
def test_a_value_of_another_type_is_not_lost(site, subscription, name,
                                             column, value):
    item = subscription.item(**{"resourceData": ABSENT, name: value})
    assert_accepted(site.send(item))
    [row] = site.rows(subscription)
    assert row[column] is None
    assert row["extra"][name] == value


def test_no_client_state_in_extra(site, subscription):
    assert_accepted(site.send(subscription.item(future=1)))
    [row] = site.rows(subscription)
    assert row["extra"] == {"future": 1}


@pytest.mark.parametrize("number", [DIGITS, "-" + DIGITS, "1e400000",
                                    "0." + DIGITS, "1E+999999999999"])
def test_a_number_that_the_database_cannot_hold_is_kept_as_text(
        site, subscription, number):
    raw = with_member(subscription.item(), f'"n":{number},"m":[[{number}]]')
    assert_accepted(site.send(raw, subscription.item()))
    first, second = site.rows(subscription)
    assert first["extra"] == {"n": number, "m": [[number]]}
    assert second["extra"] is None


def test_a_number_where_text_is_expected_never_fails(site, subscription):
    item = subscription.item(changeType=ABSENT, resource=ABSENT,
                             resourceData=ABSENT,
                             subscriptionExpirationDateTime=ABSENT)
    raw = with_member(item, f'"resource":{DIGITS},"changeType":1e400000,'
                      f'"subscriptionExpirationDateTime":{DIGITS}')
    assert_accepted(site.send(raw))
    [row] = site.rows(subscription)
    assert row["extra"] == {"resource": DIGITS, "changeType": "1e400000",
                            "subscriptionExpirationDateTime": DIGITS}


def test_exact_numbers_stay_exact(site, subscription):
    raw = with_member(subscription.item(), '"n":0.10000000000000000000001')
    assert_accepted(site.send(raw))
    [row] = site.database.query(
        "SELECT extra->>'n' AS n FROM callhook.notifications WHERE "
        f"subscription_id = '{subscription.subscription_id}'")
    assert row["n"] == "0.10000000000000000000001"


def test_a_large_member_is_kept_whole(site, subscription):
    text = "grüße " * 100000
    assert_accepted(site.send(subscription.item(long=text)))
    [row] = site.rows(subscription)
    assert row["extra"] == {"long": text}


def test_escapes_are_undone(site, subscription):
    raw = with_member(subscription.item(), '"\\u0061\\/":"\\ud83d\\ude00\\t"')
    assert_accepted(site.send(raw))
    [row] = site.rows(subscription)
    assert row["extra"] == {"a/": "\U0001f600\t"}
