"""A trial: load on a receiver, a fault, and the count of what became of it.

Wherever an item was acknowledged (202) it must be in the database exactly
once in the end. What is there beyond that may only be items of requests that
were cut before their answer, or answered 503.
"""

import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time

import pytest

import servers
from servers import wait_until

HERE = pathlib.Path(__file__).resolve().parent

FULL = os.environ.get("CALLHOOK_TEST_FULL") == "1"

# What a request may take longer than CALLHOOK_ACK_MS.
MARGIN_MS = 500


# For a variant of what a quick run tries in another way.
full_only = pytest.mark.skipif(
    not FULL, reason="only with CALLHOOK_TEST_FULL=1 (make check-faults)")


def only_in_full(*values):
    """Such a variant as a parameter."""
    return pytest.param(*values, marks=full_only)


def length(quick, full):
    """Seconds or numbers of a test: of the quick run, or of the full one."""
    return full if FULL else quick


def build_tools(folder):
    """Compile sender.c and clock.c; return the folder they are in."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="tools-", dir=folder))
    compiler = os.environ.get("CC", "cc").split()
    common = [*compiler, "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall"]
    subprocess.run([*common, "-pthread", "-o", made / "sender",
                    HERE / "sender.c"], check=True)
    subprocess.run([*common, "-shared", "-fPIC", "-o", made / "clock.so",
                    HERE / "clock.c"], check=True)
    return made


# --- Load -------------------------------------------------------------------

RECORD = struct.Struct("=IHHII")


@dataclasses.dataclass
class Counts:
    """What the sender has seen so far, in items; the rest in requests."""

    acknowledged: int = 0
    later: int = 0                      # answered 503
    cut: int = 0                        # no answer, or the web server's own
    other: int = 0
    requests: int = 0
    slowest_ms: float = 0
    statuses: dict = dataclasses.field(default_factory=dict)

    def add(self, items, status, latency_us):
        if status == 202:
            self.acknowledged += items
        elif status == 503:
            self.later += items
        elif status in (0, 502, 504):
            self.cut += items
        else:
            self.other += items
        self.requests += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.slowest_ms = max(self.slowest_ms, latency_us / 1000)


class Load(servers.Service):
    """The sender: notifications with numbered calls, until it is stopped."""

    name = "sender"

    ACKNOWLEDGED, LATER, CUT, OTHER = 1, 2, 3, 4

    def __init__(self, tools, folder, door, subscription, *, connections=32,
                 items=1, rate=0, requests=0, fresh=False):
        super().__init__(folder)
        self.run = f"{random.randrange(1 << 32):08x}"
        self.record_path = self.log_path.with_suffix(".records")
        self.record_path.touch()
        self.command = [
            tools / "sender", "--to", door, "--log", self.record_path,
            "--run", self.run, "--subscription", subscription.subscription_id,
            "--tenant", subscription.tenant_id, "--secret",
            subscription.secret, "--connections", connections, "--items",
            items, "--rate", rate, "--requests", requests,
            *(["--fresh"] if fresh else [])]
        self.seen = 0
        self.total = Counts()
        self.fates = bytearray()        # of each item
        self.slow_mark = 0

    def start(self):
        self.spawn(self.command)

    def ready(self):
        return True

    def end(self, number, seconds=60):
        status = super().end(number, seconds)
        if number == self.stop_signal and status:
            raise servers.Trouble(f"the sender ended with {status}: "
                                  f"{self.log()}")
        return status

    def counts(self):
        """Read what was recorded meanwhile; the counts up to now."""
        with open(self.record_path, "rb") as records:
            records.seek(self.seen)
            data = records.read()
        whole = len(data) - len(data) % RECORD.size
        self.seen += whole
        for first, items, status, latency, _ in \
                RECORD.iter_unpack(data[:whole]):
            self.total.add(items, status, latency)
            self.slow_mark = max(self.slow_mark, latency / 1000)
            end = first + items
            if len(self.fates) < end:
                self.fates.extend(bytes(end - len(self.fates)))
            self.fates[first:end] = bytes([self.fate(status)]) * items
        return self.total

    def fate(self, status):
        return {202: self.ACKNOWLEDGED, 503: self.LATER, 0: self.CUT,
                502: self.CUT, 504: self.CUT}.get(status, self.OTHER)

    def slowest_since(self):
        """The slowest answer in ms since this was asked for the last time."""
        self.counts()
        slowest, self.slow_mark = self.slow_mark, 0
        return slowest

    def wait_for(self, more, seconds=30, what="acknowledged"):
        """Wait until so many more items are acknowledged (or ...)."""
        before = getattr(self.counts(), what)
        wait_until(lambda: not self.alive()
                   or getattr(self.counts(), what) >= before + more,
                   f"{more} more items {what}", seconds)


@dataclasses.dataclass
class Result:
    """The end of a trial, in items."""

    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    twice: int = 0
    beyond_cut: int = 0                 # stored, but the answer was cut
    beyond_later: int = 0               # stored, and answered 503
    strange: int = 0                    # stored, and should not be
    cut: int = 0
    later: int = 0
    slowest_ms: float = 0

    def __str__(self):
        return (f"acknowledged {self.acknowledged}, stored {self.stored}, "
                f"lost {self.lost}, twice {self.twice}, beyond: "
                f"{self.beyond_cut} of {self.cut} cut, {self.beyond_later} "
                f"of {self.later} with 503; slowest "
                f"{self.slowest_ms:.0f} ms")

    def sound(self):
        return not (self.lost or self.twice or self.strange)

    def __iadd__(self, other):
        for field in dataclasses.fields(self):
            mine = getattr(self, field.name)
            theirs = getattr(other, field.name)
            join = max if field.name == "slowest_ms" else int.__add__
            setattr(self, field.name, join(mine, theirs))
        return self


def stored_numbers(database, run):
    """How often each numbered item of a sender is in the database."""
    text = database.execute(f"""
        SELECT ('x' || right(call_id::text, 12))::bit(48)::bigint, count(*)
        FROM callhook_store.notifications
        WHERE call_id BETWEEN '{run}-0000-4000-8000-000000000000'
                          AND '{run}-0000-4000-8000-ffffffffffff'
        GROUP BY 1""")
    for line in text.splitlines():
        number, _, times = line.partition("|")
        yield int(number), int(times)


def judge(load, database):
    """Compare what a sender was told with what is stored."""
    counts = load.counts()
    result = Result(acknowledged=counts.acknowledged, cut=counts.cut,
                    later=counts.later, slowest_ms=counts.slowest_ms)
    missing = set()
    for number, fate in enumerate(load.fates):
        if fate == Load.ACKNOWLEDGED:
            missing.add(number)
    for number, times in stored_numbers(database, load.run):
        fate = load.fates[number] if number < len(load.fates) else 0
        result.stored += 1
        result.twice += times > 1
        if fate == Load.ACKNOWLEDGED:
            missing.discard(number)
        elif fate in (Load.CUT, 0):     # 0: the sender itself was ended
            result.beyond_cut += 1
        elif fate == Load.LATER:
            result.beyond_later += 1
        else:
            result.strange += 1
    result.lost = len(missing)
    return result


# --- The spool --------------------------------------------------------------

class Spool:
    """A spool folder as a test sees it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def _list(self, folder):
        try:
            return sorted(entry for entry in folder.iterdir()
                          if entry.is_file())
        except FileNotFoundError:
            return []

    def files(self):
        """The whole files, oldest first."""
        return [path for path in self._list(self.path)
                if not path.name.startswith(".")]

    def everything(self):
        return self._list(self.path) + self._list(self.rejected)

    def modes(self):
        """Of all files; the receiver may rename one while we look."""
        seen = set()
        for path in self.everything():
            with contextlib.suppress(FileNotFoundError):
                seen.add(stat.S_IMODE(path.stat().st_mode))
        return seen

    @property
    def rejected(self):
        return self.path / "rejected"

    def rejects(self):
        return [path for path in self._list(self.rejected)
                if path.suffix != ".reason"
                and not path.name.startswith(".")]

    def bytes(self):
        total = 0
        for path in self._list(self.path):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def empty(self):
        return not self.files()


