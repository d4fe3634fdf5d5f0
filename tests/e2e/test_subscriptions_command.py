"""The commands subscriptions, unsubscribe and token; -n and the settings."""

import json
import os
import time
import uuid

import pytest

from support.renewer import write_private
from support.world import HOUR, MINUTE

AWAY = {"PGHOST": "/nowhere"}


# -- subscriptions ---------------------------------------------------------

def test_nothing_there(world, tenant):
    done = world.run("subscriptions")
    assert (done.status, done.stdout, done.stderr) == (
        0, f"{tenant.name}: 0\n", "")


def test_own_and_foreign(world, tenant):
    entry = world.kept(tenant)
    foreign = world.double.plant(
        tenant.tenant_id, tenant.client_id, change_type="created",
        notification_url="https://elsewhere.example.com/x\x1b[31m\nä")
    done = world.run("subscriptions")
    assert (done.status, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == f"{tenant.name}: 2"
    assert f"{entry.id}  own" in lines
    assert f"{foreign.id}  foreign" in lines
    assert f"notification URL {world.url}" in lines
    assert f"lifecycle URL    {world.url}" in lines
    assert "resource         communications/callRecords" in lines
    assert "change type      created" in lines
    # A peer's text does nothing to the terminal.
    assert "notification URL https://elsewhere.example.com/x?[31m???" in lines
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                            time.gmtime(entry.expires_at))
    assert f"expires          {expires}" in lines


def test_all_tenants_and_one_that_fails(world, tenant):
    broken = world.add()
    world.quiet()
    world.double.fail("list", tenant=broken.tenant_id, status=403)
    done = world.run("subscriptions")
    assert done.status == 1
    assert f"{tenant.name}: 1\n" in done.stdout
    [line] = done.stderr.splitlines()
    assert f"{broken.name}: list subscriptions: HTTP 403" in line
    # A command that somebody has typed tells it each time.
    world.double.fail("list", tenant=broken.tenant_id, status=403)
    assert len(world.run("subscriptions").stderr.splitlines()) == 1


def test_subscriptions_without_a_database(world, tenant):
    world.quiet()
    done = world.run("subscriptions", environment=AWAY)
    assert done.status == 1
    assert f"{tenant.name}: 1\n" in done.stdout
    assert done.stderr.startswith("callhook-renewer: database: ")


# -- unsubscribe -----------------------------------------------------------

def test_unsubscribe(world, tenant):
    entry = world.kept(tenant)
    done = world.run("unsubscribe", tenant.name)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == (f"{tenant.name}: subscription {entry.id} is "
                           "deleted\n")
    assert world.live(tenant) == []
    [row] = world.rows(tenant)
    assert row["ended_at"] is not None
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is None
    world.quiet()                           # makes a new one
    assert world.one(tenant) is not entry
    [gap] = world.gaps(tenant)
    assert gap["ends_at"] is not None
    world.assert_covered(tenant)


def test_unsubscribe_and_taken_out(world, tenant):
    world.quiet()
    world.run("unsubscribe", tenant.name)
    del world.renewer.tenants[tenant.name]
    other = world.add()
    world.quiet()
    assert world.live(tenant) == []
    world.one(other)


def test_unsubscribe_one_of_many(world, tenant):
    entry = world.kept(tenant)
    foreign = world.double.plant(tenant.tenant_id, tenant.client_id,
                                 change_type="created")
    done = world.run("unsubscribe", tenant.name, foreign.id.upper())
    assert done.status == 0
    assert foreign.id in done.stdout
    assert world.one(tenant) is entry
    assert world.gaps(tenant) == []


def test_unsubscribe_leaves_foreign_ones(world, tenant):
    world.quiet()
    foreign = world.double.plant(tenant.tenant_id, tenant.client_id,
                                 change_type="created")
    assert world.run("unsubscribe", tenant.name).status == 0
    assert world.live(tenant) == [foreign]


def test_unsubscribe_where_there_is_none(world, tenant):
    done = world.run("unsubscribe", tenant.name)
    assert done.status == 0
    assert done.stdout == f"{tenant.name}: there is no subscription of ours\n"


def test_unsubscribe_of_an_id_that_nobody_knows(world, tenant):
    """Somebody mistyped it, and is not told that it is deleted."""
    entry = world.kept(tenant)
    mistyped = str(uuid.uuid4())
    done = world.run("unsubscribe", tenant.name, mistyped)
    assert (done.status, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert (f"{tenant.name}: delete subscription: "
            f"there is none of the id {mistyped}") in line
    assert world.one(tenant) is entry
    assert world.gaps(tenant) == []


def test_unsubscribe_again_after_one_that_was_cut_off(world, tenant):
    """Graph's is gone and the row says that it lives: now it says so, too."""
    entry = world.kept(tenant)
    world.double.remove(entry)
    for _ in range(2):
        done = world.run("unsubscribe", tenant.name, entry.id)
        assert (done.status, done.stderr) == (0, "")
        assert done.stdout == (f"{tenant.name}: subscription {entry.id} was "
                               "gone already\n")
        [row] = world.rows(tenant)
        assert row["ended_at"] is not None
        assert len(world.gaps(tenant)) == 1


@pytest.mark.parametrize("words", [
    ["unsubscribe"], ["unsubscribe", "nobody"],
    ["unsubscribe", "{tenant}", "x"], ["unsubscribe", "{tenant}", "-", "-"],
    ["unsubscribe", "{tenant}", "../" + "0" * 33],
    ["token"], ["token", "nobody"], ["token", "{tenant}", "x"],
    ["subscriptions", "x"], ["run", "x"], ["no-such-command"], ["-x"],
    ["-c"], ["status", "x", "y"]])
def test_usage(world, tenant, words):
    done = world.run(*(word.format(tenant=tenant.name) for word in words))
    assert done.status == 64
    assert done.stderr != "" and done.stdout == ""
    assert world.asked() == []


@pytest.mark.parametrize("words, said", [
    (["token", "nobody"], "there is no tenant \"nobody\" in the settings: "
                          "callhook-renewer -n names them"),
    (["reconcile", "nobody"], "there is no tenant \"nobody\""),
    (["load", "queue", "nobody", "x"], "there is no tenant \"nobody\""),
    (["no-such-command"], "there is no command \"no-such-command\""),
    (["fetch", "{tenant}"], "usage: callhook-renewer fetch TENANT CALL-ID"),
    (["unsubscribe", "{tenant}", "x"],
     "callhook-renewer subscriptions shows them"),
])
def test_usage_is_told(world, tenant, words, said):
    done = world.run(*(word.format(tenant=tenant.name) for word in words))
    assert done.status == 64
    assert said in done.stderr.splitlines()[0]


def test_help_names_what_there_is(world):
    shown = world.run("--help").stdout
    assert "--version | --help" in shown and "status [--json" in shown


def test_unsubscribe_that_fails(world, tenant):
    entry = world.kept(tenant)
    world.double.fail("delete", status=403)
    done = world.run("unsubscribe", tenant.name)
    assert (done.status, done.stdout) == (1, "")
    assert f"{tenant.name}: delete subscription: HTTP 403" in done.stderr
    assert world.one(tenant) is entry


def test_unsubscribe_without_a_database(world, tenant):
    """Graph's is gone; the next run finds that out."""
    entry = world.kept(tenant)
    done = world.run("unsubscribe", tenant.name, environment=AWAY)
    assert done.status == 1
    assert entry.removed_at is not None
    world.pass_time(2 * HOUR)
    assert world.kept(tenant) is not entry
    world.assert_covered(tenant)


def test_unsubscribe_while_a_run_works(world, tenant):
    world.double.fail("create", delay=1)
    run = world.renewer.start("run")
    world.double.wait_for("create", tenant.tenant_id)
    done = world.run("unsubscribe", tenant.name)
    assert done.status == 1
    assert "try again" in done.stderr
    assert world.renewer.finish(run).status == 0
    world.one(tenant)


# -- token -----------------------------------------------------------------

def token_file(world, tenant):
    return world.renewer.state_dir / f"{tenant.name}.token"


def token(world, tenant):
    """What the command prints; the requests that it took."""
    world.asked()
    done = world.run("token", tenant.name)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.endswith("\n") and done.stdout.count("\n") == 1
    return done.stdout.strip(), world.asked()


def test_a_token_and_its_file(world, tenant):
    text, asked = token(world, tenant)
    assert asked == ["token"]
    made = world.double.identity.tokens[text]
    assert made.tenant_id == tenant.tenant_id
    path = token_file(world, tenant)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert text in path.read_text()
    assert token(world, tenant) == (text, [])
    world.quiet()                           # a run uses the same
    assert world.asked() == ["list", "create"]
    names = {path.name for path in world.renewer.state_dir.iterdir()}
    assert all(os.stat(world.renewer.state_dir / name).st_mode & 0o77 == 0
               for name in names)


def test_used_until_five_minutes_before_its_end(world, tenant):
    first, _ = token(world, tenant)
    world.pass_time(3599 - 5 * MINUTE - 5)
    assert token(world, tenant) == (first, [])
    world.pass_time(6)
    second, asked = token(world, tenant)
    assert second != first and asked == ["token"]


def change(path, **members):
    """The file with other members, or text in its place."""
    kept = {**json.loads(path.read_text()), **members}
    write_private(path, json.dumps(kept))


DAMAGE = {
    "empty": lambda path: write_private(path, ""),
    "cut": lambda path: write_private(path, path.read_text()[:-20]),
    "no JSON": lambda path: write_private(path, "no JSON"),
    "a list": lambda path: write_private(path, "[]"),
    "huge": lambda path: write_private(path, " " * 100000
                                       + path.read_text()),
    "another client": lambda path: change(path, client_id=str(uuid.uuid4())),
    "another tenant": lambda path: change(path, tenant_id=str(uuid.uuid4())),
    "another host": lambda path: change(path, login_url="https://x.example"),
    "another scope": lambda path: change(path, scope="x"),
    "of the future": lambda path: change(
        path, obtained_at=int(time.time()) + 2 * HOUR,
        expires_at=int(time.time()) + 3 * HOUR),
    "good for ever": lambda path: change(
        path, expires_at=int(time.time()) + 30 * 24 * HOUR),
    "over": lambda path: change(path, expires_at=int(time.time()) + 10),
    "odd numbers": lambda path: change(path, expires_at=-1),
    "no numbers": lambda path: change(path, expires_at="soon"),
    "an odd token": lambda path: change(path, access_token="a\r\nX: y"),
    "no token": lambda path: change(path, access_token=None),
    "an empty token": lambda path: change(path, access_token=""),
    "readable": lambda path: path.chmod(0o644),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


def test_a_kept_token_that_is_no_good(world):
    """Thrown away without a word, whatever is wrong with it."""
    tenants = {why: world.add() for why in DAMAGE}
    world.quiet()
    for why, damage in DAMAGE.items():
        damage(token_file(world, tenants[why]))
    world.asked()
    for why, tenant in tenants.items():
        done = world.run("token", tenant.name)
        assert done.status == 0, why
        assert done.stdout.strip() in world.double.identity.tokens, why
        assert world.asked() == ["token"], why
        if why != "a folder":
            assert done.stderr == "", why
            assert token(world, tenant)[1] == [], why
            assert os.stat(token_file(world, tenant)).st_mode & 0o777 \
                == 0o600, why


def test_a_token_that_was_revoked(world, tenant):
    """401: one fresh token, and one more try."""
    tenant.keys["renew_every_minutes"] = 20
    world.quiet()
    old, _ = token(world, tenant)
    world.pass_time(20 * MINUTE)
    world.double.revoke(tenant.tenant_id)
    world.asked()
    assert world.asks() == ["list", "token", "list", "patch"]
    assert token(world, tenant)[0] != old


def test_a_token_that_is_never_taken(world, tenant):
    """401 again and again: not more than one fresh token a run."""
    world.double.fail("list", status=401, times=None)
    world.failing(tenant.name, "list subscriptions", "HTTP 401")
    assert world.asked() == ["token", "list", "token", "list"]


def test_two_at_once_ask_once(world, tenant):
    world.double.fail("token", delay=0.5)
    runs = [world.renewer.start("token", tenant.name) for _ in range(4)]
    got = {world.renewer.finish(run).stdout for run in runs}
    assert len(got) == 1
    assert world.asked() == ["token"]


def test_odd_secrets(world):
    tenants = [world.add(secret=secret) for secret in (
        "~.-_", "a b", "a+b&c=d;e/f?g#h", "100%", "%41", "ä€𝄞",
        "\"quoted\"'", "tab\\n", "x" * 2000, " begins and ends ")]
    world.quiet()
    for tenant in tenants:
        world.one(tenant)


def test_a_certificate(world):
    tenant = world.add(certificate=True)
    world.kept(tenant)
    world.double.revoke(tenant.tenant_id)
    assert world.run("token", tenant.name).status == 0
    world.pass_time(2 * HOUR)
    world.quiet()
    forms = [request.body for request in world.double.asked("token")]
    assert len(forms) == 2
    assert all("client_secret" not in form for form in forms)


@pytest.mark.parametrize("seconds", ["3600", 3599, 86399])
def test_expires_in(world, tenant, seconds):
    world.double.fail("token", expires_in=seconds)
    _, asked = token(world, tenant)
    assert asked == ["token"]
    assert token(world, tenant)[1] == []
    kept = json.loads(token_file(world, tenant).read_text())
    assert abs(kept["expires_at"] - time.time() - int(seconds)) < 5


def test_a_short_lived_token_is_used_all_the_same(world, tenant):
    world.double.identity.token_seconds = 120
    world.kept(tenant)


def test_a_secret_that_was_replaced(world, tenant):
    world.quiet()
    world.double.register(tenant.tenant_id, tenant.client_id, secret="new one")
    world.double.revoke(tenant.tenant_id)
    world.pass_time(2 * HOUR)
    world.failing(tenant.name, "token", "HTTP 401",
                  "invalid_client/AADSTS7000215")
    world.silently_failing()
    write_private(tenant.keys["client_secret_file"], "new one")
    world.kept(tenant)
    assert world.gaps(tenant) == []


def test_token_that_fails(world, tenant):
    world.double.fail("token", status=400, code="unauthorized_client",
                      codes=[700016])
    done = world.run("token", tenant.name)
    assert (done.status, done.stdout) == (1, "")
    assert "unauthorized_client/AADSTS700016" in done.stderr


# -- the state folder ------------------------------------------------------

def test_a_state_folder_that_others_can_read(world, tenant):
    world.renewer.state_dir.chmod(0o755)
    done = world.run()
    assert done.status == 78
    assert "0700" in done.stderr
    assert world.asked() == []


def test_a_state_folder_that_is_made(world, tenant):
    folder = world.renewer.folder / "new"
    world.renewer.settings["state_dir"] = folder
    world.quiet()
    assert os.stat(folder).st_mode & 0o777 == 0o700


def test_a_state_folder_that_cannot_be(world, tenant):
    world.renewer.settings["state_dir"] = "/proc/nowhere"
    done = world.run()
    assert (done.status, done.stdout) == (78, "")
    assert len(done.stderr.splitlines()) == 1


# -- settings --------------------------------------------------------------

def test_every_fault_with_its_line(world, tenant):
    broken = world.add(resouce="x", lifetime_minutes="many",
                       graph_url="ftp://x")
    os.chmod(broken.keys["client_secret_file"], 0o644)
    for words in (["run"], ["-n"], ["token", tenant.name]):
        done = world.run(*words)
        assert (done.status, done.stdout) == (78, "")
        lines = done.stderr.splitlines()
        text = world.renewer.configuration().splitlines()
        for key in ("resouce", "lifetime_minutes", "graph_url",
                    "client_secret_file"):
            number = [i for i, line in enumerate(text, 1)
                      if line.startswith(f"{key} =")][-1]
            assert any(f"{world.renewer.path}:{number}: " in line
                       for line in lines), (key, done.stderr)
        assert len(lines) == 4
    assert world.asked() == []


def test_a_file_that_is_not_there(world, tenant):
    done = world.run("-c", "/nowhere/renewer.conf", "run")
    assert (done.status, done.stdout) == (78, "")
    assert "/nowhere/renewer.conf" in done.stderr


def test_minus_n_changes_nothing(world, tenant):
    for words in (["-n"], ["-n", "run"], ["-n", "unsubscribe", tenant.name]):
        done = world.run(*words)
        assert (done.status, done.stderr) == (0, "")
        assert tenant.name in done.stdout
    assert world.asked() == []
    assert list(world.renewer.state_dir.iterdir()) == []
    assert world.rows(tenant) == []
