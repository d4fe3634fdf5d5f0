"""What an item becomes: the typed columns of callhook.notifications."""

import datetime
import uuid

import pytest

from support.answers import assert_accepted
from support.notification import ABSENT, NIL, Subscription, collection, seed
from support.receiver import run_cgi

CALL = "a0b1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d"
OTHER = "0f0e0d0c-0b0a-4908-8706-050403020100"
RESOURCE = f"communications/callRecords/{CALL}"


@pytest.fixture
def store(site, subscription):
    """Send one item and return its row."""
    def send_one(**changes):
        assert_accepted(site.send(subscription.item(**changes)))
        [row] = site.rows(subscription)
        return row

    return send_one


def moment(text):
    return datetime.datetime.fromisoformat(text)


def test_all_columns_of_a_usual_item(store, subscription):
    row = store(resource=RESOURCE, changeType="created", resourceData={
        "@odata.type": "#Microsoft.Graph.callrecord",
        "@odata.id": RESOURCE, "id": CALL})
    assert moment(row.pop("received_at")) <= moment(row.pop("stored_at"))
    assert uuid.UUID(row.pop("notification_id"))
    assert row == {
        "tenant_id": subscription.tenant_id,
        "subscription_id": subscription.subscription_id,
        "change_type": "created",
        "lifecycle_event": None,
        "call_id": CALL,
        "resource": RESOURCE,
        "subscription_expires_at": "2030-02-28T00:00:00+00:00",
        "forwarded_for": "127.0.0.1",
        "extra": None,
    }


@pytest.mark.parametrize("name, call_id", [
    ("seed-federation-start.json", "ca256223-386c-45d5-93f6-0ebf171560de"),
    ("seed-meeting-start.json", "14c61899-9415-4415-a21b-620dd037417e"),
])
def test_what_teams_sent_with_a_secret(launch, database, name, call_id):
    receiver = launch()
    subscription = database.subscribe(
        tenant_id="de21c301-a4ae-4292-aa09-6db710a590a6",
        subscription_id="62e4deea-8f3f-4b35-b732-c99fae0ae5ec",
        secret="SecretClientState")
    assert_accepted(receiver.request(body=seed(name)))
    [row] = database.rows(subscription)
    assert row["call_id"] == call_id
    assert row["change_type"] == "created"
    assert row["tenant_id"] == subscription.tenant_id
    assert row["subscription_expires_at"].startswith("2021-11-14T05:44:18.90")
    assert row["extra"] is None


@pytest.mark.parametrize("name, change_type", [
    ("seed-direct-routing-start.json", "created"),
    ("seed-direct-routing-end.json", "updated"),
])
def test_what_teams_sent_without_a_secret(launch, database, name,
                                          change_type):
    the_id = "12345678-1234-1234-1234-1234567890ab"
    receiver = launch(CALLHOOK_OPEN_SUBSCRIPTIONS=the_id)
    assert_accepted(receiver.request(body=seed(name)))
    [row] = database.rows()
    assert row["subscription_id"] == row["tenant_id"] == the_id
    assert row["call_id"] == the_id
    assert row["change_type"] == change_type
    assert row["extra"] is None


def test_the_documented_lifecycle_item(launch, database):
    receiver = launch()
    subscription = database.subscribe(
        tenant_id="84bd8158-6d4d-4958-8b9f-9d6445542f95",
        subscription_id="e3898f08-5cd0-4a6a-80fc-6addbfb73b7b",
        secret="{secret client state}")
    assert_accepted(receiver.request(body=seed("notification-lifecycle.json")))
    [row] = database.rows(subscription)
    assert row["lifecycle_event"] == "reauthorizationRequired"
    assert row["change_type"] is None
    assert row["resource"] is None
    assert row["call_id"] is None
    assert row["extra"] is None
    assert row["subscription_expires_at"].startswith("2019-09-18T00:52:45.96")


def test_the_documented_example_with_placeholders_for_ids(launch, database):
    receiver = launch(CALLHOOK_CLIENT_STATE="{Secret client state}")
    assert_accepted(receiver.request(
        body=seed("notification-callrecord.json")))
    [row] = database.rows()
    assert row["subscription_id"] is None
    assert row["tenant_id"] is None
    assert row["call_id"] is None
    assert row["extra"]["subscriptionId"] == "{Subscription id}"
    assert row["extra"]["tenantId"] == "{Organization/Tenant id}"
    assert row["extra"]["resourceData"]["id"] == "{Call id}"


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved",
                                   "reauthorizationRequired", "yetUnknown"])
