"""The double of Graph itself: strict where it should be, and able to fail."""

import http.client
import json
import os
import socket
import ssl
import time
import urllib.parse
import uuid

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from graph import GraphDouble, SecureSite
from graph.identity import ASSERTION_TYPE, FORM_TYPE, SCOPE, base64url
from graph.journal import instant_text, read_instant
from graph.tls import client_certificate
from support.notification import ABSENT
from support.renewer import Renewer
from support.service import wait_until

DAY = 86400
PATH = "/v1.0/subscriptions"


class Client:
    """An application as it should be, one connection a host."""

    def __init__(self, double, *, secret="s e+c&r=é", **details):
        self.double = double
        self.secret = secret
        self.tenant_id, self.client_id = str(uuid.uuid4()), str(uuid.uuid4())
        double.register(self.tenant_id, self.client_id, secret=secret,
                        **details)
        self.context = double.authority.client_context()
        self.connections = {}
        self.bearer = None

    def call(self, listener, method, target, body=None, headers=()):
        """One request: the status, the headers, and what the JSON says."""
        connection = self.connections.setdefault(
            listener, http.client.HTTPSConnection(
                "127.0.0.1", listener.port, context=self.context, timeout=30))
        try:
            connection.request(method, target, body, dict(headers))
            got = connection.getresponse()
            text = got.read()
        except BaseException:
            connection.close()
            raise
        return got.status, got.headers, json.loads(text) if text else None

    def token(self, **changes):
        form = {"client_id": self.client_id, "scope": SCOPE,
                "grant_type": "client_credentials",
                "client_secret": self.secret, **changes}
        form = {name: value for name, value in form.items()
                if value is not None}
        return self.post_form(urllib.parse.urlencode(form))

    def post_form(self, text):
        status, _, content = self.call(
            self.double.login, "POST",
            f"/{self.tenant_id}/oauth2/v2.0/token", text,
            {"Content-Type": FORM_TYPE})
        return status, content

    def graph(self, method, target=PATH, content=None, **headers):
        if self.bearer is None:
            self.bearer = self.token()[1]["access_token"]
        sent = {"Authorization": f"Bearer {self.bearer}",
                "client-request-id": str(uuid.uuid4()), **headers}
        if content is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(content)
        return self.call(self.double.graph, method, target, content, sent)

    def create(self, url, **changes):
        wanted = {
            "changeType": "updated",
            "resource": "communications/callRecords",
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "clientState": f"state-{uuid.uuid4()}",
            "expirationDateTime":
                instant_text(self.double.clock.now() + DAY, 0), **changes}
        status, _, content = self.graph("POST", content={
            name: value for name, value in wanted.items()
            if value is not ABSENT})
        return status, content

    def patch(self, subscription_id, seconds=DAY, **content):
        content = content or {"expirationDateTime": instant_text(
            self.double.clock.now() + seconds)}
        status, _, content = self.graph("PATCH", f"{PATH}/{subscription_id}",
                                        content)
        return status, content

    def plant(self, **details):
        return self.double.plant(self.tenant_id, self.client_id, **details)


@pytest.fixture
def double(folder):
    with GraphDouble(folder) as started:
        started.subscriptions.allow_http = True
        yield started


@pytest.fixture
def client(double):
    return Client(double)


@pytest.fixture
def url(site):
    return f"http://127.0.0.1:{site.nginx.port}/callhook"


def code_of(content):
    return content["error"]["code"]


# -- tokens ----------------------------------------------------------------

def test_a_token_for_a_secret(double, client):
    status, content = client.token()
    assert (status, content["expires_in"]) == (200, 3599)
    assert content["token_type"] == "Bearer"
    claims = jwt.decode(content["access_token"],
                        options={"verify_signature": False})
    assert claims["roles"] == ["CallRecords.Read.All"]
    assert claims["tid"] == client.tenant_id
    assert double.leaks(f"log: {content['access_token']}") != []
    assert double.leaks(double.log()) == []
    assert double.violations == []


