"""callhook-renewer run, when Graph, the network or the database has trouble:
told in one line, held against nobody else, cured by the next run."""

import os
import re
import socket
import time

import pytest

from support.records_world import RecordsWorld
from support.service import wait_until
from support.world import DAY, HOUR, MINUTE

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MEGABYTE = 1 << 20


def lines_of(done, name):
    return [line for line in done.stderr.splitlines()
            if re.search(f" {re.escape(name)}: ", line)]


# -- each fault, all of them in one run ------------------------------------

STEPS = {"token": "token", "list": "list subscriptions",
         "create": "create subscription", "patch": "renew subscription",
         "delete": "delete subscription"}

# endpoint, the fault, what the line must say
TROUBLE = [
    ("token", {"status": 500}, "HTTP 500, code temporarily_unavailable"),
    ("token", {"status": 503, "retry_after": 600}, "wait 600 s, HTTP 503"),
    ("token", {"status": 400, "code": "invalid_client", "codes": [7000222]},
     "HTTP 400, code invalid_client/AADSTS7000222, \"AADSTS7000222: "),
    ("token", {"status": 404}, "HTTP 404"),
    ("token", {"redirect": True}, "redirect, not followed, HTTP 302"),
    ("token", {"malformed": True}, "no token"),
    ("token", {"padding": 2 * MEGABYTE}, "over 1048576 bytes"),
    ("token", {"body": b""}, "no token"),
    ("token", {"body": b"{}", "content_type": "text/html"}, "no token"),
    ("token", {"expires_in": -1}, "no token"),
    ("token", {"expires_in": 0}, "no token"),
    ("list", {"status": 429}, "too many requests, HTTP 429"),
    ("list", {"status": 429, "retry_after": 100}, "wait 100 s, HTTP 429"),
    ("list", {"status": 500, "code": "x y\n"}, "HTTP 500, "),
    ("list", {"status": 504}, "HTTP 504, code GatewayTimeout"),
    ("list", {"status": 403}, "HTTP 403, code Forbidden"),
    ("list", {"status": 401}, "HTTP 401, code InvalidAuthenticationToken"),
    ("list", {"status": 303, "redirect": True}, "redirect"),
    ("list", {"cut": True}, "cut|the connection broke"), # libcurl 8.14 says
    ("list", {"close": True}, "without an answer|the connection broke"),
    ("list", {"malformed": True}, "could not be understood"),
    ("list", {"body": b"[1]"}, "could not be understood"),
    ("list", {"body": b'{"value":{}}'}, "could not be understood"),
    ("list", {"body": b"\x00" * 300}, "could not be understood"),
    ("list", {"body": b"[" * 100000}, "could not be understood"),
    ("list", {"padding": 2 * MEGABYTE}, "over 1048576 bytes"),
    ("list", {"headers": {"X-Long": "x" * 120000}}, "list subscriptions"),
    ("create", {"status": 403, "code": "ExtensionError"},
     "HTTP 403, code ExtensionError"),
    ("create", {"status": 400, "code": "ValidationError"},
     "HTTP 400, code ValidationError"),
    ("create", {"status": 429, "retry_after": 60}, "wait 60 s, HTTP 429"),
    ("create", {"redirect": True}, "redirect"),
]


# the endpoint that the host is for, why it is none, what the line must say
HOSTS = [
    ("token", "expired", "not trusted: certificate has expired"),
    ("list", "expired", "not trusted: certificate has expired"),
    ("token", "wrong_host", "not trusted: it is for another name"),
    ("list", "wrong_host", "not trusted: it is for another name"),
    ("token", "self_signed", "not trusted: self-signed certificate"),
    ("list", "self_signed", "not trusted: self-signed certificate"),
    ("token", "nobody", "cannot connect: Connection refused"),
    ("list", "nobody", "cannot connect: Connection refused"),
    ("list", "nameless", "graph.invalid: the name cannot be resolved"),
    ("token", "plain", "TLS"),
]


def wrong_host(world, why):
    """The URL of a host where nothing may be sent to, or can be."""
    if why == "nobody":
        with socket.create_server(("127.0.0.1", 0)) as closed:
            return f"https://127.0.0.1:{closed.getsockname()[1]}"
    if why == "nameless":
        return "https://graph.invalid"
    if why == "plain":
        return f"https://127.0.0.1:{world.site.nginx.port}"
    return world.double.untrusted_url(why)


