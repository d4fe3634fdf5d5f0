"""The renewer's world for tests: Graph's double, a site, a database, time.

    with World(folder, site) as world:
        contoso = world.add()
        world.quiet()
        world.pass_time(2 * HOUR)
"""

import contextlib
import dataclasses
import datetime
import json
import uuid

from graph import GraphDouble
from support.renewer import Renewer, write_private
from support.service import next_number
from support.site import Site

MINUTE, HOUR, DAY = 60, 3600, 86400

# What moves back when time is to pass.
_TIMES = {
    "subscriptions": ("announced_at", "expires_at", "renewed_at", "ended_at",
                      "alive_at"),
    "gaps": ("begins_at", "ends_at", "noted_at", "closed_at"),
    "tenants": ("last_run_at", "failed_at", "retry_at", "looked_at",
                "turn_until"),
    "throttling": ("retry_at",),
    "refusals": ("first_at", "last_at"),
    "notifications": ("received_at", "stored_at"),
}


def seconds_of(text):
    """A timestamptz as the database prints it in JSON."""
    return datetime.datetime.fromisoformat(text).timestamp()


def new_lines(done):
    """What a run told, but for faults that ended."""
    return [line for line in done.stderr.splitlines()
            if not line.startswith("callhook-renewer: ended: ")]


