"""Instructions of the receiver by request: `make count`.

Fails if one of them is above what counts.json says by more than 5 %. What is
meant to cost more says so in its commit, with `make count COUNT_ARGS=--keep`.

The receiver runs under callgrind and gets the same requests one at a time,
so that each is a batch of its own and nothing depends on who was quicker.
Of two runs, one with twice as many requests, the difference counts: what
starting and ending cost falls out of it. The median of three such counts
repeats within half a per cent; a single one may be off by 5, where one of its
runs wrote the minute's statistics."""

import argparse
import dataclasses
import json
import pathlib
import random
import re
import statistics
import sys
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import load  # noqa: E402  (only now are they on the path)
from support.fastcgi import FastCGI  # noqa: E402
from support.notification import collection  # noqa: E402
from support.postgres import Cluster  # noqa: E402
from support.receiver import Receiver, cgi_variables  # noqa: E402
from support.service import (  # noqa: E402
    Trouble, end_on_signals, minimal_environment, temporary_folder)

KEPT = HERE / "counts.json"
GROWTH = 1.05


@dataclasses.dataclass(frozen=True)
class Form:
    """A kind of request, and how many are sent; then twice as many."""

    name: str
    requests: int
    items: int = 0              # 0: the handshake
    is_trusted: bool = True

    @property
    def rows(self):
        return self.items if self.is_trusted else 0


FORMS = [
    Form("1 item", 800, items=1),
    Form("20 items", 160, items=20),
    # Each waits until the secrets have been read again: 50 ms.
    Form("1 item of a stranger", 100, items=1, is_trusted=False),
    Form("handshake", 800),
]

# The same bodies each time: a letter of a GUID costs another number of
# instructions than a digit of it.
BODIES = 16

# What nginx/callhook.conf hands over, and nothing else.
GIVEN = ("REQUEST_METHOD", "SCRIPT_NAME", "QUERY_STRING", "CONTENT_LENGTH",
         "REMOTE_ADDR")


class Counted(Receiver):
    """The receiver under callgrind."""

    def start(self):
        self.spawn(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             load.RECEIVER],
            stdin=self.listener, env=minimal_environment(
                {"CALLHOOK_SPOOL": "", "CALLHOOK_ACK_MS": "60000"},
                *self.settings))

    def instructions(self):
        """The total; there once it has ended."""
        found = re.search(r"Collected : (\d+)", self.log())
        if not found:
            raise Trouble(f"no total from callgrind:\n{self.log()}")
        return int(found.group(1))


class Whole(FastCGI):
    """A peer that sends a request in one piece: each is read in one."""

    def __init__(self, path):
        super().__init__(path)
        self.waiting = b""

    def raw(self, data):
        self.waiting += data

    def answer(self):
        self.socket.sendall(self.waiting)
        return super().answer()


def post(receiver, body, query, status):
    variables = cgi_variables("POST", query, body=body)
    with Whole(receiver.path) as peer:
        peer.begin()
        peer.params({name: variables[name] for name in GIVEN})
        peer.stdin(body)
        answer = peer.answer()
    if answer.status != status:
        raise Trouble(f"answered with {answer.status}")


def guid(source):
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


def make_item(subscription, source):
    call_id = guid(source)
    resource = f"communications/callRecords/{call_id}"
    return subscription.item(resource=resource, resourceData={
        "@odata.type": "#Microsoft.Graph.callRecord",
        "@odata.id": resource, "id": call_id})


def make_requests(database, form):
    """Bodies with their query strings."""
    source = random.Random(form.name)
    if not form.items:
        return [(b"", "validationToken=Validation%3a+Testing+client+"
                 f"application+reachability+{guid(source)}")
                for _ in range(BODIES)]
    subscription = database.subscribe(
        subscription_id=guid(source), tenant_id=guid(source),
        secret=f"secret-{guid(source)}")
    if not form.is_trusted:
        subscription = dataclasses.replace(subscription, secret="a guess")
    return [(collection(*(make_item(subscription, source)
                          for _ in range(form.items))), "")
            for _ in range(BODIES)]


def total(folder, database, form, requests, count):
    """Instructions of a receiver's whole life with so many requests."""
    receiver = Counted(folder, database.environment())
    with receiver:
        for number in range(count):
            post(receiver, *requests[number % len(requests)],
                 202 if form.items else 200)
    return receiver.instructions()


def count(folder, database, form, requests):
    """Instructions of one request."""
    database.execute("TRUNCATE callhook_store.notifications")
    once = total(folder, database, form, requests, form.requests)
    twice = total(folder, database, form, requests, 2 * form.requests)
    stored = database.count()
    if stored != 3 * form.requests * form.rows:
        raise Trouble(f"{stored} rows, not {3 * form.requests * form.rows}")
    return (twice - once) / form.requests


def count_forms(runs):
    """The median of each form; says each as soon as it is known."""
    print("instructions of the receiver by request, outside of the kernel")
    counts = {}
    with temporary_folder() as folder, Cluster(folder) as cluster:
        database = cluster.create_database()
        for form in FORMS:
            requests = make_requests(database, form)
            found = [count(folder, database, form, requests)
                     for _ in range(runs)]
            counts[form.name] = round(statistics.median(found))
            print(f"{form.name:22} {counts[form.name]:9,} "
                  f"({min(found):,.0f} to {max(found):,.0f})")
    return counts


def compare(counts):
    """Say which have grown; how many."""
    kept = json.loads(KEPT.read_text())
    grown = [name for name, number in counts.items()
             if number > GROWTH * kept[name]]
    for name in grown:
        print(f"count: {name}: {counts[name] / kept[name] - 1:+.1%}, "
              f"{KEPT.name} has {kept[name]:,}", file=sys.stderr)
    return len(grown)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3, metavar="N",
                        help="count N times and take the median (3)")
    parser.add_argument("--keep", action="store_true",
                        help="from now on these are what is compared with")
    given = parser.parse_args()
    end_on_signals()
    counts = count_forms(given.runs)
    if given.keep:
        KEPT.write_text(json.dumps(counts, indent=4) + "\n")
    elif compare(counts):
        sys.exit(1)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"count: {trouble}")