def test_lifecycle_items_are_rows_too(store, event):
    row = store(lifecycleEvent=event, changeType=ABSENT, resource=ABSENT,
                resourceData=ABSENT)
    assert row["lifecycle_event"] == event
    assert row["change_type"] is None


@pytest.mark.parametrize("change_type", ["created", "updated", "deleted",
                                         "unknownFutureValue"])
def test_the_change_type_is_kept_as_sent(store, change_type):
    assert store(changeType=change_type)["change_type"] == change_type


@pytest.mark.parametrize("resource, data, call_id", [
    (RESOURCE, {"id": CALL}, CALL),
    (RESOURCE, {"id": CALL.upper()}, CALL),
    (RESOURCE.replace(CALL, OTHER), {"id": CALL}, CALL),
    (RESOURCE, ABSENT, CALL),
    (RESOURCE, None, CALL),
    (RESOURCE, {}, CALL),
    (RESOURCE, {"id": None}, CALL),
    (RESOURCE, {"id": "no guid"}, CALL),
    (RESOURCE, {"id": 5}, CALL),
    (RESOURCE, "text", CALL),
    (RESOURCE.replace(CALL, CALL.upper()), ABSENT, CALL),
    ("communications/callRecords", {"id": CALL}, CALL),
    ("communications/callRecords/no-guid", ABSENT, None),
    ("communications/callRecords/", ABSENT, None),
    ("users/1/messages/" + CALL, {"id": CALL}, None),
    ("communications/calls/" + CALL, {"id": CALL}, None),
])
def test_the_call_id(store, resource, data, call_id):
    row = store(resource=resource, resourceData=data)
    assert row["call_id"] == call_id
    assert row["resource"] == resource


@pytest.mark.parametrize("sent, stored", [
    ("2023-02-28T00:00:00.000+00:00", ["2023-02-28T00:00:00+00:00"]),
    ("2023-02-28T00:00:00Z", ["2023-02-28T00:00:00+00:00"]),
    ("2023-02-28T00:00Z", ["2023-02-28T00:00:00+00:00"]),
    ("2024-02-29T12:00:00.1Z", ["2024-02-29T12:00:00.1+00:00"]),
    ("2021-11-13T21:44:18.9037958-08:00",
     ["2021-11-14T05:44:18.903795+00:00",
      "2021-11-14T05:44:18.903796+00:00"]),
    ("2030-06-01T05:30:00.0000000+05:30", ["2030-06-01T00:00:00+00:00"]),
    ("2030-06-01T15:59:00+15:59", ["2030-06-01T00:00:00+00:00"]),
    ("2030-06-01T00:00:00-15:59", ["2030-06-01T15:59:00+00:00"]),
    ("0001-01-01T00:00:00Z", ["0001-01-01T00:00:00+00:00"]),
    ("9999-12-31T23:59:59.9999999Z",
     ["9999-12-31T23:59:59.999999+00:00", "10000-01-01T00:00:00+00:00"]),
])
def test_a_date_of_any_usual_form(store, sent, stored):
    row = store(subscriptionExpirationDateTime=sent)
    assert row["subscription_expires_at"] in stored
    assert row["extra"] is None


@pytest.mark.parametrize("text", [
    "0000-01-01T00:00:00Z",
    "2023-02-28T00:00:00+20:00",
    "2023-02-28T00:00:00+16:00",
    "2023-02-28T00:00:00-16:00",
    "2023-02-29T00:00:00Z",
    "2023-13-01T00:00:00Z",
    "2023-00-01T00:00:00Z",
    "2023-01-32T00:00:00Z",
    "2023-01-01T25:00:00Z",
    "2023-01-01T00:60:00Z",
    "10000-01-01T00:00:00Z",
    "-2023-01-01T00:00:00Z",
    "tomorrow",
    "infinity",
    "now",
    "epoch",
    "",
    "2023-02-28T00:00:00Zjunk",
    "2023-02-28",
    "1677542400",
])
def test_a_date_that_is_none_is_kept_as_text(store, text):
    row = store(subscriptionExpirationDateTime=text)
    assert row["subscription_expires_at"] is None
    assert row["extra"] == {"subscriptionExpirationDateTime": text}


@pytest.mark.parametrize("text", ["no guid", "", CALL + "0", CALL[:-1],
                                  CALL.replace("-", "_"),
                                  CALL.replace("a", "g")])
