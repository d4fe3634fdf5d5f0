"""The life of a subscription over a simulated week, with all that can
happen: at every moment at most one, and each time without one has its gap."""

import subprocess
import time

import pytest

from support.renewer import write_private
from support.service import wait_until
from support.world import DAY, HOUR, MINUTE, World, seconds_of, world_apart

AWAY = {"PGHOST": "/nowhere"}
NEW_SECRET = "another secret"
KEPT = ("subscriptions", "gaps", "tenants", "refusals", "lifecycle_handled")


@pytest.fixture
def world(folder, cluster):
    with world_apart(folder, cluster) as made:
        yield made


def dump(database, *options):
    """What pg_dump says."""
    done = subprocess.run(
        [database.cluster.bin / "pg_dump", "-h", database.cluster.home, "-U",
         "postgres", "--data-only", *options, database.name],
        cwd="/", text=True, capture_output=True, check=True)
    return done.stdout


class Backup:
    """A dump of the renewer's tables, and its way back."""

    def __init__(self, world):
        self.database = world.database
        self.seconds = 0                # how long ago it was made
        tables = [f"--table=callhook_store.{name}" for name in KEPT]
        self.text = dump(self.database, *tables)

    def restore(self, world):
        """As it was then: what has passed since has passed for it, too."""
        names = ", ".join(f"callhook_store.{name}" for name in KEPT)
        self.database.execute(f"TRUNCATE {names};\n{self.text}")
        world.age_database(self.seconds)


class Week:
    """Hour by hour; `events` says what happens in which."""

    def __init__(self, world):
        self.world = world
        self.tenant = world.add()
        self.backup = None
        self.environment = {}
        self.runs = True                # whether cron works
        self.fine = True                # whether a run must go well
        self.without = 0                # hours since one did
        self.unchecked = 0              # hours since a look at everything
        self.calls = []

    def hour(self, event=None):
        self.world.pass_time(HOUR)
        if self.backup:
            self.backup.seconds += HOUR
        if event:
            event(self)
        if self.runs:
            done = self.world.run(environment=self.environment)
            if self.fine:
                assert (done.status, done.stdout) == (0, "")
                assert all("callhook-renewer: ended: " in line
                           for line in done.stderr.splitlines())
            else:
                assert done.status == 1
        self.unchecked += 1
        self.check(event or self.unchecked == 4)

    def check(self, closely):
        live = self.world.live(self.tenant)
        assert len(live) <= 1
        if not live:
            # An end that nobody told is noticed by the next renewal.
            self.without += self.runs
            assert self.without <= 2
            return
        closely = closely or self.without
        self.without = 0
        if not closely:
            return
        self.unchecked = 0
        if not self.environment:
            self.world.assert_covered(self.tenant)
        if self.runs and self.fine:
            self.calls.append(self.world.notify(self.world.one(self.tenant)))

    @property
    def entry(self):
        [entry] = self.world.live(self.tenant)
        return entry

    # -- what happens ------------------------------------------------------

    def removed(self):
        self.world.double.remove(self.entry)

    def said_to_be_removed(self):
        entry = self.entry
        assert self.world.double.lifecycle(
            entry, "subscriptionRemoved") == 202
        self.world.double.remove(entry)

    def reauthorize(self):
        assert self.world.double.lifecycle(
            self.entry, "reauthorizationRequired") == 202

    def missed(self):
        assert self.world.double.lifecycle(self.entry, "missed") == 202

    def no_cron(self):
        self.runs = False

    def cron(self):
        self.runs = True

    def token_revoked(self):
        self.world.double.revoke(self.tenant.tenant_id)

    def secret_expired(self):
        """Made a new one, and forgot to tell us."""
        self.world.double.register(self.tenant.tenant_id,
                                   self.tenant.client_id, secret=NEW_SECRET)
        self.world.double.revoke(self.tenant.tenant_id)
        self.fine = False

    def secret_replaced(self):
        write_private(self.tenant.keys["client_secret_file"], NEW_SECRET + "\n")
        self.fine = True

    def other_url(self):
        self.tenant.keys["notification_url"] = self.world.url + "?moved"
        self.tenant.keys["lifecycle_url"] = self.world.url

    def other_lifecycle_url(self):
        self.tenant.keys["lifecycle_url"] = self.world.url + "?lifecycle"

    def graph_away(self):
        for endpoint in ("list", "patch", "create"):
            self.world.double.fail(endpoint, status=503, retry_after=1800,
                                   times=None)
        self.fine = False

    def graph_back(self):
        self.world.double.clear_faults()
        self.fine = True

    def database_away(self):
        self.environment, self.fine = AWAY, False

    def database_back(self):
        self.environment, self.fine = {}, True

    def back_up(self):
        self.backup = Backup(self.world)

    def restored(self):
        self.backup.restore(self.world)


