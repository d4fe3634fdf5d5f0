"""A fault of one item: that item is refused, the others are stored."""

import json

import pytest

from support.answers import assert_accepted
from support.notification import ABSENT, collection, with_member


def nested(levels, opening="[", closing="]"):
    """A member that brings an item to so many levels, itself the first."""
    return '"x":' + opening * (levels - 1) + "0" + closing * (levels - 1)


FAULTS = {
    "NUL": '"x":"a\\u0000b"',
    "NUL in a key": '"\\u0000":1',
    "NUL deep inside": '"x":[[{"y":"\\u0000"}]]',
    "high surrogate": '"x":"\\ud83d"',
    "high surrogate and text": '"x":"\\ud83dx"',
    "two high surrogates": '"x":"\\ud83d\\ud83d"',
    "high surrogate and other escape": '"x":"\\ud83d\\u0041"',
    "low surrogate": '"x":"\\ude00"',
    "surrogates in wrong order": '"x":"\\ude00\\ud83d"',
    "surrogate in a key": '"\\ud800":1',
    "surrogate deep inside": '"x":[{"y":["\\udfff"]}]',
    "17 levels": nested(17),
    "17 levels of objects": nested(17, '{"a":', "}"),
    "100,000 levels": nested(100000),
    "100,000 levels of objects": nested(100000, '{"a":', "}"),
    "clientState twice": '"clientState":"again"',
    "subscriptionId twice": '"subscriptionId":null',
    "tenantId twice": '"tenantId":null',
    "changeType twice": '"changeType":"updated"',
    "resource twice": '"resource":"x"',
    "resourceData twice": '"resourceData":{}',
    "date twice": '"subscriptionExpirationDateTime":null',
    "twice with an escape": '"tenantI\\u0064":null',
    "lifecycleEvent twice": '"lifecycleEvent":"a","lifecycleEvent":"b"',
}


def assert_one_refused(site, subscription, faulty):
    before = site.database.count()
    good = subscription.item(), subscription.item()
    assert_accepted(site.send(good[0], faulty, good[1]))
    assert [row["call_id"] for row in site.rows(subscription)] == [
        item["resourceData"]["id"] for item in good]
    assert site.database.count() == before + 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_item_between_two_good_ones(site, subscription, fault):
    faulty = with_member(subscription.item(), FAULTS[fault])
    assert_one_refused(site, subscription, faulty)


@pytest.mark.parametrize("faulty", ["5", '"text"', "null", "true", "[]",
                                    "[{}]", "{}", "[" * 100000 + "]" * 100000])
def test_what_is_no_item_between_two_good_ones(site, subscription, faulty):
    assert_one_refused(site, subscription, faulty)


@pytest.mark.parametrize("member", ["clientState", "subscriptionId",
                                    "tenantId", "changeType", "resource",
                                    "subscriptionExpirationDateTime"])
@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udc00"])
def test_a_faulty_string_in_a_member_that_is_read(site, subscription, member,
                                                  escape):
    item = subscription.item()
    faulty = json.dumps(item).replace(json.dumps(item[member]),
                                      json.dumps(item[member])[:-1]
                                      + escape + '"')
    assert_one_refused(site, subscription, faulty)


@pytest.mark.parametrize("data", [
    '"id":"a","id":"b"',
    '"id":null,"i\\u0064":null',
    '"@odata.type":"\\u0000"',
    '"oDataType":"\\ud800"',
    '"x":' + "[" * 15 + "]" * 15,
])
def test_a_faulty_resource_data(site, subscription, data):
    item = subscription.item(resourceData=ABSENT)
    faulty = with_member(item, '"resourceData":{' + data + "}")
    assert_one_refused(site, subscription, faulty)


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")])
def test_sixteen_levels_are_fine(site, subscription, opening, closing):
    raw = with_member(subscription.item(), nested(16, opening, closing))
    assert_accepted(site.send(raw))
    assert len(site.rows(subscription)) == 1


@pytest.mark.parametrize("member", ['"x":1,"x":1', '"x":{"y":1,"y":2}'])
def test_an_unknown_key_may_be_there_twice(site, subscription, member):
    assert_accepted(site.send(with_member(subscription.item(), member)))
    assert len(site.rows(subscription)) == 1


def test_nothing_but_faulty_items(site, subscription):
    before = site.database.count()
    assert_accepted(site.send("1", "[]", with_member(subscription.item(),
                                                     '"x":"\\u0000"')))
    assert site.database.count() == before


def test_cgi_refuses_single_items_too(door, site, subscription):
    faulty = with_member(subscription.item(), '"x":"\\u0000"')
    assert_accepted(door("POST", body=collection(subscription.item(), faulty,
                                                 subscription.item())))
    assert len(site.rows(subscription)) == 2