@pytest.mark.parametrize("change, status, error, number", [
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_id": "x"}, 400, "unauthorized_client", 700016),
    ({"scope": "https://graph.microsoft.us/.default"}, 400, "invalid_scope",
     70011),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
])
def test_no_token_for_a_wrong_form(client, change, status, error, number):
    got, content = client.token(**change)
    assert (got, content["error"]) == (status, error)
    assert content["error_codes"] == [number]
    assert content["error_description"].startswith(f"AADSTS{number}:")


@pytest.mark.parametrize("text", ["", "a", "client_id=a&client_id=b",
                                  "scope=https://graph", "scope=%zz"])
def test_a_form_must_be_one(double, client, text):
    assert client.post_form(text)[0] == 400
    assert len(double.violations) == 1


def assertion(client, certificate_file, key_file, algorithm="PS256",
              seconds=600, **changes):
    now = int(time.time())
    certificate = x509.load_pem_x509_certificate(
        certificate_file.read_bytes())
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    claims = {
        "aud": f"{client.double.login_url}/{client.tenant_id}"
               "/oauth2/v2.0/token",
        "iss": client.client_id, "sub": client.client_id,
        "jti": str(uuid.uuid4()), "nbf": now, "iat": now,
        "exp": now + seconds, **changes}
    return jwt.encode(claims, key, algorithm, {
        "x5t#S256": base64url(certificate.fingerprint(hashes.SHA256()))})


def test_a_token_for_a_certificate(folder, double):
    files = client_certificate(folder)
    client = Client(double, secret=None, certificate=files[0])

    def ask(text):
        status, content = client.token(client_assertion=text,
                                       client_assertion_type=ASSERTION_TYPE)
        return status, content.get("error_codes")

    good = assertion(client, *files)
    assert ask(good) == (200, None)
    assert double.violations == []
    assert ask(good) == (401, [50027])                  # a second time
    assert len(double.violations) == 1
    assert ask(assertion(client, *files, "RS256")) == (401, [50027])
    assert ask(assertion(client, *files, aud="x")) == (401, [700023])
    assert ask(assertion(client, *files, seconds=3600)) == (401, [700024])
    assert ask(assertion(client, *files, sub="x")) == (401, [50027])
    assert ask(good[:-8] + "AAAAAAAA") == (401, [700027])
    other = client_certificate(folder)
    assert ask(assertion(client, *other)) == (401, [700027])
    # The registered certificate is named, another key has signed.
    assert ask(assertion(client, files[0], other[1])) == (401, [700027])


def test_a_token_must_be_good(double, client):
    assert client.graph("GET")[0] == 200
    double.revoke(client.tenant_id)
    status, headers, content = client.graph("GET")
    assert (status, code_of(content)) == (401, "InvalidAuthenticationToken")
    assert "Bearer" in headers["WWW-Authenticate"]
    client.bearer = None
    assert client.graph("GET")[0] == 200
    double.clock_offset = 2 * 3600
    assert client.graph("GET")[0] == 401                # it has expired
    assert double.violations == []
    double.clock_offset += 60
    assert client.graph("GET")[0] == 401
    assert double.violations != []                      # it was told so


def test_request_ids_are_checked_and_come_back(double, client):
    given = str(uuid.uuid4())
    _, headers, _ = client.graph("GET", **{"client-request-id": given})
    assert headers["client-request-id"] == given
    assert uuid.UUID(headers["request-id"])
    assert headers["Date"]
    assert double.violations == []
    client.graph("GET", **{"client-request-id": given})
    client.graph("GET", **{"client-request-id": "x"})
    assert len(double.violations) == 2


# -- subscriptions ---------------------------------------------------------

def test_a_subscription_on_a_site_with_tls(folder, database, double):
    double.subscriptions.allow_http = False
    client = Client(double)
    with SecureSite(folder, database, double.authority) as site:
        status, content = client.create(site.url, clientState="secret")
        assert (status, content["clientState"]) == (201, "secret")
        [entry] = double.live(client.tenant_id)
        assert entry.id == content["id"]
        [shown] = client.graph("GET")[2]["value"]
        assert shown["clientState"] is None
        database.subscribe(tenant_id=client.tenant_id,
                           subscription_id=entry.id, secret="secret")
        call_id = str(uuid.uuid4())
        assert double.notify(entry, call_id) == 202
        assert double.notify(entry, clientState="wrong") == 202
        assert double.lifecycle(entry, "missed") == 202
        rows = database.rows()
        assert [row["call_id"] for row in rows] == [call_id, None]
        assert rows[1]["lifecycle_event"] == "missed"
    assert double.notify(entry) == 0                    # nobody is there
    assert double.violations == []
    assert [event.kind for event in double.history] == ["created"]