# --- The whole --------------------------------------------------------------

class Trial:
    """A receiver with a spool and nginx before it, on a database."""

    def __init__(self, folder, tools, database, *, environment=None,
                 spool=None, nginx=True, before=None, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="t", dir=folder))
        self.tools = tools
        self.database = database
        self.spool = Spool(spool or self.folder / "spool")
        self.ack_ms = int(settings.get("CALLHOOK_ACK_MS", 2000))
        self.settings = [database.environment(),
                         {"CALLHOOK_SPOOL": self.spool.path},
                         environment or {}, settings]
        self.receiver = servers.Receiver(self.folder, *self.settings)
        self.others = []
        self.nginx = servers.Nginx(self.folder, self.receiver.path) \
            if nginx else None
        self.loads = []
        self.strange_loads = []
        self.stack = contextlib.ExitStack()
        self.subscription = None
        self.noted = None

    def note(self, counts):
        self.noted = counts

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.receiver)
            if self.nginx:
                stack.enter_context(self.nginx)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        for load in self.loads + self.strange_loads:
            with contextlib.suppress(servers.Trouble):
                load.stop()
        return self.stack.__exit__(*failure)

    def close(self):
        """End it before what it runs on is ended."""
        self.__exit__(None, None, None)

    def subscribe(self, **details):
        made = self.database.subscribe(**details)
        self.subscription = self.subscription or made
        return made

    def know(self, subscription):
        """Send one item, so that the receiver has read its secret."""
        wait_until(lambda: self.receiver.send(
            subscription.item()).status == 202, "the secret is known")

    def another_receiver(self, *settings):
        """A further process on the same socket, with the same spool."""
        other = servers.Receiver(self.folder, *self.settings, *settings,
                                 beside=self.receiver)
        self.stack.enter_context(other)
        self.others.append(other)
        return other

    def load(self, *, direct=False, subscription=None, **options):
        """Start to send; through nginx, or directly to the receiver."""
        if not (subscription or self.subscription):
            self.know(self.subscribe())
        options.setdefault("rate", 600)
        door = (self.nginx.port if self.nginx and not direct
                else self.receiver.path)
        load = Load(self.tools, self.folder, door,
                    subscription or self.subscription, **options)
        load.start()
        self.loads.append(load)
        return load

    def strangers(self, **options):
        """Start to send items with a wrong secret, which nothing may store.

        Each is doubtful: it needs a new reading of the secrets."""
        known = self.subscription
        load = self.load(subscription=servers.Subscription(
            known.subscription_id, known.tenant_id, "wrong"), **options)
        self.loads.remove(load)
        self.strange_loads.append(load)
        return load

    def health(self):
        """The status and the word of /health, asked of the receiver."""
        answer = self.receiver.request("GET", path="/callhook/health")
        return answer.status, answer.text.strip()

    def healthy(self):
        return self.health() == (200, "ok")

    def wait_for_health(self, *wanted, seconds=10):
        wait_until(lambda: self.health() == wanted, f"health {wanted}",
                   seconds)

    def wait_until_drained(self, seconds=40):
        wait_until(self.spool.empty, "the spool is empty", seconds)

    def wait_until_draining(self):
        """Within 5 s of the database's return, seen from now."""
        before = set(self.spool.files())
        if before:
            wait_until(lambda: before - set(self.spool.files()),
                       "draining begins", 5)

    def settle(self, *, more=200, seconds=40, draining=True):
        """All is well again by itself, under load; then nothing is left."""
        self.wait_for_health(200, "ok", seconds=10 if draining else seconds)
        if draining:
            self.wait_until_draining()
        for load in self.loads + self.strange_loads:
            if load.alive():
                load.wait_for(more, seconds)
                load.stop()
        self.wait_until_drained(seconds)

    def result(self):
        """Compare; the trial fails if anything is lost or there twice."""
        total = Result()
        for load in self.loads:
            total += judge(load, self.database)
        for load in self.strange_loads:
            total.strange += judge(load, self.database).stored
            total.slowest_ms = max(total.slowest_ms, load.counts().slowest_ms)
        return total


