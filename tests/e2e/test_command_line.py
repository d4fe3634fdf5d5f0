"""The command line and the settings."""

import re
import socket
import subprocess

import pytest

from support.answers import assert_accepted
from support.notification import collection
from support.project import PROGRAM
from support.receiver import run_cgi, run_program
from support.service import minimal_environment

NO_GUID = "62e4deea-8f3f-4b35-b732"


def test_version():
    done = run_program("--version")
    assert done.returncode == 0
    assert re.fullmatch(rb"callhook \d+\.\d+\.\d+\n", done.stdout)
    assert done.stderr == b""


def test_help_names_the_options():
    done = run_program("--help")
    assert done.returncode == 0
    for word in (b"callhook", b"--version", b"--help", b"--drain"):
        assert word in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [["--nonsense"], ["-x"], ["operand"],
                                       ["--versions"]])
def test_usage_faults_end_with_64(arguments):
    done = run_program(*arguments)
    assert done.returncode == 64
    assert done.stdout == b""
    assert len(done.stderr) > 5


def test_a_file_is_drained_without_a_spool_as_well(database, tmp_path):
    (tmp_path / "spool").mkdir(mode=0o700)
    body = collection(database.subscribe().item())
    run_cgi(database.environment(), {"PGHOST": tmp_path,
                                     "CALLHOOK_SPOOL": tmp_path / "spool"},
            body=body)
    [file] = (tmp_path / "spool").iterdir()
    away = run_program("--drain", file, settings=[
        database.environment(), {"PGHOST": tmp_path}])
    assert away.returncode == 1
    done = run_program("--drain", file, settings=[database.environment()])
    assert (done.returncode, file.exists()) == (0, False)
    assert database.count() == 1


@pytest.mark.parametrize("name, value", [
    ("CALLHOOK_MAX_BODY", "abc"),
    ("CALLHOOK_MAX_BODY", "-1"),
    ("CALLHOOK_MAX_BODY", "0"),
    ("CALLHOOK_MAX_BODY", "4M"),
    ("CALLHOOK_MAX_BODY", "1e6"),
    ("CALLHOOK_MAX_BODY", " 5"),
    ("CALLHOOK_MAX_BODY", ""),
    ("CALLHOOK_MAX_BODY", "99999999999999999999999999"),
    ("CALLHOOK_ACK_MS", "2s"),
    ("CALLHOOK_ACK_MS", "0"),
    ("CALLHOOK_REQUESTS", "0"),
    ("CALLHOOK_REQUESTS", "many"),
    ("CALLHOOK_REQUESTS", "18446744073709551617"),
    ("CALLHOOK_SPOOL_MAX", "1G"),
    ("CALLHOOK_SPOOL", "not/absolute"),
    ("CALLHOOK_OPEN_SUBSCRIPTIONS", NO_GUID),
    ("CALLHOOK_OPEN_SUBSCRIPTIONS",
     f"62e4deea-8f3f-4b35-b732-c99fae0ae5ec,{NO_GUID}"),
])
@pytest.mark.parametrize("mode", ["fastcgi", "cgi"])
def test_a_bad_setting_ends_with_78_and_a_sentence(name, value, mode, folder):
    cgi = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST",
           "CONTENT_LENGTH": "0"}
    settings = {name: value, **(cgi if mode == "cgi" else {})}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(b"")              # a name of the kernel's choice
        listener.listen()
        done = subprocess.run(
            [PROGRAM], env=minimal_environment(settings), timeout=30,
            stdin=listener if mode == "fastcgi" else subprocess.DEVNULL,
            capture_output=True)
    assert done.returncode == 78
    assert name.encode() in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(done.stderr.split()) > 3


def test_every_bad_setting_is_named_at_once():
    done = run_program(settings=[{"CALLHOOK_MAX_BODY": "x",
                                  "CALLHOOK_ACK_MS": "y",
                                  "REQUEST_METHOD": "POST"}])
    assert done.returncode == 78
    assert b"CALLHOOK_MAX_BODY" in done.stderr
    assert b"CALLHOOK_ACK_MS" in done.stderr


def test_a_bad_setting_does_not_tell_a_secret():
    done = run_program(settings=[{"CALLHOOK_CLIENT_STATE": "dont-tell," * 3,
                                  "CALLHOOK_MAX_BODY": "x",
                                  "REQUEST_METHOD": "POST"}])
    assert done.returncode == 78
    assert b"dont-tell" not in done.stderr + done.stdout


def test_by_hand_it_says_what_it_is_for():
    done = subprocess.run([PROGRAM], env=minimal_environment(), timeout=30,
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode != 0
    assert b"callhook" in done.stderr


def test_the_secrets_are_not_to_be_seen_in_the_process(launch):
    receiver = launch(CALLHOOK_CLIENT_STATE="dont-tell")
    command = open(f"/proc/{receiver.pid}/cmdline", "rb").read()
    assert b"dont-tell" not in command
    assert "dont-tell" not in receiver.log()


@pytest.mark.parametrize("requests", [1, 3, 5000])
def test_any_number_of_requests_in_flight(launch, database, requests):
    receiver = launch(CALLHOOK_REQUESTS=requests)
    subscription = database.subscribe()
    for _ in range(3):
        assert_accepted(receiver.send(subscription.item()))
    assert len(database.rows()) == 3