@pytest.mark.parametrize("change, status, code", [
    ({"clientState": ABSENT}, 400, "InvalidRequest"),
    ({"clientState": "x" * 129}, 400, "InvalidRequest"),
    ({"id": "x"}, 400, "InvalidRequest"),
    ({"changeType": "deleted"}, 400, "InvalidRequest"),
    ({"resource": "users"}, 400, "InvalidRequest"),
    ({"notificationUrl": "ftp://localhost/"}, 400, "InvalidRequest"),
    ({"notificationUrl": "http://u@localhost/"}, 400, "InvalidRequest"),
    ({"expirationDateTime": "tomorrow"}, 400, "InvalidRequest"),
    ({"expirationDateTime": "2100-01-01T00:00:00Z"}, 400, "ExtensionError"),
    ({"notificationUrl": "http://127.0.0.1:9/"}, 400, "ValidationError"),
])
def test_what_cannot_be_subscribed(double, client, url, change, status, code):
    got, content = client.create(url, **change)
    assert (got, code_of(content)) == (status, code)
    assert double.live() == []


def test_the_handshake_wants_the_very_text(double, client, site):
    address = f"http://127.0.0.1:{site.nginx.port}/elsewhere"
    assert client.create(address)[0] == 400
    double.courier.text = "ä+b &%2B= <x> {}"            # the receiver objects
    assert client.create(address.replace("elsewhere", "callhook"))[0] == 400
    double.courier.text = "ä+b &%2B= {}"
    assert client.create(address.replace("elsewhere",
                                         "callhook?a=b"))[0] == 201


def test_a_handshake_has_a_time_limit(double, client):
    double.courier.handshake_seconds = 0.2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        status, content = client.create(f"http://127.0.0.1:{port}/")
    assert (status, code_of(content)) == (400, "ValidationError")
    assert "timed out" in content["error"]["message"]


def test_the_role_is_asked_for_after_the_handshake(double, url):
    client = Client(double, roles=[])
    assert code_of(client.create("http://127.0.0.1:9/")[1]) \
        == "ValidationError"
    status, content = client.create(url)
    assert (status, code_of(content)) == (403, "ExtensionError")
    assert client.graph("GET")[0] == 403


def test_one_of_a_kind(double, client, url):
    assert client.create(url)[0] == 201
    same = {"resource": "/communications/callRecords"}
    assert client.create(url, **same)[0] == 409
    assert client.create(url, changeType="created")[0] == 201
    double.subscriptions.slash_matters = True
    assert client.create(url, **same)[0] == 201
    assert Client(double).create(url)[0] == 201         # another tenant
    double.subscriptions.quota = 3
    assert client.create(url, changeType="created,updated")[0] == 403
    [span] = double.moments_with_two(client.tenant_id)
    assert span.key[1] == "communications/callrecords"


def test_lifetimes(double, client, url):
    def minutes(content):
        ends = read_instant(content["expirationDateTime"])
        return (ends - double.clock.now()) / 60

    def wanted(seconds):
        return instant_text(double.clock.now() + seconds)

    _, made = client.create(url, expirationDateTime=wanted(60))
    assert 44 < minutes(made) <= 45
    assert minutes(client.patch(made["id"], 4200 * 60)[1]) > 4199
    status, content = client.patch(made["id"], 4231 * 60)
    assert (status, code_of(content)) == (400, "ExtensionError")
    double.subscriptions.grant_seconds = 20
    assert minutes(client.patch(made["id"])[1]) < 0.34
    double.clock_offset = 21
    assert client.patch(made["id"])[0] == 404
    assert client.graph("GET", f"{PATH}/{made['id']}")[0] == 404
    assert client.graph("GET")[2]["value"] == []
    double.subscriptions.expired_stay_seconds = 60
    assert len(client.graph("GET")[2]["value"]) == 1
    kinds = [event.kind for event in double.history]
    assert kinds == ["created", "renewed", "renewed", "expired"]
    assert double.violations == []


