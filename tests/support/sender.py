"""Load on a receiver, and the account of what became of each item.

Wherever an item was acknowledged (202) it must be in the database exactly
once in the end. What is there beyond that may only be items of requests that
were cut before their answer, or answered 503.
"""

import dataclasses
import random
import struct

from support.service import Service, Trouble, wait_until

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


class Load(Service):
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
            raise Trouble(f"the sender ended with {status}: "
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