def trouble_makers(world):
    """Tenants, each with another trouble, and what is to be told of it."""
    hanging = {"delay": 120, "close": True}
    for endpoint, fault, wanted in [
            (endpoint, hanging, "no answer in time")
            for endpoint in ("token", "list", "create")] + TROUBLE:
        tenant = world.add()
        world.double.fail(endpoint, tenant=tenant.tenant_id, times=None,
                          **fault)
        yield tenant, STEPS[endpoint], wanted
    for endpoint, why, wanted in HOSTS:
        tenant = world.add()
        key = "login_url" if endpoint == "token" else "graph_url"
        tenant.keys[key] = wrong_host(world, why)
        yield tenant, STEPS[endpoint], wanted


def faults_of_telling(world, done, tenant, step, wanted):
    """What is wrong with what was told about the tenant, as sentences."""
    lines = lines_of(done, tenant.name)
    if len(lines) != 1:
        yield f"{wanted}: {len(lines)} lines"
        return
    if not lines[0].startswith(f"callhook-renewer: {tenant.name}: {step}: "):
        yield f"{wanted}: not of {step}: {lines[0]}"
    if not any(one in lines[0] for one in wanted.split("|")):
        yield f"{wanted}: not in {lines[0]}"
    if not re.search(f"client-request-id {GUID}$", lines[0]):
        yield f"{wanted}: no client-request-id: {lines[0]}"
    past = world.past(tenant)
    if past["failed_at"] is None or not past["failure"].startswith(step):
        yield f"{wanted}: the database says {past['failure']}"
    elif "request-id" in past["failure"]:
        yield f"{wanted}: ids in the database"


def test_each_fault(world):
    """All at once: each told in one line, nobody else held up, and cured."""
    fine = [world.add() for _ in range(4)]
    broken = list(trouble_makers(world))
    begun = time.monotonic()
    run = world.renewer.start("run")
    wait_until(lambda: all(world.live(tenant) for tenant in fine),
                       "the others have theirs", 10)
    assert run.poll() is None
    done = world.renewer.finish(run)
    assert time.monotonic() - begun < 50
    assert (done.status, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == len(broken), done.stderr
    assert [text for row in broken
            for text in faults_of_telling(world, done, *row)] == []
    assert world.double.journal.elsewhere == []
    world.double.clear_faults()
    world.pass_time(601)                # what Retry-After asked for
    for tenant, *_ in broken:
        tenant.keys["login_url"] = world.double.login_url
        tenant.keys["graph_url"] = world.double.graph_url
    world.quiet()
    for tenant, *_ in broken:
        world.one(tenant)
        assert world.past(tenant)["failure"] is None


def test_a_fault_is_told_once_an_hour(world, tenant):
    world.double.fail("create", status=403, times=None)
    world.failing(tenant.name, "create subscription", "HTTP 403")
    world.silently_failing()
    world.pass_time(58 * MINUTE)
    world.silently_failing()
    world.pass_time(3 * MINUTE)
    world.failing(tenant.name, "create subscription", "HTTP 403")
    world.double.clear_faults()
    world.double.fail("create", status=403, code="other", times=None)
    world.failing("code other")         # another one is told at once
    world.double.clear_faults()
    world.quiet()


def test_minus_v_tells_it_each_time(world, tenant):
    world.double.fail("create", status=403, times=None)
    for _ in range(2):
        done = world.run("-v", "run")
        assert done.status == 1
        assert "HTTP 403, code Forbidden" in done.stderr


# -- worth another try ------------------------------------------------------

@pytest.mark.parametrize("endpoint", ["token", "list", "create"])
def test_a_short_time_to_wait(world, tenant, endpoint):
    """Waited for in the run (and not less: the double watches it)."""
    world.double.fail(endpoint, status=429, retry_after=1)
    begun = time.monotonic()
    world.quiet()
    assert time.monotonic() - begun >= 1
    world.one(tenant)


@pytest.mark.parametrize("fault", [
    {"status": 503}, {"status": 500}, {"close": True}, {"cut": True}])
def test_one_bad_answer(world, tenant, fault):
    world.quiet()
    world.pass_time(2 * HOUR)
    world.double.fail("patch", **fault)
    assert world.kept(tenant).renewals >= 1
    assert world.double.asked("reauthorize") == []


def test_503_wants_a_new_connection(world, tenant):
    world.quiet()
    world.pass_time(2 * HOUR)
    before = world.double.graph.connections
    world.quiet()
    usual = world.double.graph.connections - before
    world.pass_time(2 * HOUR)
    world.double.fail("patch", status=503, retry_after=1)
    before = world.double.graph.connections
    world.quiet()
    assert world.double.graph.connections - before == usual + 1


def test_a_long_time_to_wait(world, tenant):
    """Left to the next runs, and not before its time."""
    world.double.fail("create", status=429, retry_after=300)
    world.failing(tenant.name, "create subscription", "wait 300 s")
    world.asked()
    world.quiet()                       # nothing is due yet
    assert world.asked() == []
    world.pass_time(200)
    assert world.asks() == []
    world.pass_time(101)
    world.quiet()
    assert "create" in world.asked()
    world.one(tenant)


def test_a_time_to_wait_for_the_token(world, tenant):
    world.double.fail("token", status=429, retry_after=300)
    world.failing(tenant.name, "token", "wait 300 s")
    world.asked()
    assert world.asks() == []
    world.pass_time(301)
    world.kept(tenant)


@pytest.mark.parametrize("far", ["Fri, 31 Dec 2100 23:59:59 GMT",
                                 2000000000])
def test_a_time_to_wait_without_end(world, tenant, far):
    """Graph's mistake must not cost more than an hour."""
    world.double.fail("list", status=503, retry_after=far)
    world.failing(tenant.name, "list subscriptions", "HTTP 503")
    world.pass_time(HOUR - 10)
    world.asked()
    assert world.asks() == []
    world.pass_time(20)
    world.kept(tenant)
    world.double.violations.clear()     # the double wants to wait for it


def test_a_time_to_wait_without_a_refusal(world, tenant):
    """What was done is done: nothing waits for it."""
    entry = world.kept(tenant)
    world.pass_time(2 * HOUR)
    world.double.fail("patch", headers={"Retry-After": "3000"})
    world.kept(tenant)
    assert world.past(tenant)["retry_at"] is None
    world.double.remove(entry)
    assert world.double.lifecycle(entry, "subscriptionRemoved") == 202
    assert world.kept(tenant) is not entry
    world.double.violations.clear()     # the double wants to wait for it


@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:01 GMT",
                                  "Fri, 31 Dec 2100 23:59:59 GMT"])
@pytest.mark.parametrize("endpoint", ["list", "get"])
def test_a_date_that_cannot_be(world, tenant, endpoint, date):
    """A proxy without a clock of its own: ours is the better one."""
    entry = world.kept(tenant)
    world.pass_time(2 * HOUR)
    if endpoint == "get":
        world.double.fail("list", hide=True)
    world.double.fail(endpoint, headers={"Date": date}, times=None)
    assert world.kept(tenant) is entry
    assert entry.renewals == 1
    assert world.gaps(tenant) == []


@pytest.mark.parametrize("odd", [0, -5, "x", "",
                                 "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_odd_time_to_wait(world, tenant, odd):
    """As if there were none."""
    world.double.fail("list", status=429, retry_after=odd)
    world.kept(tenant)


def test_the_environments_proxy_is_ignored(world, tenant):
    world.quiet(environment={"https_proxy": "http://127.0.0.1:9",
                             "HTTPS_PROXY": "http://127.0.0.1:9",
                             "ALL_PROXY": "http://127.0.0.1:9"})
    world.one(tenant)


# -- what cannot be looked at is renewed ------------------------------------

@pytest.mark.parametrize("trouble", [
    {"status": 400}, {"status": 403}, {"status": 404}, {"status": 409},
    {"status": 410}, {"status": 503}, {"redirect": True},
    {"elsewhere": True}, {"body": b"<html>"}], ids=str)
def test_a_list_that_fails_for_long(world, tenant, trouble):
    """Whatever its answer, the subscription does not run out over it."""
    entry = world.kept(tenant)
    world.double.fail("list", times=None, **trouble)
    for renewals in (1, 2):
        world.pass_time(2 * HOUR)
        assert world.run().status == 1
        assert entry.renewals == renewals
    assert world.past(tenant)["failure"].startswith("list subscriptions")
    world.double.clear_faults()
    world.pass_time(MINUTE)
    world.quiet()                       # it looks, though nothing is due
    assert world.one(tenant) is entry
    assert world.past(tenant)["failure"] is None
    world.asked()
    assert world.asks() == []


@pytest.mark.parametrize("status", [400, 403, 409, 503])
def test_one_that_can_be_neither_listed_nor_got(world, tenant, status):
    entry = world.kept(tenant)
    world.pass_time(2 * HOUR)
    world.double.fail("list", hide=True, times=None)
    world.double.fail("get", status=status, times=None)
    assert world.run().status == 1
    assert entry.renewals >= 1
    world.double.clear_faults()
    assert world.kept(tenant) is entry
    assert world.gaps(tenant) == []


@pytest.mark.parametrize("status", [400, 403, 410, 503])
def test_no_answer_about_one_that_ran_out(world, tenant, status):
    """It is over by what Graph granted: another one is made."""
    entry = world.kept(tenant)
    world.pass_time(3 * DAY)
    world.double.fail("get", status=status, times=None)
    assert world.kept(tenant) is not entry
    world.assert_covered(tenant)


def test_gone_for_good(world, tenant):
    """A 410 says as much as a 404."""
    entry = world.kept(tenant)
    world.double.remove(entry)
    world.double.fail("get", status=410, times=None)
    world.double.fail("patch", status=410, times=None)
    world.pass_time(2 * HOUR)
    assert world.kept(tenant) is not entry
    world.assert_covered(tenant)


@pytest.mark.parametrize("status", [400, 403, 503])
def test_a_twin_that_cannot_be_deleted(world, tenant, status):
    """The other one is kept, and each run tries to delete it."""
    entry = world.kept(tenant)
    world.pass_time(2 * HOUR)
    twin = world.double.plant(
        tenant.tenant_id, tenant.client_id, resource="/" + entry.resource,
        notification_url=world.url, lifecycle_url=world.url, seconds=HOUR)
    world.double.fail("delete", status=status, times=None)
    assert world.run().status == 1
    assert entry.renewals == 1
    world.double.clear_faults()
    world.pass_time(MINUTE)
    world.quiet()
    assert world.one(tenant) is entry and twin.removed_at is not None


# -- slow ------------------------------------------------------------------

@pytest.mark.skipif(os.environ.get("CALLHOOK_TEST_FULL") != "1",
                    reason="takes most of a minute")
def test_more_hang_than_there_is_time_for(world):
    """The run ends; the tenants that had no turn come first the next time."""
    tenants = [world.add() for _ in range(100)]
    world.double.fail("token", delay=120, close=True, times=None)
    begun = time.monotonic()
    done = world.run()
    assert time.monotonic() - begun < 50
    assert done.status == 1
    told = [tenant for tenant in tenants if lines_of(done, tenant.name)]
    assert 24 <= len(told) < 100
    world.double.clear_faults()
    for tenant in told:
        world.double.fail("token", tenant=tenant.tenant_id, delay=120,
                          close=True, times=None)
    world.run()
    assert all(world.live(tenant) for tenant in tenants
               if tenant not in told)


@pytest.mark.skipif(os.environ.get("CALLHOOK_TEST_FULL") != "1",
                    reason="takes most of a minute")
@pytest.mark.world(kind=RecordsWorld)
def test_who_hangs_leaves_time_for_the_calls_of_others(world):
    fine = [world.subscribed() for _ in range(4)]
    hanging = [world.add(records="off") for _ in range(30)]
    for tenant in hanging:
        world.double.fail("token", tenant=tenant.tenant_id, status=400)
    world.run()                         # they are known to fail
    for tenant in hanging:
        world.double.fail("token", tenant=tenant.tenant_id, delay=120,
                          close=True, times=None)
    calls = [world.happen(tenant) for tenant in fine]
    assert world.run().status == 1
    assert [world.state(call) for call in calls] == ["stored"] * len(fine)


def test_slow_is_not_hanging(world, tenant):
    world.double.fail("list", drip=1)
    world.double.fail("create", delay=1)
    world.kept(tenant)


# -- without a database -----------------------------------------------------

AWAY = {"PGHOST": "/nowhere"}


def test_without_a_database_nothing_is_created(world, tenant):
    done = world.run(environment=AWAY)
    assert done.status == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("callhook-renewer: database: ")
    assert world.live(tenant) == []
    done = world.run(environment=AWAY)
    assert (done.status, done.stderr) == (1, "")    # said once
    world.kept(tenant)


def test_without_a_database_it_is_renewed(world, tenant):
    entry = world.kept(tenant)
    world.asked()
    done = world.run(environment=AWAY)
    assert done.status == 1
    assert world.asked() == ["list"]                # too early
    world.pass_time(2 * HOUR + 2)
    done = world.run(environment=AWAY)
    assert done.status == 1
    assert world.asked()[-1] == "patch"
    assert entry.renewals == 1
    assert entry.expires_at > time.time() + 4199 * MINUTE
    world.run(environment=AWAY)
    assert entry.renewals == 1
    world.quiet()                                   # it catches up
    assert world.one(tenant) is entry
    assert world.gaps(tenant) == []
    world.asked()
    assert world.asks() == []


def test_without_a_database_foreign_ones_stay(world, tenant):
    foreign = world.double.plant(tenant.tenant_id, tenant.client_id,
                                 seconds=HOUR)
    other = world.double.plant(tenant.tenant_id, tenant.client_id,
                               notification_url=world.url, seconds=HOUR,
                               change_type="created")
    done = world.run(environment=AWAY)
    assert done.status == 1
    assert foreign.renewals == other.renewals == 0
    assert set(world.asked()) == {"token", "list"}


def test_without_a_database_for_an_hour(world, tenant):
    """Short-lived ones stay alive all the same."""
    world.double.subscriptions.grant_seconds = 40 * MINUTE
    entry = world.kept(tenant)
    for _ in range(6):
        world.pass_time(10 * MINUTE)
        assert world.run(environment=AWAY).status == 1
        assert world.live(tenant) == [entry]
    world.pass_time(1)
    assert world.kept(tenant) is entry
    assert world.gaps(tenant) == []


def test_a_schema_that_is_not_there(cluster, world, tenant):
    cluster.execute("CREATE DATABASE no_schema")
    try:
        done = world.run(environment={"PGDATABASE": "no_schema"})
    finally:
        cluster.drop_database("no_schema")
    assert done.status == 1
    assert "sql/install.sql" in done.stderr
    assert world.live(tenant) == []


@pytest.mark.parametrize("change", [
    "ALTER TABLE callhook_store.tenants DROP COLUMN looked_at",
    "DROP FUNCTION callhook_store.fold_notifications"])
def test_an_older_schema(world, tenant, database, change):
    """What it lacks is told as what it is."""
    database.execute(change)
    done = world.run(environment=database.environment("test_renewer"))
    assert done.status == 1
    [line] = [line for line in done.stderr.splitlines() if "SQLSTATE" in line]
    assert "older than this program, run sql/install.sql" in line


def test_a_newer_schema(world, tenant, database):
    database.execute("""
        CREATE OR REPLACE FUNCTION callhook_store.schema_major()
        RETURNS integer LANGUAGE sql AS 'SELECT 2'""")
    done = world.run(environment=database.environment("test_renewer"))
    assert done.status == 1
    assert "version 2" in done.stderr
    assert world.live(tenant) == []


def test_rights_that_are_missing(world, tenant):
    done = world.run(environment={"PGUSER": "test_reader"})
    assert done.status == 1
    assert len(done.stderr.splitlines()) == 1
    assert world.live(tenant) == []


@pytest.mark.parametrize("mode, told", [
    ("ACCESS EXCLUSIVE", "only renewing what Graph shows"),
    ("SHARE", "it did not give a turn")])
def test_a_table_is_locked(world, tenant, mode, told):
    """The statements have a time limit; it is as without a database, also
    where this one says what is due and takes no writes."""
    entry = world.kept(tenant)
    world.pass_time(3 * HOUR)
    with world.database.session() as session:
        session.run(f"BEGIN; LOCK TABLE callhook_store.tenants IN {mode} MODE")
        begun = time.monotonic()
        done = world.run()
        assert time.monotonic() - begun < 30
        assert done.status == 1
        assert told in done.stderr
        session.run("ROLLBACK")
    assert world.live(tenant) == [entry]
    assert entry.renewals == 1
    world.quiet()
