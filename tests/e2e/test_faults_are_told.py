"""How a fault is told: with the peer's sentence, remembered while it lasts,
and its end."""

import json
import os
import re
import shutil
import subprocess

import pytest

from graph.identity import ROLE
from support.notification import ABSENT
from support.project import RENEWER
from support.renewer import Renewer, write_private
from support.small_disks import SmallDisks, fill_disk
from support.world import HOUR, MINUTE

ENDED = "callhook-renewer: ended: "


def test_graphs_sentence(world, tenant):
    """Its first line, cleaned and cut, and kept for status and check."""
    world.double.fail("create", status=403, code="ExtensionError", times=None,
                      message="\x07Only 4230 minutes\tin ü " + "x" * 30
                      + " " + "long " * 60 + "\nSecond line")
    line = world.failing(tenant.name, "create subscription",
                         'code ExtensionError, "')
    said = re.search('"(.*)", request-id', line)[1]
    assert said.startswith("Only 4230 minutes in") or said.startswith(" Only")
    assert "Second" not in line and "\x07" not in line
    assert len(said.replace("\\xc3\\xbc", "üü")) <= 200
    assert "Only 4230 minutes" in world.past(tenant)["failure"]


@pytest.mark.parametrize("make", [
    lambda world, tenant: open(tenant.keys["client_secret_file"]).read(),
    lambda world, tenant: "eyJ0eXAi." + "Ab1" * 20 + ".c2ln",
    lambda world, tenant: "https://h.example/hook?code=hidden+word",
])
def test_no_secret_in_a_sentence(world, tenant, make):
    secret = make(world, tenant).strip()
    world.double.fail("token", status=400, code="invalid_client", times=None,
                      message=f"AADSTS1: not '{secret}' here")
    line = world.failing(tenant.name, "token")
    assert secret not in line and "hidden" not in line
    assert secret not in world.past(tenant)["failure"]
    assert "not '" in line and "***" in line


def test_its_end_is_told_and_then_it_is_new(world, tenant):
    world.double.fail("create", status=403, times=None)
    world.failing("create subscription")
    world.silently_failing()
    world.double.clear_faults()
    done = world.run()
    assert done.status == 0
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{ENDED}{tenant.name}: create subscription: ")
    done = world.run()
    assert (done.status, done.stderr) == (0, "")
    world.double.remove(world.one(tenant))
    world.pass_time(2 * HOUR)
    world.double.fail("create", status=403, times=None)
    world.failing("create subscription")    # at once: the other had ended


@pytest.mark.world(reconcile="on")
def test_a_fault_of_both_halves_of_a_run_is_told_once(world, tenant):
    """Of a token that the subscription and the lists of calls want."""
    write_private(tenant.keys["client_secret_file"], "wrong\n")
    world.failing("token: HTTP 401")
    world.silently_failing()
    world.pass_time(HOUR)
    world.failing("token: HTTP 401")


def test_another_sentence_is_the_same_fault(world, tenant):
    for number in range(2):
        world.double.clear_faults()
        world.double.fail("create", status=403, times=None,
                          message=f"Operation {number} is not allowed")
        if number == 0:
            world.failing("Operation 0")
        else:
            world.silently_failing()


# -- faults of the database ------------------------------------------------

def lasting(renewer, **details):
    """What status and check say of a database that fails each run."""
    table = renewer.run("status", **details)
    found = renewer.run("status", "--json", **details)
    checked = renewer.run("check", **details)
    assert table.status == found.status == checked.status == 1
    content = json.loads(found.stdout)
    assert content["ok"] is False
    return " ".join(table.stdout.split()), content, checked.stdout


def test_a_missing_right_is_remembered(folder, database, double):
    renewer = Renewer(folder, double, database,
                      notification_url="http://127.0.0.1:9/hook",
                      reconcile="off")
    renewer.add("contoso")
    database.execute("REVOKE EXECUTE ON FUNCTION "
                     "callhook_store.fold_notifications(integer) "
                     "FROM callhook_renewer")
    double.fail("create", status=400, times=None)
    double.subscriptions.allow_http = True
    done = renewer.run("run")
    assert done.status == 1
    [told] = [line for line in done.stderr.splitlines()
              if "database: " in line]
    assert 'SQLSTATE 42501, "permission denied for function ' in told
    assert "database: " not in renewer.run("run").stderr
    table, content, checked = lasting(renewer)
    assert "permission denied for function" in table
    assert "permission denied" in content["faults"][0]
    assert "FAULT   last runs: database: a statement failed" in checked
    assert "fold_notifications" in checked
    database.execute("GRANT EXECUTE ON FUNCTION "
                     "callhook_store.fold_notifications(integer) "
                     "TO callhook_renewer")
    done = renewer.run("run")
    assert f"{ENDED}database: a statement failed" in done.stderr
    assert json.loads(renewer.run("status", "--json").stdout)["faults"] == []


def test_a_database_that_was_away(world, tenant):
    world.quiet()
    done = world.run(environment={"PGHOST": "/nowhere"})
    assert done.status == 1
    found = json.loads(world.run("status", "--json").stdout)
    assert "only renewing what Graph shows" in found["faults"][0]
    done = world.run()
    assert done.status == 0
    assert done.stderr.startswith(f"{ENDED}database: ")


def test_a_server_that_is_read_only(folder, database, double):
    renewer = Renewer(folder, double, database,
                      notification_url="http://127.0.0.1:9/hook")
    renewer.add("contoso")
    read_only = {"PGOPTIONS": "-c default_transaction_read_only=on"}
    done = renewer.run("run", environment=read_only)
    assert done.status == 1
    assert "session is read-only" in done.stderr
    checked = renewer.run("check", environment=read_only).stdout
    assert "session is read-only" in checked
    any_server = {**read_only, "PGTARGETSESSIONATTRS": "any"}
    checked = renewer.run("check", environment=any_server).stdout
    assert "FAULT   database: the server is read-only" in checked


# -- the state folder ------------------------------------------------------

def test_a_full_state_dir(folder, world, tenant):
    with SmallDisks(folder) as disks:
        if not disks.possible():
            pytest.skip(f"no small disk here: {disks.why}")
        disk = disks.make("256k")
        state = disk / "state"
        state.mkdir(mode=0o700)
        world.renewer.settings["state_dir"] = state
        world.quiet()
        ballast = fill_disk(disk)
        done = world.run()
        assert done.status == 1
        assert f"state_dir {state}: No space left on device" in done.stderr
        for _ in range(2):
            done = world.run()
            assert (done.status, done.stderr) == (1, "")
        found = world.run("status")
        assert found.status == 1
        assert "No space left on device" in " ".join(found.stdout.split())
        ballast.unlink()
        done = world.run()
        assert done.status == 0
        assert done.stderr.startswith(f"{ENDED}state_dir ")
        assert world.run().stderr == ""


# -- what check repeats and tries ------------------------------------------

def test_check_repeats_the_last_fault(world, tenant):
    world.double.fail("create", status=403, code="ExtensionError",
                      message="not authorized for this user")
    world.failing("create subscription")
    done = world.run("check")
    assert done.status == 1
    assert re.search(f"FAULT   {tenant.name}: last runs failed, since .*: "
                     'create subscription: HTTP 403, code ExtensionError, '
                     '"not authorized for this user"', done.stdout)


def test_check_knows_what_pstn_needs(world):
    tenant = world.add(pstn="on")
    done = world.run("check")
    assert done.status == 1
    assert ("role: CallRecord-PstnCalls.Read.All is not in the token, and "
            "`pstn` needs it") in done.stdout
    world.double.register(
        tenant.tenant_id, tenant.client_id,
        secret=open(tenant.keys["client_secret_file"]).read().strip(),
        roles=(ROLE, "CallRecord-PstnCalls.Read.All"))
    done = world.run("check")
    assert "CallRecord-PstnCalls.Read.All is in the token" in done.stdout


def test_check_reads_a_record(world):
    tenant = world.add(records="on")
    done = world.run("check")
    assert "no call of the last day to read as a trial" in done.stdout
    world.double.records.add(tenant)
    done = world.run("check")
    assert "Graph: a call record can be read" in done.stdout
    world.double.fail("record", status=403)
    done = world.run("check")
    assert f"FAULT   {tenant.name}: Graph: read call record: HTTP 403" \
        in done.stdout