def test_an_id_that_is_no_guid_is_kept_as_text(launch, database, text):
    receiver = launch(CALLHOOK_CLIENT_STATE="known")
    sender = Subscription(text, text, "known")
    assert_accepted(receiver.send(sender.item()))
    [row] = database.rows()
    assert row["subscription_id"] is None
    assert row["tenant_id"] is None
    assert row["extra"] == {"subscriptionId": text, "tenantId": text}


def test_the_nil_tenant_is_shown_as_null(site):
    subscription = site.subscribe(known_tenant=NIL)
    assert_accepted(site.send(subscription.item(tenantId=NIL)))
    [row] = site.rows(subscription)
    assert row["tenant_id"] is None


def test_the_same_item_twice_is_two_rows(site, subscription):
    item = subscription.item()
    assert_accepted(site.send(item, item))
    assert_accepted(site.send(item))
    rows = site.rows(subscription)
    assert len({row["notification_id"] for row in rows}) == 3
    assert len({row["call_id"] for row in rows}) == 1


def test_keys_are_uuids_of_version_7_in_the_order_of_time(site,
                                                          subscription):
    for _ in range(3):
        assert_accepted(site.send(*(subscription.item() for _ in range(5))))
    rows = site.rows(subscription)
    assert len(rows) == 15
    arrivals = [moment(row["received_at"]) for row in rows]
    assert arrivals == sorted(arrivals)
    for row, arrival in zip(rows, arrivals):
        key = uuid.UUID(row["notification_id"])
        assert (key.version, key.variant) == (7, uuid.RFC_4122)
        made = (key.int >> 80) / 1000
        assert abs(made - arrival.timestamp()) < 5


def test_received_and_stored_are_the_time_of_the_request(site, subscription):
    def now():
        return site.database.query("SELECT clock_timestamp() AS t")[0]["t"]

    before = moment(now())
    assert_accepted(site.send(subscription.item()))
    after = moment(now())
    [row] = site.rows(subscription)
    received = moment(row["received_at"])
    stored = moment(row["stored_at"])
    # One machine, one clock; the receiver may read a coarse one.
    slack = datetime.timedelta(milliseconds=20)
    assert before - slack <= received <= stored + slack
    assert before <= stored <= after


@pytest.mark.parametrize("header, address", [
    ("203.0.113.7", "203.0.113.7"),
    ("203.0.113.7, 10.0.0.1", "203.0.113.7, 10.0.0.1"),
    ("2001:db8::1", "2001:db8::1"),
    (None, "192.0.2.1"),
    ("", "192.0.2.1"),
])
def test_forwarded_for(site, subscription, header, address):
    assert_accepted(site.receiver.send(subscription.item(),
                                       HTTP_X_FORWARDED_FOR=header))
    [row] = site.rows(subscription)
    assert row["forwarded_for"] == address


def test_forwarded_for_comes_through_nginx(site, subscription):
    body = collection(subscription.item())
    headers = {"X-Forwarded-For": "203.0.113.7"}
    assert_accepted(site.post(body, **headers))
    [row] = site.rows(subscription)
    assert row["forwarded_for"].startswith("203.0.113.7")


@pytest.mark.parametrize("header", [b"\xff\xfe", b"\xed\xa0\x80", b"a\x00b",
                                    b"a\nb\x1b[31m", b"x" * 30000,
                                    "ü".encode() * 5000])
def test_an_odd_forwarded_for_never_fails_a_request(site, subscription,
                                                    header):
    assert_accepted(site.receiver.send(subscription.item(),
                                       HTTP_X_FORWARDED_FOR=header))
    assert len(site.rows(subscription)) == 1


def test_the_peer_stands_in_for_a_useless_header(site, subscription):
    assert_accepted(site.receiver.send(subscription.item(),
                                       REMOTE_ADDR="198.51.100.9",
                                       HTTP_X_FORWARDED_FOR=b"x" * 257))
    [row] = site.rows(subscription)
    assert row["forwarded_for"] == "198.51.100.9"


def test_no_address_at_all(site, subscription):
    assert_accepted(site.receiver.send(subscription.item(), REMOTE_ADDR=None))
    [row] = site.rows(subscription)
    assert row["forwarded_for"] is None


def test_a_row_by_cgi_is_like_any_other(site, subscription):
    item = subscription.item()
    assert_accepted(run_cgi(site.database.environment(),
                            body=collection(item)))
    assert_accepted(site.send(item))
    by_cgi, by_fastcgi = site.rows(subscription)
    own = ("notification_id", "received_at", "stored_at", "forwarded_for")
    for row in (by_cgi, by_fastcgi):
        for name in own:
            assert row.pop(name) is not None
    assert by_cgi == by_fastcgi