def check(trial, *, acknowledged=1, later=None, cut=None, slowest_ms=None):
    """The rule of all trials, and how many may have had no 202.

    later, cut: items at most (None: any number)."""
    result = trial.result()
    assert result.acknowledged >= acknowledged, result
    assert result.lost == 0, result
    assert result.twice == 0, result
    assert result.strange == 0, result
    assert later is None or result.later <= later, result
    assert cut is None or result.cut <= cut, result
    assert sum(load.counts().other for load in trial.loads) == 0
    assert slowest_ms is None or result.slowest_ms <= slowest_ms, result
    trial.note(str(result))
    return result


class Trials:
    """Makes trials, ends them, and notes what they counted."""

    def __init__(self, folder, tools, database, note):
        self.folder, self.tools, self.database = folder, tools, database
        self.note = note
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    def begin(self, database=None, **details):
        trial = Trial(self.folder, self.tools, database or self.database,
                      **details)
        self.stack.callback(self._note_counts, trial)
        return self.stack.enter_context(trial)

    def _note_counts(self, trial):
        if trial.noted:
            self.note("counts", trial.noted)


# --- Faults -----------------------------------------------------------------

def make_available(cluster):
    """Whatever a test did to a cluster: it serves again."""
    if not cluster.alive():
        cluster.process = None
        cluster.start()
        return
    freeze(cluster, signal.SIGCONT)


