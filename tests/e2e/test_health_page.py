"""The health page, from what the process knows."""

import pytest

from support.answers import assert_own_headers
from support.nginx import NGINX_CONF
from support.receiver import Receiver
from support.service import wait_until


def healthy(receiver):
    return receiver.request("GET", path="/callhook/health").status == 200


@pytest.fixture
def well(site, subscription):
    """The shared site once its receiver knows that the database is there."""
    site.send(subscription.item())
    wait_until(lambda: healthy(site.receiver), "healthy")
    return site


def test_ok_through_nginx_from_this_machine(well):
    answer = well.nginx.request("GET", "/callhook/health")
    assert (answer.status, answer.text.strip()) == (200, "ok")
    assert answer.headers["content-type"].startswith("text/plain")
    assert_own_headers(answer)


def test_head_has_no_body(well):
    answer = well.nginx.request("HEAD", "/callhook/health")
    assert (answer.status, answer.body) == (200, b"")


def test_the_program_itself_sends_no_body_to_head(well):
    """RFC 3875, section 4.3.3."""
    answer = well.receiver.request("HEAD", path="/callhook/health")
    assert (answer.status, answer.body) == (200, b"")
    answer = well.receiver.request("HEAD")
    assert (answer.status, answer.body) == (405, b"")


@pytest.mark.parametrize("variables", [
    {"SCRIPT_NAME": "/callhook/health", "REQUEST_URI": None},
    {"SCRIPT_NAME": "/callhook", "PATH_INFO": "/health", "REQUEST_URI": None},
    {"SCRIPT_NAME": "", "PATH_INFO": "/a/health", "REQUEST_URI": None},
    {"SCRIPT_NAME": None, "REQUEST_URI": "/callhook/health"},
    {"SCRIPT_NAME": None, "REQUEST_URI": "/callhook/health?x=/y",
     "QUERY_STRING": "x=/y"},
])
def test_the_path_is_found_wherever_a_web_server_puts_it(well, variables):
    answer = well.receiver.request("GET", **variables)
    assert (answer.status, answer.text.strip()) == (200, "ok")


@pytest.mark.parametrize("path", ["/callhook", "/health/callhook",
                                  "/callhook/unhealth", "/callhook/healthy"])
def test_other_paths_are_no_health_page(site, path):
    assert site.receiver.request("GET", path=path).status == 405


def test_the_word_in_the_query_is_no_health_page(site):
    answer = site.receiver.request("GET", "x=/health")
    assert answer.status == 405


@pytest.mark.parametrize("end", ["%3F", "%3fx", "%3F/y", "%3F?z"])
def test_a_question_mark_in_the_path_is_no_health_page(well, end):
    """nginx, which lets only this machine ask, decides by the path."""
    answer = well.nginx.request("GET", "/callhook/health" + end)
    assert answer.status == 405


def test_unwell_without_database_and_spool(folder):
    nowhere = {"PGHOST": str(folder / "nowhere"), "PGUSER": "nobody"}
    with Receiver(folder, nowhere) as receiver:
        answer = receiver.request("GET", path="/callhook/health")
        assert answer.status == 503
        assert_own_headers(answer)


@pytest.mark.parametrize("mode, status", [(0o700, 200), (0o707, 503)])
def test_a_spool_that_others_can_write_to_does_not_work(folder, tmp_path,
                                                        mode, status):
    tmp_path.chmod(mode)
    nowhere = {"PGHOST": str(folder / "nowhere"), "PGUSER": "nobody"}
    with Receiver(folder, nowhere, {"CALLHOOK_SPOOL": tmp_path}) as receiver:
        answer = receiver.request("GET", path="/callhook/health")
        assert answer.status == status


def test_nginx_shows_it_to_loopback_only():
    given = NGINX_CONF.read_text()
    health = given[given.index("/health"):]
    block = health[:health.index("}")]
    assert "allow 127.0.0.0/8;" in block
    assert "deny all;" in block
