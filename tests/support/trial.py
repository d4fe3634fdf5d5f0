"""A trial: a receiver with a spool, load on it, a fault, and the count of
what became of every item."""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time

from support.nginx import Nginx
from support.notification import Subscription
from support.project import SUPPORT
from support.receiver import Receiver
from support.sender import Load, Result, judge
from support.service import Trouble, wait_until
from support.spool import Spool

# What a request may take longer than CALLHOOK_ACK_MS.
MARGIN_MS = 500


def build_tools(folder):
    """Compile sender.c and clock.c; return the folder they are in."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="tools-", dir=folder))
    compiler = os.environ.get("CC", "cc").split()
    common = [*compiler, "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall"]
    subprocess.run([*common, "-pthread", "-o", made / "sender",
                    SUPPORT / "sender.c"], check=True)
    subprocess.run([*common, "-shared", "-fPIC", "-o", made / "clock.so",
                    SUPPORT / "clock.c"], check=True)
    return made


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
        self.receiver = Receiver(self.folder, *self.settings)
        self.others = []
        self.nginx = Nginx(self.folder, self.receiver.path) \
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
            with contextlib.suppress(Trouble):
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
        other = Receiver(self.folder, *self.settings, *settings,
                                 beside=self.receiver)
        self.stack.enter_context(other)
        self.others.append(other)
        return other

    def load(self, *, direct=False, subscription=None, until=0, **options):
        """Start to send; through nginx, or directly to the receiver.

        until: back when so many items are acknowledged."""
        if not (subscription or self.subscription):
            self.know(self.subscribe())
        options.setdefault("rate", 600)
        door = (self.nginx.port if self.nginx and not direct
                else self.receiver.path)
        load = Load(self.tools, self.folder, door,
                    subscription or self.subscription, **options)
        load.start()
        self.loads.append(load)
        load.wait_for(until)
        return load

    def strangers(self, **options):
        """Start to send items with a wrong secret, which nothing may store.

        Each is doubtful: it needs a new reading of the secrets."""
        known = self.subscription
        load = self.load(subscription=Subscription(
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


def recovers(trial, *, acknowledged=1, later=None, cut=None, slowest_ms=None,
             **settling):
    """All is well again by itself, and the rule of all trials holds."""
    trial.settle(**settling)
    return check(trial, acknowledged=acknowledged, later=later, cut=cut,
                 slowest_ms=slowest_ms)


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


def during(seconds, load=None):
    """Let a fault last; the sender must live through it."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end
               or load is not None and not load.alive(),
               "the end of the fault", seconds + 10)
    assert load is None or load.alive()


def listening_port(backlog=16):
    """A listening TCP socket on loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener
