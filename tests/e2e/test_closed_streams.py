"""Programs whose standard output or standard error is closed or full.

Files and connections must not come to stand where messages go."""

import re
import subprocess

import pytest

from support.notification import collection
from support.project import PROGRAM, RENEWER
from support.receiver import cgi_variables
from support.renewer import write_private
from support.service import minimal_environment


def run(redirection, *command, env, given=b""):
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *map(str, command)],
        input=given, env=env, cwd="/", capture_output=True, timeout=30)


def receiver_environment(database, tmp_path, *more):
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    return minimal_environment(database.environment("test_receiver"),
                               {"CALLHOOK_SPOOL": spool}, *more)


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_what_check_says_is_lost(database, tmp_path, redirection):
    environment = receiver_environment(database, tmp_path,
                                       {"CALLHOOK_SPOOL": ""})
    done = run(redirection, PROGRAM, "--check", env=environment)
    assert done.returncode == 74, done


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
@pytest.mark.parametrize("program", [PROGRAM, RENEWER])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_was_asked_for_is_lost(program, option, redirection):
    done = run(redirection, program, option, env=minimal_environment())
    assert done.returncode == 74, done


@pytest.fixture
def complaints(cluster):
    """What the database's server has to say of peers since the test began."""
    begun = len(cluster.log())
    return lambda: [line for line in cluster.log()[begun:].splitlines()
                    if re.search("protocol|message length|message type", line)]


def test_no_message_of_the_receiver_goes_to_the_database(
        database, tmp_path, complaints):
    body = collection(database.subscribe().item())
    environment = receiver_environment(database, tmp_path)
    spooling = {**environment, "PGHOST": str(tmp_path),
                **cgi_variables("POST", body=body)}
    assert b"202" in run("", PROGRAM, env=spooling, given=body).stdout
    # It tells of what it has stored.
    assert run("2>&-", PROGRAM, "--drain", env=environment).returncode == 0
    assert complaints() == []
    assert database.count() == 1


def test_nothing_that_the_renewer_says_goes_to_the_database(
        world, tenant, complaints):
    world.quiet()
    renewer = world.renewer
    write_private(renewer.path, renewer.configuration())
    for command in "check", "subscriptions":
        done = run(">&- 2>&-", RENEWER, "-c", renewer.path, "-v", command,
                   env=renewer.environment())
        assert done.returncode == 74, done
    assert complaints() == []
