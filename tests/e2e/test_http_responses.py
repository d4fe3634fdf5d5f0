"""The HTTP table: which request gets which answer, and what is stored."""

import pytest

from support.answers import (assert_accepted, assert_bad_request,
                             assert_own_headers, read_answer)
from support.notification import ABSENT, JSON_TYPE, collection
from support.receiver import run_cgi

LIMIT = 4194304


def test_a_notification_is_a_row_before_it_is_answered(door, site,
                                                       subscription):
    item = subscription.item()
    assert_accepted(door("POST", body=collection(item)))
    [row] = site.rows(subscription)
    assert row["call_id"] == item["resourceData"]["id"]


def test_an_empty_collection_is_accepted(door, site):
    before = site.database.count()
    assert_accepted(door("POST", body=b'{"value":[]}'))
    assert site.database.count() == before


def test_other_members_beside_value_do_no_harm(site, subscription):
    item = collection(subscription.item()).decode()
    body = '{"@odata.context":"x","validationTokens":["y"],' + item[1:]
    assert_accepted(site.post(body.encode()))
    assert len(site.rows(subscription)) == 1


def test_spaces_and_line_ends_do_no_harm(site, subscription):
    body = collection(subscription.item()).replace(b",", b"\r\n\t ,\n ")
    assert_accepted(site.post(b" \n" + body + b"\r\n"))
    assert len(site.rows(subscription)) == 1


FAULTS = {
    "empty": lambda good: b"",
    "only spaces": lambda good: b"  \n",
    "no json": lambda good: b"validationToken=x",
    "html": lambda good: b"<html></html>",
    "cut in the middle": lambda good: good[:len(good) // 2],
    "cut before the last brace": lambda good: good[:-1],
    "cut within a string": lambda good: good[:good.index(b"client") + 3],
    "more after the end": lambda good: good + b"x",
    "two documents": lambda good: good + good,
    "comment": lambda good: b"/* x */" + good,
    "trailing comma": lambda good: good.replace(b"]}", b",]}"),
    "single quotes": lambda good: good.replace(b'"', b"'"),
    "array": lambda good: b"[" + good + b"]",
    "string": lambda good: b'"value"',
    "number": lambda good: b"1",
    "null": lambda good: b"null",
    "no value": lambda good: good.replace(b'"value"', b'"values"'),
    "value is an object": lambda good: b'{"value":{}}',
    "value is null": lambda good: b'{"value":null}',
    "value is a string": lambda good: b'{"value":"[]"}',
    "value further in": lambda good: b'{"a":' + good + b"}",
    "empty object": lambda good: b"{}",
    "byte FF": lambda good: good.replace(b"updated", b"up\xffdated"),
    "overlong UTF-8": lambda good: good.replace(b"updated", b"\xc0\x80"),
    "surrogate in UTF-8": lambda good: good.replace(b"updated",
                                                    b"\xed\xa0\x80"),
    "past Unicode": lambda good: good.replace(b"updated",
                                              b"\xf4\x90\x80\x80"),
    "cut UTF-8": lambda good: good.replace(b"updated", b"\xe2\x82"),
    "UTF-16": lambda good: good.decode().encode("utf-16"),
    "bare line end in a string": lambda good: good.replace(b"updated",
                                                           b"up\ndated"),
    "bad escape": lambda good: good.replace(b"updated", b"\\x"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_whole_body_stores_nothing(site, subscription, fault):
    before = site.database.count()
    good = collection(subscription.item(), subscription.item())
    assert_bad_request(site.post(FAULTS[fault](good)))
    assert site.database.count() == before


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"value":1}',
                                  b'{"value":["\xff"]}'])
def test_cgi_refuses_bad_bodies_too(site, body):
    before = site.database.count()
    assert_bad_request(run_cgi(site.database.environment(),
                                       body=body))
    assert site.database.count() == before


def test_invalid_utf8_in_a_key_is_a_fault_of_the_body(site, subscription):
    good = collection(subscription.item())
    assert_bad_request(site.post(good.replace(b"changeType", b"change\xff")))
    assert site.rows(subscription) == []


def test_the_body_limit_holds_to_the_byte(site, subscription):
    body = collection(subscription.item())
    assert_accepted(site.post(body.ljust(LIMIT)))
    assert len(site.rows(subscription)) == 1
    assert site.post(body.ljust(LIMIT + 1)).status == 413
    assert len(site.rows(subscription)) == 1


def test_the_program_itself_holds_the_default_limit(site, subscription):
    body = collection(subscription.item())
    assert_accepted(site.receiver.request(body=body.ljust(LIMIT)))
    answer = site.receiver.request(body=body.ljust(LIMIT + 1))
    assert answer.status == 413
    assert_own_headers(answer)
    assert len(site.rows(subscription)) == 1


def test_another_limit_holds_to_the_byte(launch, database):
    receiver = launch(CALLHOOK_MAX_BODY=1000)
    subscription = database.subscribe()
    body = collection(subscription.item())
    assert_accepted(receiver.request(body=body.ljust(1000)))
    assert receiver.request(body=body.ljust(1001)).status == 413
    assert receiver.request(body=body.ljust(200000)).status == 413
    assert len(database.rows()) == 1


def test_cgi_holds_the_limit(site, subscription):
    settings = {**site.database.environment(), "CALLHOOK_MAX_BODY": "1000"}
    body = collection(subscription.item())
    answer = run_cgi(settings, body=body.ljust(1001))
    assert answer.status == 413
    assert_own_headers(answer)
    assert_accepted(run_cgi(settings, body=body.ljust(1000)))
    assert len(site.rows(subscription)) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH",
                                    "OPTIONS"])
def test_other_methods_are_told_what_is_allowed(door, method):
    answer = door(method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST"
    assert_own_headers(answer)


def test_another_method_is_refused_with_a_token_as_well(site):
    answer = site.nginx.request("PUT", "/callhook?validationToken=x")
    assert answer.status == 405


def test_a_query_without_a_token_is_no_handshake(site, subscription):
    answer = site.post(collection(subscription.item()),
                       "/callhook?key=1&validationtoken=x")
    assert_accepted(answer)
    assert len(site.rows(subscription)) == 1


def test_five_thousand_items_in_one_body(site, subscription):
    items = [subscription.item(resourceData=ABSENT)
             for _ in range(5000)]
    assert_accepted(site.send(*items))
    sent = {item["resource"] for item in items}
    assert {row["resource"] for row in site.rows(subscription)} == sent


def test_a_chunked_body_is_accepted(site, subscription):
    body = collection(subscription.item(), subscription.item())
    connection = site.nginx.connection()
    parts = iter([body[:100], body[100:]])
    connection.request("POST", "/callhook", parts, JSON_TYPE,
                       encode_chunked=True)
    assert_accepted(read_answer(connection))
    connection.close()
    assert len(site.rows(subscription)) == 2


def test_the_content_type_does_not_matter(site, subscription):
    for kind in ("text/plain", "application/json; charset=utf-8", ""):
        answer = site.nginx.request("POST", "/callhook",
                                    collection(subscription.item()),
                                    {"Content-Type": kind})
        assert_accepted(answer)
    assert len(site.rows(subscription)) == 3
