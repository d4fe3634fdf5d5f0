"""One run of one variant: load it, measure it, check what it stored."""

import contextlib
import os
import pathlib
import re
import shutil
import time

import load
import measure
from support.postgres import Cluster
from support.service import Trouble

COPY_ROWS = 300000
LOCK = ("BEGIN; LOCK TABLE callhook_store.notifications "
        "IN ACCESS EXCLUSIVE MODE")
COPIED_COLUMNS = ("notification_id, received_at, tenant_id, subscription_id, "
                  "change_type, call_id, resource, subscription_expires_at, "
                  "forwarded_for")
COPIED = f"""
    SELECT gen_random_uuid(), now() + n * interval '1 us',
           gen_random_uuid(), gen_random_uuid(), 'updated', call_id,
           'communications/callRecords/' || call_id,
           now() + interval '1 day', '127.0.0.1'
    FROM (SELECT n, gen_random_uuid() AS call_id
          FROM generate_series(1, {COPY_ROWS}) AS n) AS calls"""


class MeasuredCluster(Cluster):
    """PostgreSQL with its defaults, but for the size of its buffers."""

    SETTINGS = {**Cluster.SETTINGS, "fsync": "on", "shared_buffers": "256MB",
                "max_connections": "120"}

    def __init__(self, folder, is_slow=False):
        super().__init__(folder)
        self.is_slow = is_slow
        self.delay = self.folder / "fsync_delay"

    def spawn(self, command, **options):
        if self.is_slow:
            # The database's user must be able to read it.
            shim = self.folder / "fsync_delay.so"
            shutil.copy(load.BUILD / "fsync_delay.so", shim)
            self.set_delay(0)
            options["env"] = {**os.environ, "LD_PRELOAD": str(shim),
                              "FSYNC_DELAY_FILE": str(self.delay)}
        super().spawn(command, **options)

    def set_delay(self, delay_us):
        """From now on each fsync takes so long, in microseconds."""
        if not self.delay.exists():
            self.delay.write_bytes(bytes(4))
        with open(self.delay, "r+b") as file:   # it is mapped: never anew
            file.write(delay_us.to_bytes(4, "little"))


def answered_well(got):
    """How many requests; each of a run must be, but for those at its end."""
    if got["broken"] or got["refused"] or not got["requests"]:
        raise Trouble(f"{got['requests']} requests, {got['refused']} "
                              f"of them refused, and {got['broken']} broken")
    return got["requests"]