EVENTS = {
    5: Week.reauthorize,
    12: Week.removed,
    18: Week.token_revoked,
    20: Week.back_up,
    25: Week.missed,
    30: Week.said_to_be_removed,        # the backup does not know the next
    36: Week.graph_away,
    37: Week.graph_back,
    44: Week.restored,                  # from yesterday
    50: Week.database_away,
    51: Week.database_back,
    55: Week.secret_expired,
    57: Week.secret_replaced,
    60: Week.other_url,
    64: Week.other_lifecycle_url,
    70: Week.no_cron,                   # for three days
    142: Week.cron,
    150: Week.removed,
    160: Week.reauthorize,
}


def test_a_week(world):
    week = Week(world)
    week.hour()
    for hour in range(1, 7 * 24):
        week.hour(EVENTS.get(hour))
    assert len(week.calls) > 20
    double, tenant = world.double, week.tenant
    assert double.moments_with_two(tenant.tenant_id) == []
    world.assert_covered(tenant)
    assert week.entry.renewals > 0
    assert double.asked("reauthorize") == []
    # As few as there had to be: one for each that came to its end.
    assert len(double.asked("create")) == 1 + 6
    assert all(gap["ends_at"] for gap in world.gaps(tenant))
    # All that it was notified of while it lived is there.
    found = {row["call_id"] for row in world.notifications(tenant)}
    assert set(week.calls) <= found


def test_restored_from_yesterday(world):
    """What was created since is unknown: replaced by one that is known."""
    week = Week(world)
    week.hour()
    week.back_up()
    for _ in range(20):
        week.hour()
    week.hour(Week.removed)
    week.hour()
    week.hour()
    lost = week.entry
    week.hour(Week.restored)
    assert lost.removed_at is not None
    [before] = [row for row in world.rows(week.tenant)
                if row["ended_at"] is not None]
    assert before["subscription_id"] != lost.id
    # All of the day may have been lost, as far as the database knows.
    gaps = world.gaps(week.tenant)
    assert min(seconds_of(gap["begins_at"]) for gap in gaps) \
        < time.time() - 20 * HOUR


def test_restored_and_nothing_had_changed(world):
    """The same subscription, and the same secret: it goes on."""
    week = Week(world)
    week.hour()
    week.back_up()
    first = week.entry
    for _ in range(24):
        week.hour()
    week.hour(Week.restored)
    assert week.entry is first
    assert world.gaps(week.tenant) == []


def test_restored_to_before_the_first_one(world):
    """An empty database, and items that are refused."""
    week = Week(world)
    backup = Backup(world)
    week.hour()
    entry = week.entry
    backup.restore(world)
    world.double.notify(entry)
    world.run()
    made = world.one(week.tenant)
    assert made is not entry
    assert len(world.gaps(week.tenant)) == 1
    assert world.double.moments_with_two(week.tenant.tenant_id) == []


def test_short_lives_in_real_time(folder, site):
    """Some seconds granted, and a cron that comes several times a second."""
    with World(folder, site) as world:
        world.double.subscriptions.grant_seconds = 6
        tenant = world.add()
        first = world.kept(tenant)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert world.kept(tenant) is first
            time.sleep(0.2)
        assert first.renewals >= 2
        assert world.double.moments_without(tenant.tenant_id) == []
        wait_until(lambda: not world.live(tenant), "it runs out")
        second = world.kept(tenant)
        world.double.remove(second)
        wait_until(
            lambda: world.quiet() or world.live(tenant), "its successor")
        world.one(tenant)
        assert len(world.double.moments_without(tenant.tenant_id)) == 2
        world.assert_covered(tenant, slack=1.1)


def test_a_run_every_minute_asks_little(world):
    """A day of minutes would be long; two hours of them will do."""
    tenant = world.add()
    world.quiet()
    world.asked()
    for _ in range(24):
        world.pass_time(5 * MINUTE)
        world.quiet()
    asked = world.asked(tenant)
    assert asked.count("patch") == 1
    assert asked.count("list") <= 1 and asked.count("token") <= 2
    assert world.one(tenant).expires_at > time.time() + DAY
