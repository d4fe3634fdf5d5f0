"""What the tests of call records share: a world whose tenants are read.

    with RecordsWorld(folder, site) as world:
        tenant = world.subscribed()
        call = world.happen(tenant)
        world.quiet()
        assert world.state(call) == "stored"
"""

import copy
import time

from graph.courier import change_item
from support.record_store import Store
from support.record_walk import Walk
from support.world import World

MEBIBYTE = 1 << 20
BATCH = 200                     # items of a notification

# What moves back when time is to pass, beside what World knows.
_TIMES = {
    "calls": ("first_notified_at", "last_notified_at", "filed_at",
              "listed_at", "read_at", "next_read_at"),
    "listings": ("begins_at", "ends_at", "listed_at"),
}


class RecordsWorld(World):
    """Records are read; nothing is listed unless a test wants it."""

    def __init__(self, folder, site, **settings):
        super().__init__(folder, site, **{
            "records": "on", "reconcile": "off", **settings})
        self.records = self.double.records
        self.logs = self.double.phone_logs
        if settings.get("quota") == "off":
            self.double.limits.lift("record")

    def subscribed(self, **keys):
        """A tenant with a subscription."""
        tenant = self.add(**keys)
        self.quiet()
        return tenant

    def age_database(self, seconds):
        # What comes in afterwards is from after that time.
        self.database.query("SELECT callhook_store.fold_notifications()",
                            "test_renewer")
        super().age_database(seconds)
        for tenant in self.renewer.tenants.values():
            for table, columns in _TIMES.items():
                changes = ", ".join(
                    f"{name} = {name} - interval '{seconds} seconds'"
                    for name in columns)
                self.database.execute(
                    f"UPDATE callhook_store.{table} SET {changes} "
                    f"WHERE tenant_id = '{tenant.tenant_id}'")

    # -- what happens ------------------------------------------------------

    def happen(self, tenant, *, notified=1, **details):
        """A call that Graph has, and has told of so often."""
        call = self.records.add(tenant, **details)
        for _ in range(notified):
            self.tell(tenant, call)
        return call

    def tell(self, tenant, *calls):
        """Notifications of these calls, in this order."""
        [entry] = self.live(tenant)
        for start in range(0, len(calls), BATCH):
            status = self.double.courier.deliver(
                entry.notification_url,
                *[change_item(entry, call.id)
                  for call in calls[start:start + BATCH]])
            assert status == 202

    def make_due(self, tenant):
        """What waits for a later time is read by the next run."""
        self.database.execute(f"""
            UPDATE callhook_store.calls SET next_read_at = now()
            WHERE tenant_id = '{tenant.tenant_id}'
              AND next_read_at IS NOT NULL""")

    def read_all(self, tenant, runs=8):
        """Runs until nothing waits; what fails at first may not show."""
        for _ in range(runs):
            self.quiet()
            if not self.waiting(tenant):
                return
            self.make_due(tenant)
        raise AssertionError(f"{self.waiting(tenant)} records still wait")

    def waiting(self, tenant):
        [row] = self.database.query(f"""
            SELECT count(*) AS n FROM callhook_store.calls
            WHERE tenant_id = '{tenant.tenant_id}'
              AND next_read_at IS NOT NULL""")
        return row["n"]

    # -- what there is -----------------------------------------------------

    def store(self, tenant):
        return Store(self.database, tenant.tenant_id)

    def known(self, call):
        """The call's row of the view, or None."""
        rows = self._view("calls", call)
        return rows[0] if rows else None

    def state(self, call):
        return self.known(call)["record_state"]

    def version(self, call):
        return self.known(call)["version"]

    def failure(self, call):
        """How its last reading failed: status, code, request id."""
        [row] = self.database.query(f"""
            SELECT error_status, error_code, error_request_id
            FROM callhook_store.calls WHERE call_id = '{call.id}'""")
        return tuple(row.values())

    def count(self, view, call):
        [row] = self.database.query(
            f"SELECT count(*) AS n FROM callhook.{view} "
            f"WHERE call_id = '{call.id}'", "test_reader")
        return row["n"]

    def _view(self, view, call):
        return self.database.query(
            f"SELECT * FROM callhook.{view} WHERE call_id = '{call.id}' "
            "ORDER BY 1", "test_reader")

    def versions_of(self, tenant):
        """Call id to version, of the records that are stored."""
        return {row["call_id"]: row["version"] for row in self.database.query(
            "SELECT call_id, version FROM callhook.calls "
            f"WHERE tenant_id = '{tenant.tenant_id}' "
            "AND record_state = 'stored'", "test_reader")}

    def graphs_versions(self, tenant):
        """The same as Graph has it."""
        return {call.id: call.version for call in self.records.calls(tenant)}

    def completeness(self, tenant):
        """The sums of the view's numbers over all days."""
        names = ("calls", "listed", "notified", "only_listed", "stored",
                 "newest_version", "missing", "gone")
        sums = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}"
                         for name in names)
        [row] = self.database.query(
            f"SELECT {sums} FROM callhook.completeness "
            f"WHERE tenant_id = '{tenant.tenant_id}'", "test_reader")
        return row

    def assert_whole(self, call):
        """Every value of Graph's newest version is stored."""
        content = copy.deepcopy(call.content)
        record = {**content.head, "sessions": content.sessions,
                  "participants_v2": content.participants}
        without_replaced(record)
        tenant = [tenant for tenant in self.renewer.tenants.values()
                  if tenant.tenant_id == call.tenant_id][0]
        walk = Walk(self.store(tenant), call.id)
        walk.record(record)
        return walk.leaves


def without_replaced(part):
    """Takes away the deprecated members beside those that come first."""
    if isinstance(part, list):
        for entry in part:
            without_replaced(entry)
    elif isinstance(part, dict):
        if "organizer_v2" in part:
            part.pop("organizer", None)
            part.pop("participants", None)
        if "associatedIdentity" in part:
            part.pop("identity", None)
        for value in part.values():
            without_replaced(value)


class Peak:
    """A process, its seconds and the most memory that it had."""

    def __init__(self, world, *arguments):
        begun = time.monotonic()
        process = world.renewer.start(*arguments)
        self.bytes = 0
        while process.poll() is None:
            self._look(process.pid)
            time.sleep(0.002)
        self.seconds = time.monotonic() - begun
        self.done = world.renewer.finish(process)

    def _look(self, pid):
        try:
            with open(f"/proc/{pid}/status") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        self.bytes = max(self.bytes,
                                         int(line.split()[1]) * 1024)
        except OSError:
            pass                        # it has ended

    def quiet(self):
        done = self.done
        assert (done.status, done.stdout, done.stderr) == (0, "", "")
