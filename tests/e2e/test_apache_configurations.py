"""The configurations of apache/, each in a real Apache."""

import collections
import contextlib
import http.client
import re
import signal
import ssl
import subprocess
import threading
import time

import pytest

from support.answers import assert_accepted, assert_own_headers
from support.apache import (APACHE, CGI_KINDS, INSTALLED, KINDS, Apache,
                            load_modules, program)
from support.later import Later
from support.notification import JSON_TYPE, collection
from support.project import sanitized
from support.receiver import Receiver
from support.service import SANITIZERS, minimal_environment, wait_until

LIMIT = 4194304


@contextlib.contextmanager
def running(kind, folder, database):
    """Apache with what it needs for one of its ways."""
    with contextlib.ExitStack() as stack:
        path = None
        settings = {**database.environment()}
        if kind == "proxy-fcgi":
            path = stack.enter_context(
                Receiver(folder, settings)).path
        apache = stack.enter_context(Apache(folder, kind, settings, path))
        apache.database = database
        yield apache
    assert not SANITIZERS.search(apache.log())


@pytest.fixture(scope="module", params=["fcgid", "proxy-fcgi", "cgi",
                                        "shared-host"])
def apache(request, folder, cluster):
    """One server for the tests of each kind; its database is shared."""
    with running(request.param, folder, cluster.create_database()) as started:
        yield started


@pytest.fixture(params=["fcgid", "proxy-fcgi", "cgi"])
def own_apache(request, folder, database):
    """A server for one test."""
    with running(request.param, folder, database) as started:
        yield started


@pytest.fixture
def subscription(apache):
    return apache.database.subscribe()


def sized(item, size):
    """A body of exactly this many bytes, with this item in it."""
    empty = len(collection({**item, "padding": ""}))
    return collection({**item, "padding": "x" * (size - empty)})


# --- the contract's rows, through each of them --------------------------------

@pytest.mark.parametrize("method", ["POST", "GET"])
def test_handshake(apache, method):
    answer = apache.request(
        method, "?x=1&validationToken=Validation%3a+Testing+%e2%82%AC",
        headers={"Accept-Encoding": "gzip"})
    assert (answer.status, answer.text) == (200, "Validation: Testing \u20ac")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-encoding" not in answer.headers
    assert_own_headers(answer)


def test_a_bad_token(apache):
    answer = apache.request("POST", "?validationToken=%3cscript%3e")
    assert answer.status == 400
    assert_own_headers(answer)


def test_a_notification_is_stored(apache, subscription):
    item = subscription.item()
    assert_accepted(apache.send(item))
    [row] = apache.database.rows(subscription)
    assert row["call_id"] == item["resourceData"]["id"]
    assert row["forwarded_for"] == "127.0.0.1"


def test_the_address_that_a_balancer_hands_on(apache, subscription):
    apache.post(collection(subscription.item()),
                **{"X-Forwarded-For": "192.0.2.7, 198.51.100.1"})
    [row] = apache.database.rows(subscription)
    assert row["forwarded_for"] == "192.0.2.7, 198.51.100.1"


def test_a_stranger_is_not_stored(apache, subscription):
    before = apache.database.count()
    assert_accepted(apache.send(subscription.item(clientState="guess")))
    assert apache.database.count() == before


@pytest.mark.parametrize("size", [300000, LIMIT], ids=["300 kB", "limit"])
def test_a_large_body_is_stored(apache, subscription, size):
    assert_accepted(apache.post(sized(subscription.item(), size)))
    [row] = apache.database.rows(subscription)
    assert len(row["extra"]["padding"]) > size - 1000


def test_a_chunked_body_is_stored(apache, subscription):
    body = sized(subscription.item(), 300000)
    answer = apache.request(
        "POST", "", (body[at:at + 50000] for at in range(0, len(body), 50000)),
        {**JSON_TYPE, "Transfer-Encoding": "chunked"},
        encode_chunked=True)
    assert_accepted(answer)
    assert len(apache.database.rows(subscription)) == 1


def test_a_body_over_the_limit_is_refused(apache, subscription):
    answer = apache.post(sized(subscription.item(), LIMIT + 1))
    assert answer.status == 413
    assert apache.database.rows(subscription) == []