def test_a_patch_changes_two_members_only(double, client, url):
    entry = client.plant(notification_url=url)
    assert client.graph("PATCH", f"{PATH}/{entry.id}", {})[0] == 400
    assert client.patch(entry.id, clientState="x")[0] == 400
    assert client.patch(entry.id,
                        notificationUrl="http://127.0.0.1:9/")[0] == 400
    assert client.patch(entry.id, notificationUrl=f"{url}?2")[0] == 200
    assert double.live()[0].notification_url == f"{url}?2"
    assert double.violations == []


def test_pages_show_own_subscriptions_only(double, client):
    double.subscriptions.page_size = 2
    mine = {client.plant(change_type=kind).id for kind in
            ("created", "updated", "created,updated")}
    double.plant(client.tenant_id, str(uuid.uuid4()))
    double.plant(str(uuid.uuid4()), client.client_id)
    _, _, first = client.graph("GET")
    link = urllib.parse.urlsplit(first["@odata.nextLink"])
    _, _, second = client.graph("GET", f"{link.path}?{link.query}")
    assert "@odata.nextLink" not in second
    shown = [entry["id"] for entry in first["value"] + second["value"]]
    assert len(shown) == 3 and set(shown) == mine
    assert Client(double).graph("GET", f"{link.path}?{link.query}")[0] == 400
    assert len(double.violations) == 1


def test_the_end_and_the_gap_after_it(double, client, url):
    first = client.create(url)[1]["id"]
    double.clock_offset = 100
    assert client.graph("DELETE", f"{PATH}/{first}")[0] == 204
    assert client.graph("DELETE", f"{PATH}/{first}")[0] == 404
    double.clock_offset = 160
    client.create(url)
    [gap] = double.moments_without(client.tenant_id)
    assert 60 <= gap.seconds < 61
    assert double.moments_with_two(client.tenant_id) == []
    client.plant()
    double.clock_offset = 170
    [both] = double.moments_with_two(client.tenant_id)
    assert 10 <= both.seconds < 11


def test_reauthorize_and_patch_keep_apart(double, client):
    entry = client.plant()
    again = f"{PATH}/{entry.id}/reauthorize"
    assert client.graph("POST", again)[0] == 204
    double.clock_offset = 601
    assert client.patch(entry.id)[0] == 200
    assert double.violations == []
    assert client.graph("POST", again)[0] == 204
    assert len(double.violations) == 1


def test_limits(double, client):
    double.limits["list"].app_in_tenant = 3
    assert [client.graph("GET")[0] for _ in range(3)] == [200] * 3
    assert double.violations == []
    status, headers, _ = client.graph("GET")
    assert status == 429 and 1 <= int(headers["Retry-After"]) <= 20
    assert len(double.violations) == 1


# -- faults ----------------------------------------------------------------

def test_a_refusal_with_a_time_to_wait(double, client):
    other = Client(double)
    double.fail("list", tenant=client.tenant_id, status=503, retry_after=1,
                code="x")
    assert other.graph("GET")[0] == 200
    status, headers, content = client.graph("GET")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert code_of(content) == "x"
    assert double.violations == []
    assert client.graph("GET")[0] == 200
    assert len(double.violations) == 1                  # too early


def test_a_lost_answer_has_done_its_work(double, client, url):
    double.fail("create", lost=True)
    double.fail("create", close=True)
    with pytest.raises(http.client.RemoteDisconnected):
        client.create(url)
    assert len(double.live(client.tenant_id)) == 1
    with pytest.raises(http.client.RemoteDisconnected):
        client.create(url)
    assert client.create(url)[0] == 409
    assert [entry.status for entry in double.asked("create")] == [0, 0, 409]
    double.fail("delete", status=504, worked=True)
    assert client.graph("DELETE",
                        f"{PATH}/{double.live()[0].id}")[0] == 504
    assert double.live() == []


