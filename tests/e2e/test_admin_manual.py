"""callhook-admin(7): tests/check-install runs its commands on fresh systems;
here is what holds without one."""

import re
import subprocess

import pytest

from support import manual
from support.nginx import Nginx
from support.project import ROOT

pytestmark = pytest.mark.no_program

PAGE = ROOT / "cgi" / "callhook-admin.7"
BLOCKS = manual.blocks(PAGE)


def test_each_block_says_what_it_is():
    assert len(BLOCKS) == PAGE.read_text().count(".Bd -literal")
    assert [block.text for block in BLOCKS if not block.mark] == []


# Who follows the manual, and what nobody can here.
FOLLOWERS = ("check-install", "failover/pair.py", "e2e/test_outgoing_proxy.py",
             "e2e/test_warehouse.py", "e2e/test_reader_roles.py")
NOT_TRIED = {
    # test_check_command.py, test_subscriptions_command.py: before a double.
    "not run: it asks Microsoft",
    "not run: needs SELinux",
    "file /etc/apparmor.d/local/usr.sbin.nginx",
    # failover/pair.py names its own two hosts.
    "file callhook.env",
}


def test_what_is_not_tried_is_known():
    """Each other block is run, or is a file of a test."""
    tried = set()
    for path in FOLLOWERS:
        text = (ROOT / "tests" / path).read_text()
        for kind, name in re.findall(
                r'\b(follow|file|block)\((?:\w+[.])?(?:page, )?f?"([^"]+)',
                text, re.I):
            before = {"follow": "run ", "file": "file ", "block": ""}[kind]
            # (The kinds of Apache.)
            tried |= {(before + name).replace("{kind}", word)
                      for word in re.findall(r'"([a-z-]+)"', text)}
    left = {block.mark for block in BLOCKS if block.mark not in tried}
    assert left == NOT_TRIED


@pytest.mark.parametrize("block", [
    block for block in BLOCKS if "run" in block.mark], ids=lambda b: b.mark)
def test_commands_are_sound_to_a_shell(block):
    assert subprocess.run(["sh", "-nc", block.text]).returncode == 0


def test_zero_to_a_row_in_eight_commands_and_two_edits():
    page = PAGE.read_text()
    first = page[:page.index("Under Apache,")]
    lines = [line for block in manual.blocks(PAGE)
             if block.text.replace("\\", "\\e") in first
             for line in block.text.replace("\\\n", " ").split("\n")
             if re.match(r"[a-z]", line)]
    edits = [line for line in lines if line.startswith("editor ")]
    assert (len(lines) - len(edits), len(edits)) == (8, 2)


def test_the_balancer_of_two_hosts(tmp_path):
    """Taken by nginx; all steps end before Graph's three seconds."""
    text = (ROOT / "nginx" / "two-hosts.conf").read_text()
    waits = [int(ms) for ms in re.findall(
        r"^ *proxy_(?:connect|read)_timeout (\d+)ms;", text, re.M)]
    assert len(waits) == 2 and sum(waits) < 3000
    assert not re.search(r"^[^#]*non_idempotent", text, re.M)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
         "/CN=x", "-keyout", tmp_path / "key", "-out", tmp_path / "pem"],
        check=True, capture_output=True)
    for path, own in (("/etc/ssl/certs/calls.example.com.pem", "pem"),
                      ("/etc/ssl/private/calls.example.com.key", "key")):
        text = text.replace(path, str(tmp_path / own))
    text = text.replace("listen 443", f"listen unix:{tmp_path}/socket")
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in
                      ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n"
        f"{folders}{text}}}\n")
    done = subprocess.run(
        [Nginx._program(), "-t", "-q", "-p", tmp_path, "-e",
         tmp_path / "log", "-c", tmp_path / "nginx.conf"],
        capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