def test_a_chunked_body_over_the_limit_is_refused(apache, subscription):
    body = sized(subscription.item(), LIMIT + 1)
    answer = apache.request(
        "POST", "", (body[at:at + 65536] for at in range(0, len(body), 65536)),
        {**JSON_TYPE, "Transfer-Encoding": "chunked"},
        encode_chunked=True)
    # mod_fcgid knows no other answer to a body that it cannot take.
    assert answer.status == (500 if apache.kind == "fcgid" else 413)
    assert apache.database.rows(subscription) == []


def test_a_body_that_is_no_notification(apache):
    answer = apache.post(b"value=1")
    assert answer.status == 400
    assert_own_headers(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET", "HEAD"])
def test_other_methods(apache, method):
    answer = apache.request(method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST"
    assert_own_headers(answer)


def test_health(apache):
    # A process that has just been started is not connected yet.
    wait_until(
        lambda: apache.request("GET", "/health").text == "ok", "ok")
    answer = apache.request("HEAD", "/health")
    assert (answer.status, answer.body) == (200, b"")
    assert_own_headers(answer)


@pytest.mark.parametrize("end", ["/health", "/x/health", "//health",
                                 "/h%65alth", "/health?x=1",
                                 "/x/../health"])
def test_health_is_for_this_machine_only(apache, end):
    elsewhere = {"X-Test-Client": "192.0.2.9"}
    assert apache.request("GET", end, headers=elsewhere).status == 403


def test_a_question_mark_in_the_path_is_no_health_page(apache):
    """Apache, which lets only this machine ask, has seen another path."""
    elsewhere = {"X-Test-Client": "192.0.2.9"}
    answer = apache.request("GET", "/health%3Fx", headers=elsewhere)
    assert answer.status == 405


def test_others_may_do_all_else(apache, subscription):
    answer = apache.post(collection(subscription.item()),
                         **{"X-Test-Client": "192.0.2.9"})
    assert_accepted(answer)
    [row] = apache.database.rows(subscription)
    assert row["forwarded_for"] == "192.0.2.9"


def test_only_its_own_path(apache):
    connection = apache.connection()
    with contextlib.closing(connection):
        connection.request("GET", "/callhookery?validationToken=x")
        assert connection.getresponse().status in (403, 404)


def spare_slow_starts(apache):
    """A process a request: under a sanitizer it takes too long to start for
    many at once; the release build has shown it."""
    if apache.kind in CGI_KINDS and sanitized():
        pytest.skip("CGI processes of this build start too slowly")


def test_64_at_a_time(apache, subscription):
    """Each is acknowledged; within the 3 seconds that Graph waits, where
    Apache has not to start processes for them first. What a slow machine
    does not start in time is sent again, as Graph does it."""
    spare_slow_starts(apache)
    items = [subscription.item() for _ in range(64)]
    start = threading.Barrier(64)
    tries = 5 if apache.kind in CGI_KINDS else 1

    def send(item):
        start.wait()
        for _ in range(tries):
            began = time.monotonic()
            answer = apache.send(item)
            if answer.status not in (503, 504):
                break
        return answer.status, time.monotonic() - began

    answers = [later.result() for later in
               [Later(send, item) for item in items]]
    assert [status for status, _ in answers] == [202] * 64
    rows = apache.database.rows(subscription)
    assert ({row["call_id"] for row in rows}
            == {item["resourceData"]["id"] for item in items})
    if tries == 1:
        assert len(rows) == 64
    if apache.kind == "proxy-fcgi":
        assert max(seconds for _, seconds in answers) < 3


def test_slow_clients_hold_up_nobody(apache, subscription):
    """Thirty bodies come byte by byte; others are answered meanwhile."""
    spare_slow_starts(apache)
    bodies = [collection(subscription.item()) for _ in range(30)]
    slow = []
    for body in bodies:
        connection = apache.connection()
        connection.putrequest("POST", apache.path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        slow.append(connection)
    longest = 0
    for number in range(10):
        for connection, body in zip(slow, bodies):
            connection.send(body[10 + number:11 + number])
        began = time.monotonic()
        assert_accepted(apache.send(subscription.item()))
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.1)
    assert len(apache.database.rows(subscription)) == 10
    for connection, body in zip(slow, bodies):
        connection.send(body[20:])
        assert connection.getresponse().status == 202
        connection.close()
    assert len(apache.database.rows(subscription)) == 40
    assert longest < 3


# --- restart and stop ---------------------------------------------------------

# As many as each of them does in a second or two.
SOME = {"fcgid": 100, "proxy-fcgi": 300, "cgi": 60}


class Senders:
    """Connections that send until they are told to end, and count."""

    def __init__(self, apache, connections=16):
        self.apache = apache
        self.subscription = apache.database.subscribe()
        self.acknowledged, self.cut = [], []
        self.refused = collections.Counter()
        self.ending = False
        self.threads = [Later(self.run) for _ in range(connections)]

    def run(self):
        while not self.ending:
            item = self.subscription.item()
            call_id = item["resourceData"]["id"]
            try:
                # Graph waits for no longer, either.
                answer = self.apache.send(item, seconds=3)
            except (OSError, http.client.HTTPException):
                self.cut.append(call_id)
                time.sleep(0.05)
                continue
            if answer.status == 202:
                self.acknowledged.append(call_id)
            else:
                self.cut.append(call_id)
                self.refused[answer.status] += 1

    def go_on(self):
        """Until some more are acknowledged."""
        count = len(self.acknowledged) + SOME[self.apache.kind]
        wait_until(lambda: len(self.acknowledged) >= count,
                           f"{count} acknowledged", 60)

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.result()

    def check(self):
        """Each acknowledged one is stored once; others only if cut."""
        rows = self.apache.database.rows(self.subscription)
        stored = collections.Counter(row["call_id"] for row in rows)
        assert [call_id for call_id in self.acknowledged
                if stored[call_id] != 1] == []
        assert set(stored) <= {*self.acknowledged, *self.cut}
        assert max(stored.values()) == 1


def wait_for_receivers(apache):
    """What Apache has left behind may still be storing."""
    wait_until(lambda: not subprocess.run(
        ["pgrep", "-f", apache.program], capture_output=True).stdout,
        "the receivers' end")


def test_graceful_restart_under_load(own_apache):
    spare_slow_starts(own_apache)
    senders = Senders(own_apache)
    senders.go_on()
    for _ in range(2):
        own_apache.graceful()
        senders.go_on()
    senders.end()
    senders.check()
    if own_apache.kind == "proxy-fcgi":
        assert (senders.cut, senders.refused) == ([], {})


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGWINCH],
                         ids=["stop", "graceful-stop"])
