"""A thousand tenants: what a run costs when nothing is due, and when all is.

CALLHOOK_TEST_FULL=1: a thousand of them, else fewer."""

import contextlib
import os
import struct
import time
import uuid

from support.project import sanitized
from support.trial import build_tools
from support.world import HOUR, MINUTE

FULL = os.environ.get("CALLHOOK_TEST_FULL") == "1"
TENANTS = 1000 if FULL else 150
MEBIBYTE = 1 << 20


def peak_of(pid):
    """The most memory that the process has had so far; 0: it has ended."""
    # Not getrusage()'s: that one begins with what we had when we forked.
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def measured(world):
    """One run: status, what it printed, its seconds and its peak bytes."""
    begun = time.monotonic()
    process = world.renewer.start("run")
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_of(process.pid))
        time.sleep(0.002)
    seconds = time.monotonic() - begun
    done = world.renewer.finish(process)
    return done.status, done.stdout + done.stderr, seconds, peak


def report(capsys, what, seconds, peak):
    with capsys.disabled():
        print(f"\n{TENANTS} tenants, {what}: {seconds:.2f} s, "
              f"{peak / MEBIBYTE:.1f} MiB", flush=True)


def test_many_tenants(world, capsys):
    """Of one application, as a provider has it: its limits are shared."""
    client_id, secret = str(uuid.uuid4()), "one secret for all of them"
    tenants = [world.add(client_id=client_id, secret=secret)
               for _ in range(TENANTS)]
    status, said, seconds, peak = measured(world)
    report(capsys, "creating all", seconds, peak)
    for _ in range(5):                  # a slow machine needs another run
        if status == 0:
            break
        assert said == ""
        status, said, *_ = measured(world)
    assert (status, said) == (0, "")
    for _ in range(5):
        if len(world.live()) == TENANTS:
            break
        world.quiet()
    for tenant in tenants[::37]:
        world.one(tenant)

    connections = (world.double.login.connections
                   + world.double.graph.connections)
    world.asked()
    status, said, seconds, peak = measured(world)
    report(capsys, "nothing due", seconds, peak)
    assert (status, said) == (0, "")
    assert world.asked() == []
    assert connections == (world.double.login.connections
                           + world.double.graph.connections)
    assert sanitized() or seconds < 1

    world.pass_time(2 * HOUR)
    status, said, seconds, peak = measured(world)
    report(capsys, "renewing all", seconds, peak)
    assert (status, said) == (0, "")
    assert seconds < 45
    assert sanitized() or peak < 64 * MEBIBYTE
    assert [entry.renewals for entry in world.live()] == [1] * TENANTS


def test_without_a_database_each_has_its_turn(folder, world):
    """Its lists are shared by so many that a run serves half of them: not the
    same half, whatever the interval of cron (each second minute is 60
    tenants' turns, i.e. the same start again)."""
    client_id, secret = str(uuid.uuid4()), "one secret for all of them"
    for _ in range(60):
        world.add(client_id=client_id, secret=secret)
    world.quiet()
    assert len(world.live()) == 60
    shift = folder / "shift-of-turns"
    away = {"PGHOST": "/nowhere", "CLOCK_SHIFT": shift,
            "LD_PRELOAD": build_tools(folder) / "clock.so",
            "ASAN_OPTIONS": "verify_asan_link_order=0"}
    begun = -int(time.time()) % 60      # the next whole minute
    world.pass_time(2 * HOUR)
    for run in range(20):
        shift.write_bytes(struct.pack("=q", begun + run * 2 * MINUTE))
        assert world.run(environment=away).status == 1
        world.pass_time(2 * MINUTE)
        if all(entry.renewals for entry in world.live()):
            break
    assert [entry.renewals for entry in world.live()] == [1] * 60
