"""What systemd's journal is told of a message's weight."""

import re

import pytest

from support.receiver import Receiver


@pytest.fixture
def lines(folder, database):
    """What a receiver says that has started, and met a broken body; the
    journal is where we say it is."""
    def run(stream):
        receiver = Receiver(folder, database.environment())
        receiver.log_path.touch()
        file = receiver.log_path.stat()
        receiver.settings += ({"JOURNAL_STREAM": stream.format(
            f"{file.st_dev}:{file.st_ino}")},)
        with receiver:
            assert receiver.request("POST", body=b"{").status == 400
        return receiver.log().splitlines()

    return run


def marks(lines, words):
    return [re.match("(<.>)?", line)[0] for line in lines if words in line]


def test_notices_are_marked_and_faults_are_what_the_unit_says(lines):
    found = lines("{}")
    assert marks(found, "callhook: ready, ") == ["<5>"]
    assert marks(found, "a request is refused: ") == [""]


@pytest.mark.parametrize("stream", ["", "8:", "x", "1{}", "{}0"])
def test_nothing_is_marked_where_no_journal_reads(lines, stream):
    found = lines(stream)
    assert marks(found, "callhook: ready, ") == [""]
