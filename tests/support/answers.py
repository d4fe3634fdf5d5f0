"""The receiver's answers: read, and what each of them must carry."""

import dataclasses

from support.service import Trouble


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()


def parse_cgi(output):
    """The answer of a CGI program: header lines, an empty line, the body."""
    head, separator, body = output.partition(b"\r\n\r\n")
    if not separator:
        head, separator, body = output.partition(b"\n\n")
    if not separator:
        raise Trouble(f"no header in the answer: {output[:200]!r}")
    headers = {}
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name in headers:
            raise Trouble(f"the header {name} is there twice: {head!r}")
        headers[name] = value.strip()
    status = int(headers.pop("status", "200").split()[0])
    return Answer(status, headers, body)


def read_answer(connection):
    """The answer on an http.client connection."""
    got = connection.getresponse()
    headers = {name.lower(): value for name, value in got.getheaders()}
    return Answer(got.status, headers, got.read())


def assert_own_headers(answer):
    """What every answer of the program carries."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def assert_accepted(answer):
    assert (answer.status, answer.body) == (202, b"")
    assert_own_headers(answer)


def assert_bad_request(answer):
    """400 with one plain line that says what is wrong."""
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert_own_headers(answer)
    assert len(answer.text.splitlines()) == 1
    assert len(answer.text.strip()) > 5
