"""What the files say that are handed out beside the programs."""

import re

import pytest

from support.project import ROOT

SAMPLE = ROOT / "renewer/renewer.conf"
MANUAL = ROOT / "renewer/callhook-renewer.conf.5"
KEYS = re.findall(r"\[KEY_\w+\] = \{\w+\((\w+),",
                  (ROOT / "renewer/settings/settings_keys.c").read_text())


@pytest.mark.parametrize("key", KEYS)
def test_sample_and_manual_have_every_key(key):
    assert re.search(rf"(?m)^;?{key} =", SAMPLE.read_text())
    assert re.search(rf"(?m)^\.It Ic (.* )?{key}\b", MANUAL.read_text())


def test_the_sample_names_users_that_can_log_in():
    """callhook_renewer is a role to be granted."""
    assert set(re.findall(r"user=(\S+)", SAMPLE.read_text())) == {
        "callhook-renewer"}
