"""Completion for bash: what the programs name themselves, and the tenants."""

import re
import subprocess

import pytest

from support.project import PROGRAM, RENEWER, ROOT


def complete(words, script=ROOT / "renewer" / "callhook-renewer.bash"):
    """What Tab offers for the last of these words."""
    function = "_" + script.stem.replace("-", "_")
    done = subprocess.run(
        ["bash", "-euc", 'source "$1"; shift; COMP_WORDS=("$@"); '
         f'COMP_CWORD=$(($# - 1)); {function} || :; '
         'printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, *words],
        capture_output=True, text=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "renewer.conf"
    path.write_text("[callhook]\n;[tenant sample]\n[tenant contoso]\n"
                    "client_id = x\n  [ tenant  fabrikam.com ] ; hers\n")
    return path


def test_every_command_that_the_usage_names():
    usage = subprocess.run([RENEWER, "--help"], capture_output=True,
                           text=True).stdout
    commands = set(re.findall(r"^ +callhook-renewer ([a-z]+)", usage, re.M))
    assert len(commands) > 8
    offered = complete([RENEWER, ""])
    assert commands <= offered
    assert offered - commands == {"-c", "-n", "-v", "--help", "--version"}


def test_the_options_of_a_command():
    assert "--json" in complete([RENEWER, "-v", "status", "--"])
    assert complete([RENEWER, "st"]) == {"status"}


@pytest.mark.parametrize("command", ["token", "simulate", "unsubscribe"])
def test_tenants_of_the_settings(settings, command):
    assert complete([RENEWER, "-c", settings, command, ""]) == {
        "contoso", "fabrikam.com"}


def test_a_kind_then_a_tenant(settings):
    base = [RENEWER, "-c", settings, "load"]
    assert {"building", "rate"} <= complete([*base, ""])
    assert complete([*base, "rate", "co"]) == {"contoso"}


def test_settings_that_may_not_be_read(tmp_path):
    assert complete([RENEWER, "-c", tmp_path / "none", "token", ""]) == set()


def test_the_receivers_options():
    usage = subprocess.run([PROGRAM, "--help"], capture_output=True,
                           text=True).stdout
    assert complete([PROGRAM, "--"], ROOT / "cgi" / "callhook.bash") == set(
        re.findall(r"--[a-z]+", usage))