class Place:
    """Where a case is measured: a database and a subscription of its own."""

    def __init__(self, folder, case, seconds):
        self.folder = folder
        self.case = case
        self.seconds = seconds

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.cluster = stack.enter_context(
                MeasuredCluster(self.folder, self.case.delay_us > 0))
            self.database = self.cluster.create_database()
            self.subscription = self.database.subscribe()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        return self._stack.__exit__(*failure)

    def clear(self):
        self.database.execute("TRUNCATE callhook_store.notifications")
        self.database.execute("CHECKPOINT")

    def settled_count(self):
        """The rows, once nothing that was in flight is still on its way."""
        last, since = self.count(), time.monotonic()
        while time.monotonic() - since < 0.2:
            time.sleep(0.05)
            count = self.count()
            if count != last:
                last, since = count, time.monotonic()
        return last

    def check_rows(self, before, answered, in_flight):
        """Rows must be there for each 202, and few without one."""
        rows = self.settled_count() - before
        if not answered <= rows <= answered + in_flight:
            raise Trouble(f"{answered} items answered with 202, "
                                  f"{rows} rows stored")
        return rows

    def run(self, variant):
        """Clear the table, start the variant, run it: its figures."""
        self.clear()
        if self.cluster.is_slow:
            self.cluster.set_delay(0 if variant.fast_disk
                                   else self.case.delay_us)
        run = getattr(self, "_" + variant.run)
        if variant.place is None:
            return run(variant)
        folder = self.folder / variant.name
        folder.mkdir(mode=0o711)
        try:
            with variant.place(folder, self.database) as target:
                return run(variant, target)
        except Trouble as trouble:
            logs = "".join(log.read_text(errors="replace")[-2000:]
                           for log in folder.glob("*.log"))
            raise Trouble(f"{trouble}\n{logs}") from None
        finally:
            shutil.rmtree(folder)

    def count(self):
        """The rows that are checked against the answers."""
        return self.database.count()

    def wrk(self, variant, target, seconds):
        return load.Wrk(target, self.subscription, self.case.items,
                        variant.connections or self.case.connections, seconds)

    def _warm_up(self, variant, target):
        """A short run; the sessions are counted in the midst of it."""
        with self.wrk(variant, target, variant.warm) as wrk:
            time.sleep(0.6 * variant.warm)
            sessions = measure.connections(self.database)
            return wrk.result(), sessions

    def _full(self, variant, target):
        """At full speed."""
        case = self.case
        before = self.count()
        warm, sessions = self._warm_up(variant, target)
        pids = target.pids()
        servants = measure.descendants(self.cluster.pid)
        used = measure.cpu_us(pids), measure.cpu_us(servants)
        with self.wrk(variant, target, self.seconds) as wrk:
            time.sleep(0.8 * self.seconds)
            pss = measure.pss_mib(target.pids())
            got = wrk.result()
        used = (measure.cpu_us(pids) - used[0],
                measure.cpu_us(servants) - used[1])
        good = answered_well(got)
        per = max(case.items, 1)
        result = {
            "requests/s": good / got["seconds"],
            "items/s": good * case.items / got["seconds"],
            "p50": got["p50"], "p99": got["p99"], "p99.9": got["p99.9"],
            "max": got["max"], "CPU": used[0] / (good * per),
            "PSS": pss, "sessions": sessions, "answered": good * case.items,
        }
        if variant.stores and case.items:
            result["CPU PostgreSQL"] = used[1] / (good * case.items)
            answered = (good + answered_well(warm)) * case.items
            result["surplus"] = self.check_rows(
                before, answered, 2 * case.connections * case.items) - answered
        if self._comes_and_goes(pids, target):
            result.pop("CPU")
            result.pop("CPU PostgreSQL", None)
        return result

    @staticmethod
    def _comes_and_goes(pids, target):
        """Processes that live for one request have no lasting account."""
        return not set(pids) & set(target.pids())

    def _half(self, variant, target):
        """At half of what the same process has just reached."""
        before = self.count()
        warm, sessions = self._warm_up(variant, target)
        with self.wrk(variant, target, self.seconds) as wrk:
            full = wrk.result()
        self.settled_count()
        rate = full["requests"] / full["seconds"] / 2
        got = load.paced(target, self.subscription, rate, 2 * self.seconds)
        good = answered_well(got)
        answered = good + answered_well(warm) + answered_well(full)
        rows = self.check_rows(before, answered, 2 * self.case.connections)
        return {"requests/s": good / got["seconds"],
                "items/s": good / got["seconds"], "p50": got["p50"],
                "p99": got["p99"], "p99.9": got["p99.9"], "max": got["max"],
                "PSS": measure.pss_mib(target.pids()), "sessions": sessions,
                "answered": good, "surplus": rows - answered}

    def _flight(self, variant, target):
        """Memory and sessions while all requests wait for a locked table."""
        before = self.count()
        warm, _ = self._warm_up(variant, target)
        with self.wrk(variant, target, 2) as wrk:
            time.sleep(0.5)
            with self.database.session() as session:
                session.run(LOCK)
                # By now each of wrk's connections waits for its answer.
                time.sleep(0.5)
                pss = measure.pss_mib(target.pids())
                sessions = measure.connections(self.database)
                session.run("ROLLBACK")
            got = wrk.result()
        answered = answered_well(warm) + answered_well(got)
        rows = self.check_rows(before, answered, 2 * self.case.connections)
        return {"PSS": pss, "sessions": sessions,
                "surplus": rows - answered}

    def _copy(self, _):
        """psql's text COPY of a file into the same table."""
        path = self.folder / "rows.text"
        if not path.exists():
            done = self.cluster.psql(
                "-q", "-c", f"\\copy ({' '.join(COPIED.split())}) "
                f"TO {path}", database=self.database.name)
            if done.returncode != 0:
                raise Trouble(done.stderr)
        done = self.cluster.psql(
            "-c", "\\timing on", "-c",
            f"\\copy callhook_store.notifications ({COPIED_COLUMNS}) "
            f"FROM {path}", "-c", "SELECT pg_sleep(0)",
            database=self.database.name, user="test_receiver")
        times = re.findall(r"^Time: ([0-9.]+) ms", done.stdout, re.M)
        if f"COPY {COPY_ROWS}" not in done.stdout or not times:
            raise Trouble(done.stdout + done.stderr)
        self.check_rows(0, COPY_ROWS, 0)
        return {"items/s": COPY_ROWS / float(times[0]) * 1000,
                "answered": COPY_ROWS, "surplus": 0}


def machine():
    """What the figures were measured on."""
    model = re.search(r"model name\s*: (.*)",
                      pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{os.cpu_count()} x {model.group(1) if model else 'CPU'}, "
            f"Linux {os.uname().release}")