def test_one_tenant_is_one(world, tenant):
    assert "they have been read, 1 tenant\n" in world.run("check").stdout
    world.add()
    assert "they have been read, 2 tenants\n" in world.run("check").stdout


def test_root_is_told_who_runs_it(world, tenant):
    if os.geteuid() != 0:
        pytest.skip("only root can be told")
    os.chown(world.renewer.state_dir, 65534, 65534)
    done = world.run("status")
    assert done.status == 78
    assert "run it as the user" in done.stderr
    assert "runuser -u nobody" in done.stderr


def test_a_monitor_is_told_who_runs_it(world, tenant, folder):
    """A user who may read neither settings nor state."""
    if os.geteuid() != 0:
        pytest.skip("only root can be two others")
    program = shutil.copy(RENEWER, folder / "callhook-renewer")
    settings = folder / "renewer.conf"
    write_private(settings, world.renewer.configuration())
    os.chown(settings, 65534, 65534)
    done = subprocess.run([program, "-c", settings, "status"], user=1,
                          capture_output=True, text=True)
    assert done.returncode == 78
    assert done.stderr.splitlines()[1] == (
        "callhook-renewer: run it as the user that the settings belong to: "
        "sudo -u nobody callhook-renewer")


# -- tokens and waits ------------------------------------------------------

def test_a_token_from_before_the_consent(world, tenant):
    """A 403 gets one new token, and at most one in 5 minutes."""
    world.double.fail("token", roles=())
    world.failing("list subscriptions", "HTTP 403")
    world.asked()
    world.silently_failing()            # the token is new
    assert "token" not in world.asked()
    world.pass_time(2 * MINUTE)
    world.quiet()                       # consented meanwhile
    assert world.asked()[:3] == ["list", "token", "list"]
    world.one(tenant)
    world.pass_time(2 * HOUR)
    world.double.fail("patch", status=403, times=None)
    world.double.fail("list", status=403, times=None)
    world.failing("HTTP 403")
    world.asked()
    for minutes, tokens in ((2, 1), (2, 0), (4, 1)):
        world.pass_time(minutes * MINUTE)
        world.run()
        assert world.asked().count("token") == tokens


@pytest.mark.parametrize("wait, seconds", [
    ("300, 1, 5", "300"), ("1, 300, 99999999999999999999", "300"),
    ("300, 86401", "300"),
])
def test_several_times_to_wait(world, tenant, wait, seconds):
    world.double.fail("list", status=429, retry_after=wait)
    world.failing(f"wait {seconds} s")
    world.double.violations.clear()     # the double cannot read it


def test_a_token_without_an_end(world, tenant):
    world.double.fail("token", expires_in=ABSENT)
    world.quiet()
    world.one(tenant)
    world.pass_time(4 * MINUTE)
    world.renewer.run("token", tenant.name)
    world.asked()
    assert world.run("token", tenant.name).status == 0
    assert "token" not in world.asked()
    world.pass_time(2 * MINUTE)
    assert world.run("token", tenant.name).status == 0
    assert "token" in world.asked()


@pytest.mark.parametrize("life", [None, 3599.0, 10**30])
def test_a_token_with_an_odd_end(world, tenant, life):
    world.double.fail("token", times=None,
                      edit=lambda said: said.update(expires_in=life))
    world.quiet()
    world.one(tenant)


@pytest.mark.parametrize("life", ["", -1, -1e300])
def test_a_token_with_no_end_that_can_be_read(world, tenant, life):
    world.double.fail("token", times=None,
                      edit=lambda said: said.update(expires_in=life))
    world.failing(tenant.name, "token", "no token that we know")


@pytest.mark.parametrize("link", ["", None])
def test_a_list_that_ends_in_no_link(world, tenant, link):
    """And what is no subscription in it keeps no other one away."""
    entry = world.kept(tenant)
    world.double.fail("list", edit=lambda page: page.update({
        "value": [None, {}, {"id": None}, *page["value"]],
        "@odata.nextLink": link}))
    done = world.run("subscriptions")
    assert (done.status, done.stderr) == (0, "")
    assert entry.id in done.stdout


def test_a_byte_order_mark(world, tenant):
    world.double.fail("list", body=b'\xef\xbb\xbf{"value":[]}')
    world.quiet()
    world.one(tenant)
