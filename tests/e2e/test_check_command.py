"""callhook-renewer check: each fault by its name, all of them at once."""

import contextlib
import re
import socket
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from graph import SecureSite
from graph.web import Answer, Listener, server_context
from support.pooler import Pooler
from support.postgres import Cluster
from support.renewer import Renewer, write_private
from support.service import wait_until

KINDS = {"ok", "note", "FAULT"}


class Own:
    """The own URL, answering as a test wants; what was asked is kept."""

    def __init__(self, double):
        self.requests, self.troubles = [], []
        self.change = {}
        self.double = double
        self.listener = Listener(server_context(*double.authority.issue()),
                                 self.answer, self.troubles.append)
        self.url = f"{self.listener.url}/hook"

    def answer(self, request):
        self.requests.append(request)
        query = dict(urllib.parse.parse_qsl(request.query, errors="strict"))
        answer = Answer(200, query["validationToken"].encode(),
                        {"Content-Type": "text/plain; charset=utf-8"})
        for name, value in self.change.items():
            setattr(answer, name, value)
        return answer


@pytest.fixture
def own(double):
    made = Own(double)
    yield made
    made.listener.stop()
    assert made.troubles == []


@pytest.fixture
def renewer(folder, database, double, own):
    return Renewer(folder, double, database, notification_url=own.url)


@pytest.fixture
def contoso(renewer):
    return renewer.add("contoso")


def check(renewer, status=0, **details):
    """The lines as (kind, text) pairs."""
    done = renewer.run("check", **details)
    lines = [re.fullmatch(r"(\S+) +(.*)", line).groups()
             for line in done.stdout.splitlines()]
    assert {kind for kind, _ in lines} <= KINDS
    faults = [text for kind, text in lines if kind == "FAULT"]
    assert (done.status, bool(faults)) == (status, status == 1), done
    assert renewer.double.leaks(done.stdout) == []
    if status == 0:
        assert done.stderr == ""
    return lines


def faults(renewer, **details):
    return [text for kind, text in check(renewer, 1, **details)
            if kind == "FAULT"]


# The tests' server waits for no disk.
CARELESS = "database: the server runs with fsync = off"


def notes(lines):
    return [text for kind, text in lines
            if kind == "note" and not text.startswith(CARELESS)]


def test_what_weakens_the_promise(renewer, contoso, database):
    lines = check(renewer)
    assert any(text.startswith(CARELESS) for _, text in lines)
    home = database.environment()["PGHOST"]
    [standby] = notes(check(renewer, environment={
        "PGHOST": f"{home},{home}"}))[:1]
    assert "names 2 hosts, and this server waits for no standby" in standby


def test_all_is_well(renewer, contoso):
    lines = check(renewer)
    assert [text.partition(": ")[0] for _, text in lines
            if not text.startswith(CARELESS)] == [
        "settings", "state_dir", "database", "database", "database",
        renewer.settings["notification_url"], "contoso", "contoso",
        "contoso", "contoso", "contoso"]
    assert notes(lines) == ["contoso: stored: there is no live subscription "
                            "yet; the next run creates one"]
    assert sorted(path.suffix for path in renewer.state_dir.iterdir()) == [
        ".token", ".token-lock"]


def test_after_a_run(folder, database, double):
    with SecureSite(folder, database, double.authority) as site:
        renewer = Renewer(folder, double, database,
                          notification_url=site.url)
        contoso = renewer.add("contoso", certificate=True)
        assert renewer.run().status == 0
        [live] = double.live(contoso.tenant_id)
        lines = check(renewer)
        assert notes(lines) == []
        assert f"stored: subscription {live.id}, ends in 2 d" in lines[-2][1] \
            + lines[-1][1]
        assert "Graph: lists 1 subscriptions" in str(lines)
        double.fail("list", hide=True)
        assert "Graph does not list subscription" in notes(check(renewer))[0]


# -- the own URL -----------------------------------------------------------

def test_the_handshake_is_as_graphs(renewer, contoso, own):
    renewer.settings["notification_url"] = f"{own.url}?secret=x%20y"
    lines = check(renewer)
    [request] = own.requests
    assert request.method == "POST" and request.body == b""
    assert request.query.startswith("secret=x%20y&validationToken=Validation"
                                    "%3a+Testing+callhook+100%25+%2b+%c3%a4+")
    assert request.headers["content-length"] == "0"
    assert request.headers["accept"] == "text/plain"
    assert request.headers["content-type"] == "text/plain; charset=utf-8"
    assert "authorization" not in request.headers
    assert "secret" not in str(lines)