def test_broken_answers(double, client):
    client.token()
    double.fail("list", cut=True)
    with pytest.raises(http.client.IncompleteRead):
        client.graph("GET")
    double.fail("list", malformed=True)
    with pytest.raises(ValueError):
        client.graph("GET")
    double.fail("list", content_type="text/html", padding=1 << 20)
    _, headers, _ = client.graph("GET")
    assert headers["Content-Type"] == "text/html"
    assert int(headers["Content-Length"]) > 1 << 20
    for slow in ({"delay": 0.3}, {"drip": 0.3}):
        double.fail("list", **slow)
        begun = time.monotonic()
        assert client.graph("GET")[0] == 200
        assert 0.25 < time.monotonic() - begun < 5
    double.fail("list", times=None, status=500)
    assert [client.graph("GET")[0] for _ in range(3)] == [500] * 3
    double.clear_faults()
    double.fail("list", after=1, status=502)
    assert [client.graph("GET")[0] for _ in range(3)] == [200, 502, 200]


def test_answers_that_mislead(double, client):
    entry = client.plant()
    double.fail("patch", unchanged=True)
    before = entry.expires_at
    assert client.patch(entry.id, 2 * DAY)[0] == 200
    assert entry.expires_at == before
    double.fail("patch", status=404)
    assert client.patch(entry.id)[0] == 404
    double.fail("list", hide=[entry.id])
    assert client.graph("GET")[2]["value"] == []
    double.fail("token", expires_in="3599")
    assert client.token()[1]["expires_in"] == "3599"
    double.fail("token", expires_in=ABSENT)
    assert "expires_in" not in client.token()[1]
    double.fail("token", status=429, retry_after=7)
    status, content = client.token()
    assert (status, content["error"]) == (429, "temporarily_unavailable")
    double.fail("token", roles=[])
    client.bearer = client.token()[1]["access_token"]
    assert client.graph("GET")[0] == 403


def test_handshakes_on_demand(double, client, url):
    double.fail("handshake", status=400)
    assert code_of(client.create(url)[1]) == "ValidationError"
    double.fail("handshake", times=2, skip=True)
    assert client.create("http://127.0.0.1:9/")[0] == 201


def test_the_other_host_tells_who_came(double, client):
    double.fail("list", elsewhere=True)
    _, _, content = client.graph("GET")
    assert content["@odata.nextLink"].startswith(double.other_url)
    double.fail("list", redirect=True)
    status, headers, _ = client.graph("GET")
    assert (status, headers["Location"]) == (302, double.other_url + PATH)
    assert double.violations == []
    client.call(double.other, "GET", PATH, None, {"Authorization": "Bearer x"})
    [violation] = double.violations
    assert "authorization" in violation
    assert len(double.journal.elsewhere) == 1


@pytest.mark.parametrize("why", ["expired", "wrong_host", "self_signed"])
def test_certificates_that_nobody_trusts(double, why):
    address = urllib.parse.urlsplit(double.untrusted_url(why))
    context = double.authority.client_context()
    with pytest.raises(ssl.SSLCertVerificationError), \
            socket.create_connection((address.hostname, address.port)) as s:
        context.wrap_socket(s, server_hostname=address.hostname)
    assert double.violations == []


def test_a_request_that_is_none(double, client):
    with socket.create_connection(("127.0.0.1", double.graph.port)) as plain:
        with client.context.wrap_socket(
                plain, server_hostname="127.0.0.1") as stream:
            stream.sendall(b"HELLO\r\n\r\n")
            assert stream.recv(100) == b""
    wait_until(lambda: double.violations, "the complaint")
    assert len(double.violations) == 1


# -- the program's files ---------------------------------------------------

def test_a_configuration_is_private(folder, double):
    renewer = Renewer(folder, double, notification_url="https://x.example/")
    renewer.add("contoso", certificate=True, lifetime_minutes=60)
    fabrikam = renewer.add("fabrikam")
    text = renewer.configuration()
    assert "[tenant contoso]\n" in text and "private_key_file = " in text
    assert "\nlifetime_minutes = 60\n" in text
    secret = fabrikam.keys["client_secret_file"]
    assert double.leaks(secret.read_text()) != []
    assert double.leaks(text) == []
    for path in (secret, renewer.tenants["contoso"].keys["private_key_file"]):
        assert os.stat(path).st_mode & 0o777 == 0o600
    done = renewer.run("--no-such-option")
    assert (done.status, done.stdout) == (64, "")