def processes(cluster):
    """The server's process and its children."""
    return [cluster.pid, *map(int, servers._children(cluster.pid))]


def freeze(cluster, number=signal.SIGSTOP):
    """Stop every process of a cluster, its first one first."""
    for pid in processes(cluster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.contextmanager
def frozen(cluster):
    """A database that hangs: SIGSTOP, and SIGCONT at the end."""
    freeze(cluster)
    try:
        yield
    finally:
        freeze(cluster, signal.SIGCONT)


def during(seconds, load=None):
    """Let a fault last; the sender must live through it."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end
               or load is not None and not load.alive(),
               "the end of the fault", seconds + 10)
    assert load is None or load.alive()


class SmallDisks:
    """File systems in memory, of a few megabytes."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.mounted = []
        self.why = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in reversed(self.mounted):
            wait_until(lambda: subprocess.run(
                ["umount", path], capture_output=True).returncode == 0,
                f"umount {path}")

    def _mount(self, path, size):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711",
             "tmpfs", path], text=True, capture_output=True)
        self.why = done.stderr.strip()
        return done.returncode == 0

    def possible(self):
        if os.geteuid() != 0:
            self.why = "only root may"
            return False
        path = tempfile.mkdtemp(prefix="disk", dir=self.folder)
        if not self._mount(path, "64k"):
            return False
        subprocess.run(["umount", path], check=True)
        return True

    def make(self, size):
        path = pathlib.Path(tempfile.mkdtemp(prefix="disk", dir=self.folder))
        if not self._mount(path, size):
            raise servers.Trouble(f"no tmpfs: {self.why}")
        self.mounted.append(path)
        return path


def fill_disk(path, leave=0):
    """Write a file until the disk has `leave` bytes left, and return it."""
    ballast = pathlib.Path(path) / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                status = os.statvfs(path)
                left = status.f_bavail * status.f_frsize - leave
                if left <= 0:
                    break
                file.write(bytes(min(left, 1 << 20)))
    return ballast


def listening_port(backlog=16):
    """A listening TCP socket on loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener
