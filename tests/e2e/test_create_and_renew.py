"""callhook-renewer run: one live subscription, made and renewed in time."""

import hashlib
import time
import uuid

import pytest

from graph import GraphDouble, SecureSite
from support.renewer import Renewer
from support.service import wait_until
from support.world import HOUR, MINUTE, seconds_of


def digest(secret):
    return "\\x" + hashlib.sha256(secret.encode()).hexdigest()


# -- creation --------------------------------------------------------------

def test_a_subscription_comes_into_being(world, tenant):
    entry = world.kept(tenant)
    assert world.asked() == ["token", "list", "create"]
    assert entry.resource == "communications/callRecords"
    assert entry.change_type == "updated"
    assert entry.notification_url == entry.lifecycle_url == world.url
    assert len(entry.client_state) == 32            # 128 random bits
    assert 4199 < (entry.expires_at - time.time()) / MINUTE <= 4200
    [row] = world.rows(tenant)
    assert row["secret_sha256"] == digest(entry.client_state)
    assert row["tenant"] == tenant.name
    assert row["announced_at"] <= row["renewed_at"] <= row["alive_at"]
    assert world.gaps(tenant) == []                 # it never had one
    past = world.past(tenant)
    assert past["last_run_at"] is not None
    assert past["failed_at"] is past["failure"] is past["retry_at"] is None


def test_its_notifications_arrive_at_once(world, tenant):
    call_id = world.notify(world.kept(tenant))
    assert [row["call_id"] for row in world.notifications(tenant)] \
        == [call_id]


def test_the_secret_is_known_before_it_goes_out(world, tenant):
    """At the handshake its digest is there; an item that comes before the
    201 does is trusted."""
    seen, sent = [], []
    validate = world.double.courier.validate

    def look(url):
        seen.extend(world.rows(tenant))
        return validate(url)

    def notify(content):
        entry = world.double.subscriptions.all[content["id"]]
        sent.append(world.notify(entry))
        [row] = world.rows(tenant)
        assert row["subscription_id"] is None

    world.double.courier.validate = look
    world.double.fail("create", edit=notify)
    world.quiet()
    assert len(seen) == 2                           # of two URLs
    assert {row["secret_sha256"] for row in seen} == {
        digest(world.one(tenant).client_state)}
    assert [row["call_id"] for row in world.notifications(tenant)] == sent


def test_all_of_it_over_tls(folder, database):
    with GraphDouble(folder) as double, \
            SecureSite(folder, database, double.authority) as site:
        renewer = Renewer(folder, double, database,
                          notification_url=site.url, reconcile="off")
        tenant = renewer.add("contoso", certificate=True)
        done = renewer.run("run")
        assert (done.status, done.stdout, done.stderr) == (0, "", "")
        [entry] = double.live(tenant.tenant_id)
        assert entry.notification_url.startswith("https://")
        call_id = str(uuid.uuid4())
        assert double.notify(entry, call_id) == 202
        [row] = database.rows()
        assert row["call_id"] == call_id
        assert row["tenant_id"] == tenant.tenant_id
        assert double.violations == []


@pytest.mark.parametrize("offset", [-2 * HOUR, 2 * HOUR])
def test_the_lifetime_is_by_graphs_clock(world, tenant, offset):
    """Never more than lifetime_minutes, whatever our clock says."""
    world.double.clock_offset = offset
    entry = world.kept(tenant)
    there = world.double.clock.now()
    assert 4199 < (entry.expires_at - there) / MINUTE <= 4200
    [row] = world.rows(tenant)
    assert abs(seconds_of(row["expires_at"]) - entry.expires_at) < 1.1
    world.asked()
    assert world.asks() == []
    world.pass_time(2 * HOUR)
    world.quiet()
    assert world.asked()[-1] == "patch"
    assert 4199 < (entry.expires_at - world.double.clock.now()) / MINUTE \
        <= 4200


def test_only_n_minutes(world, tenant):
    """Graph says how many it grants: those are taken, also to renew."""
    world.double.subscriptions.maximum_minutes = 90
    assert world.asks() == ["token", "list", "create", "create"]
    entry = world.one(tenant)
    assert 89 < (entry.expires_at - time.time()) / MINUTE <= 90
    world.pass_time(HOUR)
    world.quiet()
    assert world.asked()[-2:] == ["patch", "patch"]
    assert 89 < (world.one(tenant).expires_at - time.time()) / MINUTE <= 90
    # The announcement was not repeated for the second attempt.
    assert len(world.rows(tenant)) == 1


def test_what_graph_granted_is_what_counts(world, tenant):
    """Less than asked for: the renewals come so much sooner."""
    world.double.subscriptions.grant_seconds = 10 * MINUTE
    assert world.kept(tenant).expires_at - time.time() < 10 * MINUTE
    world.asked()
    world.pass_time(3 * MINUTE)
    assert world.asks() == []
    world.pass_time(2 * MINUTE)                     # half of it is over
    assert world.asks() == ["list", "patch"]
    assert 9 < (world.one(tenant).expires_at - time.time()) / MINUTE <= 10


def test_a_short_lifetime_of_our_own(world):
    """Graph makes 45 minutes of less; so does the configuration."""
    tenant = world.add(lifetime_minutes=45, renew_every_minutes=10)
    assert 44 < (world.kept(tenant).expires_at - time.time()) / MINUTE <= 45


# -- renewal ---------------------------------------------------------------

def test_renewed_when_its_time_has_come(world, tenant):
    first = world.kept(tenant)
    world.asked()
    world.pass_time(2 * HOUR - 5)
    assert world.asks() == []                      # too early
    world.pass_time(5)
    world.quiet()
    asked = world.asked()
    assert asked[-1] == "patch" and set(asked) == {"token", "list", "patch"}
    assert world.one(tenant) is first
    assert first.renewals == 1
    assert first.expires_at > time.time() + 4199 * MINUTE
    [patch] = world.double.asked("patch")
    assert set(patch.body) == {"expirationDateTime"}
    assert world.asks() == []
    assert world.double.asked("reauthorize") == []
    assert world.gaps(tenant) == []


def test_another_rhythm(world):
    world.add(renew_every_minutes=5)
    world.quiet()
    world.asked()
    world.pass_time(4 * MINUTE)
    assert world.asks() == []
    world.pass_time(MINUTE)
    assert world.asks() == ["list", "patch"]


def connections(world):
    return (world.double.login.connections + world.double.graph.connections)


def test_nothing_due(world, tenant):
    world.quiet()
    before = connections(world)
    world.asked()
    world.quiet()
    world.quiet("-v")
    assert world.asked() == []
    assert connections(world) == before
    assert len(world.rows(tenant)) == 1


def test_verbose_says_what_is_done(world, tenant):
    done = world.run("-v", "run")
    assert (done.status, done.stdout) == (0, "")
    entry = world.one(tenant)
    lines = done.stderr.splitlines()
    assert all(line.startswith("callhook-renewer: ") for line in lines)
    assert any(f"{tenant.name}: created subscription {entry.id}" in line
               for line in lines)
    sent = {request.headers["client-request-id"]
            for request in world.double.requests}
    assert all(any(text in line for line in lines) for text in sent)


def test_run_is_the_default(world, tenant):
    done = world.renewer.run()
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    world.one(tenant)


def test_the_patch_that_did_nothing(world, tenant):
    """200, but the expiry is as before: told, and tried again."""
    before = world.kept(tenant).expires_at
    world.pass_time(3 * HOUR)
    world.double.fail("patch", unchanged=True, times=2)
    line = world.failing(tenant.name, "renew subscription")
    assert "expiry" in line
    assert world.one(tenant).expires_at == before - 3 * HOUR
    world.silently_failing()
    assert world.kept(tenant).expires_at > before - 60


# -- several tenants, several runs -----------------------------------------

def test_a_tenant_taken_out_of_the_configuration(world, tenant):
    other = world.add()
    entry = world.kept(tenant)
    del world.renewer.tenants[tenant.name]
    world.asked()
    assert world.asks() == []
    assert world.live(tenant) == [entry]
    world.one(other)


def test_two_of_one_tenant(world):
    one = world.add()
    two = world.add(tenant_id=one.tenant_id, change_type="created")
    world.quiet()
    kinds = sorted(entry.change_type for entry in world.live(one))
    assert kinds == ["created", "updated"]
    world.asked()
    assert world.asks() == []
    world.pass_time(2 * HOUR)
    world.quiet()
    assert [entry.renewals for entry in world.live(two)] == [1, 1]


def test_another_resource(world, tenant):
    """The one of before is orphaned: it goes."""
    before = world.kept(tenant)
    tenant.keys["change_type"] = "created,updated"
    made = world.kept(tenant)
    assert made is not before
    assert made.change_type == "created,updated"
    world.asked()
    assert world.asks() == []


def test_a_held_tenant_is_skipped(world, tenant):
    other = world.add()
    delayed = world.double.fail("create", tenant=tenant.tenant_id, delay=2)
    first = world.renewer.start("run")
    world.double.wait_for("create", tenant.tenant_id)
    world.quiet()                                   # status 0, silent
    assert world.double.asked("create", tenant.tenant_id)[1:] == []
    done = world.renewer.finish(first)
    assert (done.status, done.stderr) == (0, "")
    assert delayed.used == 1
    world.one(tenant)
    world.one(other)


def test_many_runs_at_once_make_one(world, tenant):
    runs = [world.renewer.start("run") for _ in range(6)]
    for run in runs:
        done = world.renewer.finish(run)
        assert (done.status, done.stderr) == (0, "")
    world.one(tenant)
    assert len(world.double.asked("create")) == 1
    assert len(world.double.asked("token")) == 1


@pytest.mark.parametrize("endpoint", ["token", "list", "create"])
def test_killed_in_the_middle(world, tenant, endpoint):
    """kill -9: the next run goes on as if nothing had been."""
    world.double.fail(endpoint, delay=30, worked=True)
    run = world.renewer.start("run")
    world.double.wait_for(endpoint, tenant.tenant_id)
    if endpoint == "create":
        wait_until(lambda: world.live(tenant), "it is made")
    run.kill()
    run.communicate()
    world.notify(world.kept(tenant))
    assert len(world.notifications(tenant)) == 1
    # No file of an unfinished writing is left.
    left = {path.suffix for path in world.renewer.state_dir.iterdir()}
    assert left <= {".lock", ".token", ".token-lock"}


def test_killed_twice(world, tenant):
    """The first time before Graph had made one, the second time after."""
    for made in (False, True):
        world.double.fail("create", delay=30, worked=made, status=500)
        run = world.renewer.start("run")
        world.double.wait_for("create", tenant.tenant_id, 1 + made)
        if made:
            wait_until(lambda: world.live(tenant), "it is made")
        run.kill()
        run.communicate()
    assert len(world.rows(tenant)) == 2
    world.notify(world.kept(tenant))
    assert len(world.notifications(tenant)) == 1
    world.asked()
    assert world.asks() == []


def test_runs_that_overlap(world, tenant):
    """One that begins while another works knows of its deeds, or leaves."""
    for _ in range(3):
        runs = []
        for _ in range(5):
            runs.append(world.renewer.start("run"))
            time.sleep(0.01)        # so that they are at different steps
        for run in runs:
            done = world.renewer.finish(run)
            assert (done.status, done.stderr) == (0, "")
        world.one(tenant)
        assert world.gaps(tenant) == []
        world.pass_time(2 * HOUR)
    assert len(world.double.asked("create")) == 1


def test_killed_amid_a_renewal(world, tenant):
    entry = world.kept(tenant)
    world.pass_time(3 * HOUR)
    world.double.fail("patch", delay=30)
    run = world.renewer.start("run")
    wait_until(lambda: entry.renewals, "it is renewed")
    run.kill()
    run.communicate()
    assert world.kept(tenant) is entry
    assert world.gaps(tenant) == []