def test_each_url_once(renewer, contoso, own):
    renewer.add("fabrikam", lifecycle_url=f"{own.url}/lifecycle")
    renewer.add("litware")
    check(renewer)
    assert [request.path for request in own.requests] == [
        "/hook", "/hook/lifecycle"]


@pytest.mark.parametrize("change, words", [
    ({"body": b"Validation%3a"}, "the body is not the token, decoded"),
    ({"body": b""}, "the body is not the token"),
    ({"headers": {"Content-Type": "text/html"}}, "must be text/plain"),
    ({"headers": {}}, "must be text/plain"),
    ({"status": 202}, "must be 200"),
    ({"status": 404}, "no callhook is under this path"),
    ({"status": 405}, "POST"),
    ({"status": 502}, "does not reach callhook"),
    ({"status": 302, "headers": {"Location": "/"}}, "follows no redirect"),
    ({"drop": True}, "the connection "),
])
def test_wrong_answers(renewer, contoso, own, change, words):
    own.change = change
    [fault] = faults(renewer)
    assert fault.startswith(own.url)
    assert words in fault
    assert len(own.requests) == 1


def test_a_slow_answer(renewer, contoso, own):
    own.change = {"delay": 3.1}
    assert "Graph wants notifications answered within 3 s" in \
        notes(check(renewer))[0]


def test_an_answer_that_is_too_slow(renewer, contoso, own):
    own.change = {"delay": 10.2}
    [fault] = faults(renewer)
    assert "it took over 10 s" in fault


@pytest.mark.parametrize("why, words", [
    ("expired", "certificate has expired"),
    ("self_signed", "self-signed"),
    ("wrong_host", "not trusted"),
])
def test_a_certificate(renewer, contoso, double, why, words):
    renewer.settings["notification_url"] = double.untrusted_url(why) + "/hook"
    [fault] = faults(renewer)
    assert words in fault and "chain" in fault


def test_nobody_is_there(renewer, contoso):
    with socket.socket() as reserved:           # bound, and nobody listens
        reserved.bind(("127.0.0.1", 0))
        renewer.settings["notification_url"] = \
            f"https://127.0.0.1:{reserved.getsockname()[1]}/hook"
        [fault] = faults(renewer)
    assert "cannot connect: Connection refused" in fault
    assert "firewall" in fault


def test_a_name_without_an_address(renewer, contoso):
    renewer.settings["notification_url"] = "https://callhook.invalid/hook"
    [fault] = faults(renewer)
    assert "cannot be resolved" in fault and "DNS" in fault


def test_the_proxy_is_not_for_the_own_url(renewer, contoso, own):
    contoso.keys["proxy"] = "http://127.0.0.1:9"
    [fault] = faults(renewer, seconds=90)
    assert fault.startswith("contoso: token: ") and "proxy" in fault
    assert len(own.requests) == 1


def test_plain_http_is_noted(renewer, contoso, site):
    renewer.settings["notification_url"] = \
        f"http://127.0.0.1:{site.nginx.port}/callhook"
    assert "Graph itself only takes URLs of https" in \
        notes(check(renewer))[0]


# -- Microsoft -------------------------------------------------------------

@pytest.mark.parametrize("what, words", [
    ({"code": "invalid_client", "codes": (7000215,), "status": 401},
     "client_secret_file does not hold"),
    ({"code": "invalid_client", "codes": (7000222,), "status": 401},
     "the secret has expired"),
    ({"code": "invalid_client", "codes": (700027,), "status": 401},
     "the certificate is not registered"),
    ({"code": "invalid_client", "codes": (1,), "status": 401},
     "wrong or has expired"),
    ({"code": "unauthorized_client", "codes": (700016,), "status": 400},
     "the tenant has no such application"),
    ({"code": "unauthorized_client", "codes": (1,), "status": 400},
     "the application may not do this"),
    ({"code": "invalid_request", "codes": (90002,), "status": 400},
     "there is no such tenant"),
    ({"code": "invalid_scope", "codes": (70011,), "status": 400}, "cloud"),
    ({"status": 404}, "login_url"),
])
def test_no_token(renewer, contoso, double, what, words):
    double.fail("token", times=None, **what)
    [fault] = faults(renewer)
    assert fault.startswith(f"contoso: token: HTTP {what['status']}, code ")
    assert words in fault
    assert ", request-id " in fault


