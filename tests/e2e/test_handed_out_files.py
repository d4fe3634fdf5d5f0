"""What the files say that are handed out beside the programs."""

import os
import re
import shlex
import subprocess

import pytest

from support.project import ROOT

UNIT = ROOT / "cgi/callhook.service"
SAMPLE = ROOT / "renewer/renewer.conf"
MANUAL = ROOT / "renewer/callhook-renewer.conf.5"
KEYS = re.findall(r"\[KEY_\w+\] = \{\w+\((\w+),",
                  (ROOT / "renewer/settings/settings_keys.c").read_text())


@pytest.fixture
def pause_after(tmp_path):
    """The seconds that the service rests after an end with a status."""
    rest = tmp_path / "sleep"
    rest.write_text("#!/bin/sh\necho $1\n")
    rest.chmod(0o755)

    def run(status):
        said = ""
        for line in re.findall(r"(?m)^ExecStopPost=(.*)", UNIT.read_text()):
            said += subprocess.run(
                shlex.split(line.replace("$$", "$")), check=True, text=True,
                stdout=subprocess.PIPE, env={
                    "PATH": f"{tmp_path}:{os.environ['PATH']}",
                    "EXIT_STATUS": status}).stdout
        return int(said or 0)

    return run


def test_a_wrong_setting_is_not_tried_many_times_a_second(pause_after):
    """A request that waits in the socket starts the service again at once,
    whatever Restart= says."""
    assert pause_after("78") >= 5
    stop = re.search(r"(?m)^TimeoutStopSec=(\d+)", UNIT.read_text())
    assert pause_after("78") < int(stop[1])


@pytest.mark.parametrize("status", ["0", "1", "TERM", "SEGV", ""])
def test_another_end_makes_nobody_wait(pause_after, status):
    assert pause_after(status) == 0


@pytest.mark.parametrize("key", KEYS)
def test_sample_and_manual_have_every_key(key):
    assert re.search(rf"(?m)^;?{key} =", SAMPLE.read_text())
    assert re.search(rf"(?m)^\.It Ic (.* )?{key}\b", MANUAL.read_text())


def test_the_sample_names_users_that_can_log_in():
    """callhook_renewer is a role to be granted."""
    assert set(re.findall(r"user=(\S+)", SAMPLE.read_text())) == {
        "callhook-renewer"}
