"""The validation handshake: the decoded token comes back, nothing else."""

import pytest

from support.answers import assert_bad_request, assert_own_headers
from support.notification import seed
from support.receiver import Receiver, run_cgi

SENTENCE = ("Validation: Testing client application reachability for "
            "subscription Request-Id: 5731e5c5-6ee9-4e04-8da5-2b8e6a8a8d4f")
QUERY = "validationToken=" + SENTENCE.replace(" ", "+").replace(":", "%3a")


def assert_token(answer, token):
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.body == token.encode()
    assert_own_headers(answer)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sentence_that_graph_sends_comes_back_decoded(door, method):
    assert_token(door(method, QUERY), SENTENCE)


@pytest.mark.parametrize("query, token", [
    ("validationToken=plain", "plain"),
    ("validationToken=a+b", "a b"),
    ("validationToken=a%20b", "a b"),
    ("validationToken=a%2bb", "a+b"),
    ("validationToken=a%2Bb", "a+b"),
    ("validationToken=a%3ab", "a:b"),
    ("validationToken=a%3Ab", "a:b"),
    ("validationToken=a=b", "a=b"),
    ("validationToken=a%26b%3dc", "a&b=c"),
    ("validationToken=%22quoted%22&x=1", '"quoted"'),
    ("key=1&validationToken=second", "second"),
    ("a&b=&validationToken=third&c", "third"),
    ("&&validationToken=after+empty+ones", "after empty ones"),
    ("xvalidationToken=no&validationToken=yes&validationTokens=no", "yes"),
    ("broken=%zz&validationToken=still", "still"),
    ("validationToken=gr%C3%bc%C3%9fe+%f0%9f%98%80", "grüße \U0001f600"),
    ("validationToken=gr%c3%bc%C3%9Fe+%25", "grüße %"),
])
def test_token_is_decoded(site, query, token):
    assert_token(site.nginx.request("POST", "/callhook?" + query), token)


@pytest.mark.parametrize("query", [
    "validationToken=",
    "validationToken",
    "validationToken=one&validationToken=two",
    "validationToken=same&validationToken=same",
    "validationToken=&validationToken=two",
    "validationToken=%",
    "validationToken=abc%2",
    "validationToken=%zz",
    "validationToken=%+1",
    "validationToken=a%0ab",
    "validationToken=a%0d%0aX-Header:1",
    "validationToken=a%00b",
    "validationToken=a%09b",
    "validationToken=a%1fb",
    "validationToken=a%7fb",
    "validationToken=%3cscript",
    "validationToken=a%3Eb",
    "validationToken=%ff",
    "validationToken=%c0%80",
    "validationToken=%ed%a0%80",
    "validationToken=%f4%90%80%80",
    "validationToken=%e2%82",
])
def test_bad_token_is_refused(site, query):
    assert_bad_request(site.nginx.request("POST", "/callhook?" + query))


@pytest.mark.parametrize("character", ["x", "%3a"])
def test_token_may_have_2048_bytes_decoded(site, character):
    query = "validationToken=" + character * 2048
    answer = site.nginx.request("GET", "/callhook?" + query)
    assert (answer.status, len(answer.body)) == (200, 2048)
    assert_bad_request(site.nginx.request("GET", "/callhook?" + query + "x"))


@pytest.mark.parametrize("body", [b"{}", b"not json", b"\xff",
                                  seed("seed-meeting-start.json")])
def test_token_wins_over_a_body(door, site, body):
    before = site.database.count()
    assert_token(door("POST", QUERY, body), SENTENCE)
    assert site.database.count() == before


def test_token_wins_over_a_body_past_the_limit(launch):
    receiver = launch(CALLHOOK_MAX_BODY=100)
    assert_token(receiver.request("POST", QUERY, b"x" * 101), SENTENCE)


def test_mounted_under_any_path(site):
    for path in ("/", "/a/b/c", "/cgi-bin/callhook", "/x.cgi"):
        answer = site.receiver.request("POST", QUERY, path=path)
        assert_token(answer, SENTENCE)


def test_the_database_is_never_asked(folder):
    nowhere = {"PGHOST": str(folder / "nowhere"), "PGUSER": "nobody"}
    with Receiver(folder, nowhere) as receiver:
        assert_token(receiver.request("POST", QUERY), SENTENCE)
    assert_token(run_cgi(nowhere, query=QUERY), SENTENCE)
