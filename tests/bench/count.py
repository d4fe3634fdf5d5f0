"""Instructions of the receiver by request and by item: `make count`.

The receiver runs under callgrind and gets the same requests one at a time,
so that each is a batch of its own and nothing depends on who was quicker.
Of two runs, one with twice as many requests, the difference counts: what
starting and ending cost falls out of it. The median of three such counts
repeats within half a per cent; a single one may be off by 5, where one of its
runs wrote the minute's statistics."""

import argparse
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

# Items in a request, and how many requests; then twice as many.
FORMS = [(1, 800), (20, 160)]

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


def post(receiver, body):
    variables = cgi_variables("POST", body=body)
    with Whole(receiver.path) as peer:
        peer.begin()
        peer.params({name: variables[name] for name in GIVEN})
        peer.stdin(body)
        answer = peer.answer()
    if answer.status != 202:
        raise Trouble(f"answered with {answer.status}")


def guid(source):
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


def make_item(subscription, source):
    call_id = guid(source)
    resource = f"communications/callRecords/{call_id}"
    return subscription.item(resource=resource, resourceData={
        "@odata.type": "#Microsoft.Graph.callRecord",
        "@odata.id": resource, "id": call_id})


def make_bodies(database, items):
    source = random.Random(items)
    subscription = database.subscribe(
        subscription_id=guid(source), tenant_id=guid(source),
        secret=f"secret-{guid(source)}")
    return [collection(*(make_item(subscription, source)
                                 for _ in range(items)))
            for _ in range(BODIES)]


def total(folder, database, bodies, requests):
    """Instructions of a receiver's whole life with so many requests."""
    receiver = Counted(folder, database.environment())
    with receiver:
        for number in range(requests):
            post(receiver, bodies[number % len(bodies)])
    return receiver.instructions()


def count(folder, database, bodies, items, requests):
    """Instructions of one request with so many items."""
    database.execute("TRUNCATE callhook_store.notifications")
    once = total(folder, database, bodies, requests)
    twice = total(folder, database, bodies, 2 * requests)
    stored = database.count()
    if stored != 3 * requests * items:
        raise Trouble(f"{stored} rows, not {3 * requests * items}")
    return (twice - once) / requests


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3, metavar="N",
                        help="count N times and take the median (3)")
    given = parser.parse_args()
    end_on_signals()
    print("instructions of the receiver, outside of the kernel")
    with temporary_folder() as folder, \
            Cluster(folder) as cluster:
        database = cluster.create_database()
        for items, requests in FORMS:
            bodies = make_bodies(database, items)
            found = [count(folder, database, bodies, items, requests)
                     for _ in range(given.runs)]
            middle = statistics.median(found)
            print(f"{items:3} item{'s' if items > 1 else ' '} a request: "
                  f"{middle:9,.0f} a request, {middle / items:7,.0f} an item "
                  f"({min(found) / items:,.0f} to {max(found) / items:,.0f})")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"count: {trouble}")