def test_the_secret_is_tested_although_a_token_is_kept(renewer, contoso,
                                                       double):
    check(renewer)
    write_private(contoso.keys["client_secret_file"], "wrong\n")
    [fault] = faults(renewer)
    assert "AADSTS7000215" in fault


def test_a_certificate_of_microsofts_that_is_not_trusted(renewer, contoso,
                                                         double):
    contoso.keys["login_url"] = double.untrusted_url("expired")
    [fault] = faults(renewer)
    assert "token: " in fault and "certificate has expired" in fault


def test_the_role_is_missing(renewer, contoso, double):
    renewer.run("token", "contoso")             # kept, with the role
    double.fail("token", roles=())
    role, forbidden = faults(renewer)
    assert "role: CallRecords.Read.All is not in the token" in role
    assert "HTTP 403" in forbidden
    lines = check(renewer)                      # consented meanwhile
    assert ("ok", "contoso: role: CallRecords.Read.All is in the token") \
        in lines


def test_the_consent_url(renewer, contoso, double):
    double.fail("token", roles=("Other.Role",))
    lines = check(renewer, 1)
    assert notes(lines)[:-1] == [
        "contoso: an administrator of the tenant consents at "
        f"{double.login_url}/{contoso.tenant_id}/adminconsent"
        f"?client_id={contoso.client_id}"]


def test_forbidden(renewer, contoso, double):
    double.fail("list", status=403)
    lines = check(renewer, 1)
    [fault] = [text for kind, text in lines if kind == "FAULT"]
    assert "HTTP 403, code Forbidden" in fault and "permission" in fault
    assert "adminconsent" in notes(lines)[0]


@pytest.mark.parametrize("offset, kind, words", [
    (30, "ok", "within a minute"),
    (200, "note", "behind Graph's"),
    (-200, "note", "ahead of Graph's"),
    (400, "FAULT", "behind Graph's: set it, by NTP"),
    (-400, "FAULT", "ahead of Graph's: set it, by NTP"),
])
def test_the_clock(renewer, contoso, double, offset, kind, words):
    double.clock_offset = offset
    lines = check(renewer, 1 if kind == "FAULT" else 0)
    [line] = [line for line in lines if line[1].startswith("contoso: clock")]
    assert line[0] == kind and words in line[1]


# -- the database, the folder, all together --------------------------------

def test_no_database(renewer, contoso):
    renewer.database = None
    [fault] = faults(renewer)
    assert fault.startswith("database: ")
    assert "see to `database` in the settings" in fault


def test_a_pooler_that_knows_no_transactions(folder, cluster, renewer, contoso,
                                             database):
    with Pooler(folder, cluster, mode="statement") as pooler:
        told = faults(renewer, environment=pooler.environment(
            database.name, "test_renewer"))
    assert [text for text in told if "take a row" in text] == [
        "database: it does not take a row: see the line on standard error"]
    assert database.query("SELECT FROM callhook_store.tenants") == []


@pytest.fixture
def waiting_renewer(folder, double, own):
    """Its server waits for a standby that is gone."""
    with Cluster(folder) as cluster:
        renewer = Renewer(folder, double, cluster.create_database(),
                          notification_url=own.url)
        renewer.add("contoso")
        cluster.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
        cluster.execute("SELECT pg_reload_conf()")
        wait_until(lambda: cluster.query(
            "SELECT current_setting('synchronous_standby_names') AS name")
            == [{"name": "gone"}], "it waits for a standby")
        yield cluster, renewer


