"""Secrets and tokens: in memory, in their own files, and nowhere else."""

import os
import re
import shutil
import subprocess

import pytest

from support.project import RENEWER, sanitized
from support.renewer import write_private
from support.world import HOUR, world_apart


def traced(world, *arguments):
    """The program under strace: (what it printed, the trace)."""
    trace = world.renewer.folder / "trace"
    write_private(world.renewer.path, world.renewer.configuration())
    done = subprocess.run(
        [shutil.which("strace"), "-f", "-v", "-s", "200000", "-e",
         "trace=execve,write,writev,sendto,sendmsg,send,openat,rename,unlink",
         "-o", trace, RENEWER, "-c", world.renewer.path, *arguments],
        env=world.renewer.environment(), cwd="/", text=True,
        capture_output=True)
    assert done.returncode in (0, 1)
    return done.stdout + done.stderr, trace.read_text()


# What strace writes for bytes that are no printable ASCII does not matter:
# all of our secrets are.
def secrets_of(world):
    found = (world.double.identity.secrets
             | world.double.subscriptions.secrets)
    assert len(found) >= 3          # of the client, a token, a clientState
    return {secret: secret.replace("\\", "\\\\").replace('"', '\\"')
            for secret in found}


def without_token_file(trace):
    """The trace less what was written to the file that keeps the token."""
    kept, files = [], {}
    for line in trace.splitlines():
        opened = re.match(r'(\d+) +openat\(.*"([^"]*)", .*\) = (\d+)$', line)
        if opened:
            files[opened[3]] = opened[2]
        written = re.match(r"\d+ +write\((\d+), ", line)
        if written and ".token" in files.get(written[1], ""):
            continue
        kept.append(line)
    return "\n".join(kept)


@pytest.mark.parametrize("certificate", [False, True])
def test_no_secret_in_argv_or_on_stderr(world, certificate):
    """Nor to the database: TLS hides what goes to Graph."""
    tenant = world.add(certificate=certificate)
    shown, first = traced(world, "-v", "run")
    world.one(tenant)
    world.pass_time(3 * HOUR)
    world.double.fail("patch", status=403)
    failing, second = traced(world, "run")
    assert f"{tenant.name}: renew" in failing
    trace = without_token_file(first + second)
    for line in ("execve(", "write(2, ", "sendto("):
        assert line in trace
    for secret, written in secrets_of(world).items():
        assert secret not in shown + failing
        assert written not in trace


def test_a_token_is_printed_by_its_command_only(world):
    tenant = world.add()
    shown, trace = traced(world, "-v", "token", tenant.name)
    [text] = world.double.identity.tokens
    assert text in shown
    writes = [line for line in without_token_file(trace).splitlines()
              if text in line]
    assert len(writes) == 1 and "write(1, " in writes[0]


def test_the_database_holds_none(folder, cluster):
    """The whole dump: after creation, trouble, renewal, notifications."""
    with world_apart(folder, cluster) as world:
        tenant = world.add()
        world.double.fail("create", status=403)
        world.failing(tenant.name)
        entry = world.kept(tenant)
        world.notify(entry)
        world.double.lifecycle(entry, "missed")
        world.notify(entry, clientState="not this one")
        world.pass_time(2 * HOUR)
        world.double.revoke()
        world.double.fail("patch", status=400)
        world.failing(tenant.name)
        world.quiet()
        dump = world.database.dump()
        assert entry.id in dump
        assert world.double.leaks(dump) == []
        assert world.double.leaks(world.site.receiver.log()) == []
        assert "not this one" not in dump


def test_other_files_hold_none(world):
    """Of the state folder, the token's alone."""
    world.add()
    world.double.fail("create", status=403)
    world.run()
    world.quiet()
    for path in world.renewer.state_dir.iterdir():
        found = world.double.leaks(path.read_text())
        assert bool(found) == (path.suffix == ".token"), path


def test_the_process_cannot_be_looked_into(world):
    """/proc/PID/mem and core dumps are root's; argv holds paths only."""
    tenant = world.add()
    world.double.fail("create", delay=1)
    run = world.renewer.start("run")
    world.double.wait_for("create", tenant.tenant_id)
    status = os.stat(f"/proc/{run.pid}/environ")
    assert status.st_uid == 0
    shown = b""
    for name in ("cmdline", "environ"):
        with open(f"/proc/{run.pid}/{name}", "rb") as file:
            shown += file.read()
    assert world.double.leaks(shown.decode()) == []
    assert world.renewer.finish(run).status == 0


VALGRIND = [shutil.which("valgrind"), "-q", "--error-exitcode=9",
            "--leak-check=full", "--trace-children=no"]


@pytest.mark.skipif(not VALGRIND[0] or sanitized(),
                    reason="valgrind is missing, or a sanitizer is built in")
def test_valgrind_finds_nothing(world):
    tenant = world.add()
    broken = world.add()
    world.double.fail("create", tenant=broken.tenant_id, times=None,
                      status=403)
    write_private(world.renewer.path, world.renewer.configuration())
    for arguments, status in [(["run"], 1), (["subscriptions"], 0),
                              (["token", tenant.name], 0),
                              (["unsubscribe", tenant.name], 0),
                              (["-n"], 0), (["-x"], 64)]:
        done = subprocess.run(
            [*VALGRIND, RENEWER, "-c", world.renewer.path, *arguments],
            env=world.renewer.environment(), cwd="/", text=True,
            capture_output=True)
        assert done.returncode == status, done.stderr
        assert "==" not in done.stderr, done.stderr