class World:
    """A double and a renewer with the tenants of one test.

    site: a Site; the tenants' notification URL is there. Others may
    use its database at the same time: all here is by tenant_id."""

    def __init__(self, folder, site, **settings):
        self.folder = folder
        self.site = site
        self.database = site.database
        self.url = f"http://127.0.0.1:{site.nginx.port}/callhook"
        self.double = GraphDouble(folder)
        # Looking for missed calls has tests of its own.
        self.settings = {"notification_url": self.url, "reconcile": "off",
                         **settings}

    def __enter__(self):
        self.double.__enter__()
        self.double.subscriptions.allow_http = True
        self.renewer = Renewer(self.folder, self.double, self.database,
                               **self.settings)
        return self

    def __exit__(self, failure, *_):
        self.double.__exit__(None, None, None)
        if failure is None:
            assert self.double.violations == [], self.double.violations

    def add(self, **keys):
        """A tenant with a name that no other test has."""
        name = f"t{next_number()}-{uuid.uuid4().hex[:12]}"
        return self.renewer.add(name, **keys)

    # -- runs --------------------------------------------------------------

    def run(self, *arguments, **details):
        return self.renewer.run(*(arguments or ("run",)), **details)

    def quiet(self, *arguments, **details):
        """A run in which all goes well: silent, status 0. It may say that
        a fault has ended."""
        done = self.run(*arguments, **details)
        assert (done.status, done.stdout, new_lines(done)) == (0, "", [])

    def failing(self, *wanted, **details):
        """A run that fails and tells it in one line, with each of `wanted`;
        returns the line."""
        done = self.run(**details)
        assert (done.status, done.stdout) == (1, ""), done
        lines = new_lines(done)
        assert len(lines) == 1, done.stderr
        for text in wanted:
            assert text in lines[0], lines[0]
        return lines[0]

    def silently_failing(self):
        """The same fault as before: not told again."""
        done = self.run()
        assert (done.status, done.stdout, done.stderr) == (1, "", "")

    def asked(self, tenant=None):
        """The endpoints that were asked since the last call, in order."""
        seen = getattr(self, "_seen", 0)
        entries = list(self.double.requests)
        self._seen = len(entries)
        return [entry.endpoint for entry in entries[seen:]
                if tenant is None or entry.tenant_id == tenant.tenant_id]

    def asks(self, tenant=None):
        """A quiet run, and what was asked since the last call."""
        self.quiet()
        return self.asked(tenant)

    # -- what there is -----------------------------------------------------

    def live(self, tenant=None):
        return self.double.live(tenant and tenant.tenant_id)

    def one(self, tenant):
        """The only one that lives, and the database knows it as such."""
        [entry] = self.live(tenant)
        rows = [row for row in self.rows(tenant) if row["ended_at"] is None]
        assert [row["subscription_id"] for row in rows] == [entry.id]
        assert abs(seconds_of(rows[0]["expires_at"]) - entry.expires_at) < 1.1
        assert rows[0]["notification_url"] == entry.notification_url
        return entry

    def kept(self, tenant):
        """The only one that lives after a quiet run."""
        self.quiet()
        return self.one(tenant)

    def rows(self, tenant):
        """Of callhook_store.subscriptions."""
        return self._table("subscriptions", tenant, "subscription_no")

    def gaps(self, tenant):
        return self._table("gaps", tenant, "gap_no")

    def past(self, tenant):
        [row] = self._table("tenants", tenant, "tenant")
        return row

    def notifications(self, tenant):
        return self._table("notifications", tenant, "notification_id")

    def _table(self, table, tenant, order):
        return self.database.query(
            f"SELECT * FROM callhook_store.{table} WHERE tenant_id = "
            f"'{tenant.tenant_id}' ORDER BY {order}")

    def assert_covered(self, tenant, slack=1.5):
        """Never two at a time, and each time without one is in a gap."""
        assert self.double.moments_with_two(tenant.tenant_id) == []
        gaps = self.gaps(tenant)
        for span in self.double.moments_without(tenant.tenant_id):
            assert any(
                seconds_of(gap["begins_at"]) <= span.begin + slack
                and (gap["ends_at"] is None
                     or span.end <= seconds_of(gap["ends_at"]) + slack)
                for gap in gaps), (span, gaps)

    # -- what happens ------------------------------------------------------

    def notify(self, entry, **changes):
        """A delivery of a new call; its id."""
        call_id = str(uuid.uuid4())
        assert self.double.notify(entry, call_id, **changes) == 202
        return call_id

    def pass_time(self, seconds):
        """All that has happened is so much longer ago."""
        self.age_database(seconds)
        self._age_double(seconds)
        self._age_files(seconds)

    def age_database(self, seconds):
        ids = ", ".join(f"'{tenant.tenant_id}'"
                        for tenant in self.renewer.tenants.values())
        statements = []
        for table, columns in _TIMES.items():
            changes = ", ".join(
                f"{name} = {name} - interval '{seconds} seconds'"
                for name in columns)
            statements.append(f"UPDATE callhook_store.{table} "
                              f"SET {changes} WHERE tenant_id IN ({ids})")
        self.database.execute(";".join(statements))

    def _age_double(self, seconds):
        stored = self.double.subscriptions
        for entry in stored.ever():
            for name in ("created_at", "expires_at", "removed_at",
                         "patched_at", "reauthorized_at"):
                value = getattr(entry, name)
                if value is not None:
                    setattr(entry, name, value - seconds)
        stored.events[:] = [
            dataclasses.replace(event, time=event.time - seconds,
                                expires_at=event.expires_at - seconds)
            for event in stored.events]
        for token in self.double.identity.tokens.values():
            token.expires_at -= seconds
            if token.refused_at is not None:
                token.refused_at -= seconds
        waits = self.double.journal._not_before
        for key in waits:
            waits[key] -= seconds
        for window in self.double.limits._windows.values():
            moved = [at - seconds for at in window]
            window.clear()
            window.extend(moved)

    def _age_files(self, seconds):
        for path in self.renewer.state_dir.iterdir():
            if path.suffix == ".told":
                lines = [line.split(" ", 1) for line in
                         path.read_text().splitlines()]
                write_private(path, "".join(
                    f"{int(at) - seconds} {rest}\n" for at, rest in lines))
            elif path.suffix == ".token":
                with contextlib.suppress(ValueError):
                    kept = json.loads(path.read_text())
                    kept["obtained_at"] -= seconds
                    kept["replaced_at"] -= seconds
                    kept["expires_at"] -= seconds
                    write_private(path, json.dumps(kept))


@contextlib.contextmanager
def world_apart(folder, cluster, **settings):
    """A world with a site and a database that nobody else uses."""
    database = cluster.create_database()
    try:
        with Site(folder, database) as site, \
                World(folder, site, **settings) as world:
            yield world
    finally:
        cluster.drop_database(database.name)
