"""callhook --drain, killed or failed at each of its system calls on files.

What it files in rejected/, sets aside or removes is done in steps; whichever
of them was the last, the next run ends where an undisturbed one does.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import uuid

import pytest

from support.notification import collection
from support.database import Database
from support.full import length
from support.project import PROGRAM
from support.receiver import run_cgi
from support.service import minimal_environment

CONSTRAINT = """
    ALTER TABLE callhook_store.notifications
    ADD CONSTRAINT no_such CHECK (resource NOT LIKE '%/refuse')"""

# What changes a file or a folder, and the rest that touches them.
CHANGES = ("write", "fsync", "mkdirat", "renameat", "unlink", "unlinkat")
CALLS = (*CHANGES, "openat", "read", "pread64", "close", "flock",
         "newfstatat", "faccessat2")

FAULTS = {
    "killed": (length(CHANGES, CALLS), "signal=KILL"),
    "no space": (("openat", "write", "fsync", "mkdirat", "renameat"),
                 "error=ENOSPC"),
    "broken disk": (length(("write", "fsync", "renameat", "unlink"),
                           ("openat", "read", *CHANGES)), "error=EIO"),
}

# "renameat2(5, ...": one of ours if a file of the spool is named, or a
# descriptor of one (-y prints its path).
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)")


@dataclasses.dataclass
class Scene:
    """A spool with a good row, one that the database refuses, a damaged file."""

    folder: pathlib.Path
    database: Database
    settings: dict
    good: list
    bad: dict

    def drain(self, *wrapper, out=None):
        return subprocess.run(
            [*wrapper, PROGRAM, "--drain"], cwd="/", timeout=60,
            capture_output=True, text=True,
            env=minimal_environment(
                self.settings, {"ASAN_OPTIONS": "detect_leaks=0"}))

    def files(self):
        return {str(path.relative_to(self.folder))
                for path in self.folder.rglob("*") if not path.is_dir()}

    def age(self):
        """What a dead process left is swept when it is hours old."""
        for path in self.folder.rglob("*"):
            if not path.is_dir():
                os.utime(path, (path.stat().st_mtime - 7200,) * 2)

    def restore(self, template):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(template, self.folder)
        self.database.execute("TRUNCATE callhook_store.notifications")


def spool_items(scene, *items):
    """A spool file of these items, made by the program with no database."""
    before = scene.files()
    answer = run_cgi(
        scene.settings, {"PGHOST": str(scene.folder / "nowhere"),
                         "CALLHOOK_CLIENT_STATE": items[0]["clientState"]},
        body=collection(*items))
    assert answer.status == 202, answer
    [made] = scene.files() - before
    return scene.folder / made


@pytest.fixture
def scene(folder, database):
    database.alter(CONSTRAINT)
    subscription = database.subscribe()
    spool = folder / f"spool-{uuid.uuid4()}"
    spool.mkdir(mode=0o700)
    bad = subscription.item()
    bad["resource"] += "/refuse"
    made = Scene(spool, database,
                 {**database.environment(), "CALLHOOK_SPOOL": str(spool)},
                 [subscription.item() for _ in range(3)], bad)
    spool_items(made, made.good[0], bad, made.good[1])
    damaged = spool_items(made, made.good[2])
    damaged.write_bytes(damaged.read_bytes()[:-1])
    yield made
    shutil.rmtree(spool, ignore_errors=True)


def calls_on_files(scene, log):
    """[(name, ordinal)]: the system calls of a run that concern the spool."""
    seen, found = {}, []
    scene.drain("strace", "-f", "-y", "-o", str(log),
                "-e", "trace=" + ",".join(CALLS))
    for line in log.read_text().splitlines():
        call = CALL.match(line)
        if call:
            name, rest = call.groups()
            seen[name] = seen.get(name, 0) + 1
            if str(scene.folder) in rest:
                found.append((name, seen[name]))
    return found


def assert_settled(scene, expected, where):
    scene.drain()
    scene.age()
    last = scene.drain()
    assert scene.files() == expected, where
    assert last.returncode == 0, (where, last.stderr)
    for path in scene.folder.joinpath("rejected").glob("*.reason"):
        assert len(path.read_text().splitlines()) == 1, where
        assert path.with_suffix("").exists(), where
    calls = [row["call_id"] for row in scene.database.query(
        "SELECT call_id FROM callhook_store.notifications")]
    assert sorted(calls) == sorted(
        item["resourceData"]["id"] for item in scene.good[:2]), where


@pytest.mark.parametrize("fault", FAULTS)
def test_drain_is_whole_after_a_fault_anywhere(scene, fault, tmp_path):
    names, how = FAULTS[fault]
    template = tmp_path / "template"
    shutil.copytree(scene.folder, template)
    points = calls_on_files(scene, tmp_path / "trace")
    expected = scene.files()
    assert len(expected) == 4, expected         # two files and their reasons
    points = [point for point in points if point[0] in names]
    assert len(points) >= 8, points
    for name, ordinal in points:
        scene.restore(template)
        hurt = scene.drain(
            "strace", "-f", "-o", "/dev/null", "-e", f"trace={name}",
            "-e", f"inject={name}:{how}:when={ordinal}")
        where = f"{fault} at {name} {ordinal}: {hurt.stderr}"
        assert "Sanitizer" not in hurt.stderr, where
        assert_settled(scene, expected, where)
