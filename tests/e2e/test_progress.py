"""Long work shows how far it is, on a terminal and nowhere else."""

import re
import shutil
import subprocess

import pytest

from support.notification import collection
from support.project import PROGRAM, RENEWER
from support.receiver import run_cgi
from support.records_world import RecordsWorld
from support.renewer import write_private
from support.service import minimal_environment
from support.spool import Spool
from support.terminal import Terminal
from support.world import DAY

FILES = 130                     # three transactions of a drain

pytestmark = [pytest.mark.world(kind=RecordsWorld, quota="off"),
              pytest.mark.subscribed]

def slow_down(database, seconds):
    """Each row that is stored takes so long."""
    database.execute(f"""
        CREATE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END';
        CREATE TRIGGER slowly AFTER INSERT ON callhook_store.notifications
            EXECUTE FUNCTION public.slowly()""")


def rewritten(terminal):
    """Each state of the line, in order."""
    return [part.rstrip() for part in re.split(r"[\r\n]+", terminal.raw)
            if " of " in part]


# -- callhook --drain ------------------------------------------------------

@pytest.fixture
def spool(folder, database, subscription):
    """A spool with files that the database takes."""
    made = Spool(folder / f"spool-{database.name}")
    state = database.subscribe()
    run_cgi(database.environment(),
            {"CALLHOOK_SPOOL": made.path, "PGHOST": made.path / "nowhere",
             "CALLHOOK_CLIENT_STATE": state.item()["clientState"]},
            body=collection(state.item()))
    [first] = made.files()
    begun, _, rest = first.name.partition("-")
    for number in range(1, FILES):
        name = f"{int(begun, 16) + number:0{len(begun)}x}-{rest}"
        shutil.copy2(first, made.path / name)
    return made


def settings(database, spool):
    return minimal_environment(database.environment(),
                               {"CALLHOOK_SPOOL": str(spool.path)})


def test_a_drain_shows_its_files_and_then_nothing(database, spool):
    slow_down(database, 0.012)
    with Terminal([PROGRAM, "--drain"], settings(database, spool)) as terminal:
        status, lines = terminal.end()
        states = rewritten(terminal)
    assert (status, spool.files()) == (0, [])
    assert lines == [f"callhook: from the spool, {FILES} items are stored, "
                     "0 refused", ""]
    assert states[0] == f"spool: 0 of {FILES} files"
    assert any(re.fullmatch(
        rf"spool: 128 of {FILES} files, \d+/s, \d s left", state)
        for state in states), states


def test_ctrl_c_leaves_a_whole_line(database, spool):
    slow_down(database, 1)
    with Terminal([PROGRAM, "--drain"], settings(database, spool)) as terminal:
        terminal.wait_for(" files")
        lines = terminal.interrupted()
    assert len(spool.files()) == FILES
    assert lines == [f"spool: 0 of {FILES} files^C", ""]


def test_a_narrow_terminal_has_one_line_of_it(database, spool):
    slow_down(database, 1)
    with Terminal([PROGRAM, "--drain"], settings(database, spool),
                  12) as terminal:
        terminal.wait_for("spool: 0 of")
        assert terminal.interrupted() == ["spool: 0 of^C", ""]


def test_a_message_has_its_line_alone(database, spool):
    spool.files()[0].write_bytes(b"damaged")
    with Terminal([PROGRAM, "--drain"], settings(database, spool)) as terminal:
        status, lines = terminal.end()
    assert status == 1
    assert all(line.startswith("callhook: ") for line in lines[:-1]), lines
    assert len(lines) == 3


def test_a_pipe_has_none_of_it(database, spool):
    done = subprocess.run([PROGRAM, "--drain"], cwd="/", timeout=60,
                          capture_output=True, text=True,
                          env=settings(database, spool))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (f"callhook: from the spool, {FILES} items are "
                           "stored, 0 refused\n")


# -- callhook-renewer ------------------------------------------------------

def on_terminal(world, *words):
    renewer = world.renewer
    write_private(renewer.path, renewer.configuration())
    return Terminal([RENEWER, "-c", renewer.path, *words],
                    renewer.environment())


def test_fetch_shows_records(world, tenant):
    calls = [world.happen(tenant, notified=0) for _ in range(6)]
    world.double.fail("record", after=5, delay=2)
    with on_terminal(world, "fetch", tenant.name,
                     *[call.id for call in calls]) as terminal:
        status, lines = terminal.end()
        states = rewritten(terminal)
    assert status == 0
    assert lines == sorted(f"{call.id}  stored, version 1"
                           for call in calls) + [""]
    name = f"{tenant.name}: call records: "
    assert states[0] == name + "0 of 6 read"
    assert any(re.fullmatch(name + r"5 of 6 read, \d+/(s|min), \d s left",
                            state) for state in states), states


def test_reconcile_shows_the_time_that_is_listed(world, tenant):
    call = world.happen(tenant, notified=0,
                        begin=world.double.clock.now() - 2 * DAY)
    # The first span is read; the second one takes its time.
    world.double.fail("records", after=1, delay=1.5)
    with on_terminal(world, "reconcile", tenant.name,
                     "--reread") as terminal:
        status, lines = terminal.end()
        states = rewritten(terminal)
    assert status == 0
    assert lines[0].startswith(f"{tenant.name}: 1 calls at Graph, 1 were")
    assert lines[1:] == [f"{tenant.name}: 1 records to be read again: done",
                         ""]
    assert world.state(call) == "stored"
    hours = rf"{tenant.name}: list of calls: (\d+) of 720 hours"
    seen = [re.match(hours, state) for state in states]
    assert seen[0] and seen[0][1] == "0"
    assert seen[1] and 0 < int(seen[1][1]) < 720
    # One record is read faster than the line is written again.
    assert re.match(rf"{tenant.name}: call records: [01] of 1 read",
                    states[-1])


def test_ctrl_c_ends_reconcile_with_a_whole_line(world, tenant):
    world.double.fail("records", delay=20)
    with on_terminal(world, "reconcile", tenant.name) as terminal:
        terminal.wait_for("0 of 720 hours")
        lines = terminal.interrupted()
    assert lines == [f"{tenant.name}: list of calls: 0 of 720 hours^C", ""]


def test_load_shows_its_rows(world, tenant, folder):
    path = folder / f"{tenant.name}.csv"
    path.write_text("id,name\n" + "".join(f"q{n},Queue {n}\n"
                                          for n in range(50)))
    with on_terminal(world, "load", "queue", tenant.name, path) as terminal:
        status, lines = terminal.end()
        states = rewritten(terminal)
    assert (status, lines) == (0, [""])
    assert states == [f"{tenant.name}: queue: 0 of "
                      f"{path.stat().st_size} bytes read",
                      f"{tenant.name}: queue: 0 of 50 rows stored"]


def test_a_file_has_none_of_the_renewers(world, tenant, folder):
    call = world.happen(tenant, notified=0)
    for words in (["fetch", tenant.name, call.id],
                  ["reconcile", tenant.name, "--reread"]):
        done = world.run(*words)
        assert (done.status, done.stderr) == (0, ""), words
        assert "\r" not in done.stdout
