"""Who is believed: secrets, tenants, open subscriptions."""

import uuid

import pytest

from support.answers import assert_accepted
from support.notification import ABSENT, NIL, Subscription, collection
from support.receiver import run_cgi


def stranger():
    return Subscription(str(uuid.uuid4()), str(uuid.uuid4()), "anything")


def assert_refused(site, *items):
    """Accepted as far as the sender can tell, but not stored."""
    before = site.database.count()
    assert_accepted(site.send(*items))
    assert site.database.count() == before


@pytest.mark.parametrize("change", [
    {"clientState": "wrong"},
    {"clientState": ""},
    {"clientState": None},
    {"clientState": ABSENT},
    {"clientState": 5},
    {"clientState": True},
    {"clientState": ["x"]},
    {"clientState": {"secret": "x"}},
    {"subscriptionId": ABSENT},
    {"subscriptionId": None},
    {"subscriptionId": "no guid"},
    {"subscriptionId": str(uuid.uuid4())},
    {"tenantId": str(uuid.uuid4())},
    {"tenantId": 5},
    {"tenantId": {}},
])
def test_an_item_that_is_not_trusted_is_not_stored(site, subscription,
                                                   change):
    assert_refused(site, subscription.item(**change))


@pytest.mark.parametrize("spoil", [str.upper, lambda s: s[:-1],
                                   lambda s: s + " ", lambda s: " " + s,
                                   lambda s: s + "x"])
def test_a_secret_counts_to_the_last_byte(site, subscription, spoil):
    wrong = spoil(subscription.secret)
    assert_refused(site, subscription.item(clientState=wrong))


def test_a_secret_is_good_for_its_own_subscription_only(site, subscription):
    other = site.subscribe(tenant_id=subscription.tenant_id)
    assert_refused(site, subscription.item(clientState=other.secret))


def test_the_digest_is_no_secret(site, subscription):
    [row] = site.database.query(
        "SELECT encode(secret_sha256, 'hex') AS hex FROM "
        "callhook_store.subscriptions WHERE subscription_id = "
        f"'{subscription.subscription_id}'")
    assert_refused(site, subscription.item(clientState=row["hex"]))


@pytest.mark.parametrize("secret", ["grüße \U0001f600", "a\"b\\c,d/e",
                                    " spaces around ", "x" * 255])
def test_a_secret_may_hold_any_character(site, secret):
    subscription = site.subscribe(secret=secret)
    assert_accepted(site.send(subscription.item()))
    assert len(site.rows(subscription)) == 1


def test_escapes_in_a_secret_are_undone(site):
    subscription = site.subscribe(secret="äb/c")
    body = collection(subscription.item(clientState="HERE"))
    assert_accepted(site.post(body.replace(b"HERE", b"\\u00e4\\u0062\\/c")))
    assert len(site.rows(subscription)) == 1


def test_ids_are_compared_as_ids(site, subscription):
    item = subscription.item(
        subscriptionId=subscription.subscription_id.upper(),
        tenantId=subscription.tenant_id.upper())
    assert_accepted(site.send(item))
    [row] = site.rows(subscription)
    assert row["tenant_id"] == subscription.tenant_id


def test_items_are_judged_one_by_one(site, subscription):
    items = [subscription.item() for _ in range(20)]
    for number in (0, 7, 19):
        items[number]["clientState"] = "wrong"
    assert_accepted(site.send(*items))
    stored = [row["call_id"] for row in site.rows(subscription)]
    assert stored == [item["resourceData"]["id"] for item in items
                      if item["clientState"] != "wrong"]
    assert len(stored) == 17


def test_two_subscriptions_in_one_body(site, subscription):
    other = site.subscribe()
    assert_accepted(site.send(subscription.item(), other.item(),
                              subscription.item(), stranger().item()))
    assert len(site.rows(subscription)) == 2
    assert len(site.rows(other)) == 1


def test_cgi_judges_alike(door, site, subscription):
    before = site.database.count()
    assert_accepted(door("POST", body=collection(
        subscription.item(), subscription.item(clientState="wrong"),
        stranger().item())))
    assert site.database.count() == before + 1
    assert len(site.rows(subscription)) == 1


def test_an_item_without_tenant_gets_that_of_its_subscription(site,
                                                              subscription):
    assert_accepted(site.send(subscription.item(tenantId=ABSENT),
                              subscription.item(tenantId=None)))
    tenants = [row["tenant_id"] for row in site.rows(subscription)]
    assert tenants == [subscription.tenant_id] * 2


def test_a_tenant_not_yet_known_is_taken_from_the_item(site):
    subscription = site.subscribe(known_tenant=NIL)
    assert_accepted(site.send(subscription.item()))
    [row] = site.rows(subscription)
    assert row["tenant_id"] == subscription.tenant_id


def test_a_tenant_that_nobody_knows_is_null(site):
    subscription = site.subscribe(known_tenant=NIL)
    assert_accepted(site.send(subscription.item(tenantId=ABSENT)))
    [row] = site.rows(subscription)
    assert row["tenant_id"] is None


def test_a_secret_announced_without_id_is_good_for_any(site):
    announced = site.subscribe(announced=True)
    assert_accepted(site.send(announced.item()))
    assert len(site.rows(announced)) == 1


def test_an_announced_secret_is_bound_to_its_tenant(site):
    announced = site.subscribe(announced=True)
    assert_refused(site, announced.item(tenantId=str(uuid.uuid4())))


def test_a_secret_announced_a_moment_ago_counts(site):
    """Also when the receiver has just refused it."""
    for announced in (True, False):
        coming = stranger()
        assert_refused(site, coming.item())
        site.subscribe(subscription_id=coming.subscription_id,
                       tenant_id=coming.tenant_id, secret=coming.secret,
                       announced=announced)
        assert_accepted(site.send(coming.item()))
        assert len(site.rows(coming)) == 1


def test_a_changed_secret_counts_at_once(site, subscription):
    renewed = site.subscribe(announced=True, tenant_id=subscription.tenant_id)
    item = subscription.item(clientState=renewed.secret)
    assert_accepted(site.send(item))
    assert len(site.rows(subscription)) == 1


def test_an_ended_subscription_is_believed_for_a_day(site):
    late = site.subscribe(ended="23 hours 59 minutes")
    assert_accepted(site.send(late.item()))
    assert len(site.rows(late)) == 1


def test_an_ended_subscription_is_not_believed_longer(site):
    assert_refused(site, site.subscribe(ended="24 hours 1 minute").item())


def test_a_listed_secret_is_good_for_any_subscription(launch, database):
    receiver = launch(CALLHOOK_CLIENT_STATE="first secret,second")
    by_hand = stranger()
    assert_accepted(receiver.send(
        by_hand.item(clientState="first secret"),
        by_hand.item(clientState="second"),
        by_hand.item(clientState="first secret,second"),
        by_hand.item(clientState="first"),
        by_hand.item(clientState=""),
        by_hand.item(clientState="second", subscriptionId=ABSENT)))
    rows = database.rows()
    assert len(rows) == 3
    assert [row["subscription_id"] for row in rows] == [
        by_hand.subscription_id, by_hand.subscription_id, None]
    assert rows[0]["tenant_id"] == by_hand.tenant_id


def test_an_open_subscription_needs_no_secret(launch, database):
    first, second, other = stranger(), stranger(), stranger()
    receiver = launch(CALLHOOK_OPEN_SUBSCRIPTIONS=",".join(
        [first.subscription_id, second.subscription_id.upper()]))
    assert_accepted(receiver.send(
        first.item(clientState=None), first.item(clientState=ABSENT),
        first.item(clientState="whatever"), second.item(clientState=None),
        other.item(clientState=None)))
    assert len(database.rows(first)) == 3
    assert len(database.rows(second)) == 1
    assert len(database.rows()) == 4


def test_secrets_of_the_settings_hold_for_cgi_too(site):
    by_hand = stranger()
    run_cgi(site.database.environment(),
            {"CALLHOOK_CLIENT_STATE": "by hand"},
            body=collection(by_hand.item(clientState="by hand"),
                            by_hand.item()))
    assert len(site.rows(by_hand)) == 1