def test_a_database_behind_a_closed_port(renewer, contoso):
    """A firewall that drops what comes: nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        [fault] = faults(renewer, environment={
            "PGHOST": "127.0.0.1", "PGPORT": str(port)})
    assert (f'database: connection to server at "127.0.0.1", port {port} '
            "failed: no answer in time: see to ") in fault


def test_a_standby_that_is_waited_for_in_vain(waiting_renewer):
    """A row that is rolled back does not wait for it."""
    cluster, renewer = waiting_renewer
    [text] = faults(renewer)
    assert text.startswith("database: it does not commit: ")
    # Nor does the server's process stay, which does not see who is gone.
    assert cluster.query("SELECT FROM pg_stat_activity "
                         "WHERE wait_event = 'SyncRep'") == []


def test_a_wait_for_a_standby_that_somebody_ends(waiting_renewer):
    """The server warns of it, and says then that it committed."""
    cluster, renewer = waiting_renewer
    with ThreadPoolExecutor() as pool:
        told = pool.submit(faults, renewer)
        wait_until(lambda: cluster.query(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event = 'SyncRep'"), "its wait is ended")
        [text] = told.result()
    assert text.startswith("database: it does not commit: ")


def test_a_commit_that_this_user_may_not_try(renewer, contoso, database):
    database.execute("""DO $$ BEGIN EXECUTE (
        SELECT 'REVOKE EXECUTE ON FUNCTION '
               || string_agg(oid::regprocedure::text, ', ') || ' FROM PUBLIC'
        FROM pg_proc WHERE proname = 'pg_logical_emit_message'); END $$""")
    assert len(check(renewer)) == 12


def test_another_schema(renewer, contoso, database):
    database.execute("UPDATE callhook_store.version SET major = 2")
    [fault] = faults(renewer)
    assert "the schema has version 2" in fault


def test_missing_rights(renewer, contoso, database):
    database.execute("""
        REVOKE INSERT, UPDATE ON callhook_store.gaps FROM callhook_renewer;
        REVOKE EXECUTE ON FUNCTION callhook_store.make_partitions(integer)
            FROM callhook_renewer;
        REVOKE USAGE ON SCHEMA callhook FROM callhook_renewer;
        REVOKE INSERT (resource) ON callhook_store.notifications
            FROM callhook_receiver;
        REVOKE EXECUTE ON FUNCTION callhook_store.good_secrets(bigint)
            FROM callhook_receiver;
        REVOKE SELECT ON callhook.calls FROM callhook_reader""")
    found = faults(renewer)
    assert [fault.partition(": run sql")[0] for fault in found] == [
        f"database: {what}" for what in (
            "EXECUTE on function callhook_store.make_partitions is missing "
            "for test_renewer",
            "USAGE on schema callhook is missing for test_renewer",
            "INSERT on table callhook_store.gaps is missing for test_renewer",
            "UPDATE on table callhook_store.gaps is missing for test_renewer",
            "EXECUTE on function callhook_store.good_secrets is missing for "
            "callhook_receiver",
            "INSERT (resource) on table callhook_store.notifications is "
            "missing for callhook_receiver",
            "SELECT on table callhook.calls is missing for callhook_reader")]


def test_every_right_of_a_run_is_checked(renewer, contoso, database):
    """All that a run could miss but the way to this very question."""
    given = database.query("""
        SELECT privilege, lower(kind) || ' ' || object AS object,
            format('REVOKE %s ON %s %s FROM callhook_renewer', privilege, kind,
                CASE kind WHEN 'FUNCTION' THEN object_id::regprocedure::text
                          ELSE object END) AS revoke
        FROM callhook_store.rights()
        WHERE role_name = 'callhook_renewer'
            AND object NOT IN ('callhook_store', 'callhook_store.schema_major',
                               'callhook_store.missing_rights')""")
    assert len(given) > 40
    database.execute(";".join(row["revoke"] for row in given))
    named = {fault.partition(" is missing for test_renewer")[0]
             for fault in faults(renewer) if " is missing for " in fault}
    assert named == {f"database: {row['privilege']} on {row['object']}"
                     for row in given}


def test_another_programs_role(renewer, contoso, database):
    """One line, not one for each of some ninety rights."""
    missing = [fault for fault in faults(
        renewer, environment={"PGUSER": "test_receiver"})
        if " is missing" in fault or "not in the role" in fault]
    assert missing == [
        "database: test_receiver is not in the role callhook_renewer: as an "
        "administrator, GRANT callhook_renewer TO test_receiver"]


def test_no_rights_at_all(renewer, contoso, database):
    with contextlib.suppress(Exception):
        database.execute("CREATE ROLE test_nobody LOGIN")
    [fault] = faults(renewer, environment={"PGUSER": "test_nobody"})
    assert fault.endswith("callhook_renewer granted?: see to `database` in the "
                          "settings, and to the server")


def test_all_faults_at_once(renewer, contoso, double, own):
    fabrikam = renewer.add("fabrikam")
    write_private(fabrikam.keys["client_secret_file"], "wrong\n")
    double.fail("list", tenant=contoso.tenant_id, status=403)
    own.change = {"status": 404}
    renewer.database = None
    found = faults(renewer)
    assert [fault.partition(":")[0] for fault in found] == [
        "database", "https", "contoso", "fabrikam"]