def test_stop_under_load(own_apache, how):
    """Stopped and started again while requests are on their way."""
    spare_slow_starts(own_apache)
    senders = Senders(own_apache)
    senders.go_on()
    own_apache.end(how)
    wait_for_receivers(own_apache)
    own_apache.start()
    senders.go_on()
    senders.end()
    senders.check()
    assert senders.cut


def test_the_spool_of_a_shared_host(folder, database):
    """Filled while the database is away; cron calls the same script."""
    subscription = database.subscribe()
    allow = f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS"
    with running("shared-host", folder, database) as apache:
        account = apache.home / "account"
        database.cluster.execute(f"{allow} false")
        try:
            assert_accepted(apache.send(subscription.item()))
        finally:
            database.cluster.execute(f"{allow} true")
        assert database.count() == 0
        [spooled] = (account / "callhook" / "spool").iterdir()
        assert spooled.stat().st_mode & 0o777 == 0o600

        drained = subprocess.run(
            [account / "www" / "cgi-bin" / "callhook.cgi", "--drain"],
            env=minimal_environment({"HOME": account}), cwd="/",
            user=apache.user.pw_uid, capture_output=True, text=True)
        assert (drained.returncode, drained.stdout) == (0, "")
        assert len(database.rows(subscription)) == 1
        assert not spooled.exists()


# --- the files ----------------------------------------------------------------

@pytest.fixture(scope="module")
def certificate(folder):
    made = folder / "certificate"
    made.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=calls.example.com", "-keyout", made / "key",
         "-out", made / "pem"], check=True, capture_output=True)
    return made


@pytest.mark.parametrize("kind", ["fcgid", "proxy-fcgi", "cgi"])
@pytest.mark.parametrize("listed", [False, True], ids=["open", "listed"])
def test_the_example_site_is_sound(tmp_path, certificate, kind, listed):
    """Each of the three ways, with and without Graph's addresses."""
    own_files = tmp_path / "own"
    own_files.mkdir()

    def put(name, text):
        for path, own in ((INSTALLED, tmp_path),
                          ("/etc/callhook/apache/*.conf",
                           own_files / "*.conf"),
                          ("${APACHE_LOG_DIR}", tmp_path),
                          ("*:443", "127.0.0.1:443")):
            text = text.replace(path, str(own))
        text = re.sub(r"/etc/ssl/\S+\.(pem|key)",
                      lambda path: str(certificate / path[1]), text)
        if listed:
            text = text.replace("#Include " + str(tmp_path),
                                "Include " + str(tmp_path))
        (tmp_path / name).write_text(text)

    site = (APACHE / "example-site.conf").read_text()
    assert "IncludeOptional /etc/callhook/apache/*.conf" in site
    put("example-site.conf", site)
    put("own/callhook.conf", (APACHE / f"{kind}.conf").read_text())
    put("graph-addresses.conf", (APACHE / "graph-addresses.conf").read_text())
    modules = ["mpm_event", "authz_core", "authz_host", "alias", "env",
               "reqtimeout", "ssl", "socache_shmcb",
               *KINDS[kind]]
    (tmp_path / "apache.conf").write_text(
        load_modules(*modules)
        + f"ServerRoot {tmp_path}\nServerName localhost\n"
        f"PidFile {tmp_path}/pid\nErrorLog {tmp_path}/log\n"
        "Listen 127.0.0.1:443\n"
        f"Include {tmp_path}/example-site.conf\n")
    done = subprocess.run([program(), "-t", "-f",
                           tmp_path / "apache.conf"],
                          capture_output=True, text=True)
    assert "Syntax OK" in done.stderr
    assert done.returncode == 0


def test_fcgid_is_not_asked_by_http2(folder, database, certificate):
    """mod_fcgid ends a body without a length before it begins there."""
    class Secure(Apache):
        def _configuration(self):
            before, include, after = super()._configuration().partition(
                f"Include {self.home}/callhook.conf\n")
            return (load_modules("http2", "ssl", "socache_shmcb") + before
                    + f"Protocols h2 http/1.1\n<VirtualHost *:{self.port}>\n"
                    f"SSLEngine on\nSSLCertificateFile {certificate}/pem\n"
                    f"SSLCertificateKeyFile {certificate}/key\n"
                    + include + after + "</VirtualHost>\n")

        def connection(self, seconds=30):
            secure = ssl.create_default_context(cafile=certificate / "pem")
            secure.check_hostname = False
            secure.set_alpn_protocols(["h2", "http/1.1"])
            return http.client.HTTPSConnection("127.0.0.1", self.port,
                                               timeout=seconds, context=secure)

    item = database.subscribe().item()
    with Secure(folder, "fcgid", database.environment()) as apache:
        assert_accepted(apache.request("POST", "", iter([collection(item)]),
                                       JSON_TYPE, encode_chunked=True))
    assert database.count() == 1


def test_only_graphs_addresses(folder, database):
    """The list switched on: others are kept out, Graph and we are not."""
    class Listed(Apache):
        def localise(self, text):
            assert "#Include " in text
            return super().localise(text.replace("#Include " +
                                                 INSTALLED,
                                                 "Include " +
                                                 INSTALLED))

    subscription = database.subscribe()
    body = collection(subscription.item())
    with Listed(folder, "cgi", database.environment()) as apache:
        def status(address):
            return apache.post(body, **{"X-Test-Client": address}).status

        assert status("192.0.2.9") == 403
        assert status("52.159.23.209") == 202
        assert status("20.20.32.7") == 202
        assert apache.request("GET", "/health").status == 200
    assert len(database.rows(subscription)) == 2
