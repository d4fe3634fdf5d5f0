#!/usr/bin/python3
"""A million items, eight workers under three names, and random kills of
workers and of PostgreSQL: every name sees each item at least once, none again
that it has settled, and none is left over.

    consumers.py [--items 1000000] [--kills 40] [--minutes 20] [--seed N]

Exit status 0 if all of it holds. `make check-consumers`.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.postgres import Cluster  # noqa: E402
from support.service import (Trouble, temporary_folder,  # noqa: E402
                             wait_until)

NAMES = ["one", "two", "three"]
WORKERS = 8
TENANT = "dc368399-474c-4d40-900c-6265431fd81f"


# --- A worker, a process of its own ----------------------------------------

def work(name, journal):
    """Notes each row that it is handed, with the time at which it asked, and
    each that it has settled, with the time of the answer."""
    import psycopg2

    chance = random.Random()
    log = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(kind, at, rows):
        os.write(log, f"{kind} {at} {' '.join(r[1] for r in rows)}\n".encode())

    while True:
        try:
            connection = psycopg2.connect("connect_timeout=5")
            connection.autocommit = True
            cursor = connection.cursor()
            while True:
                asked = time.monotonic_ns()
                cursor.execute(
                    "SELECT batch, resource FROM "
                    "callhook.next_notifications(%s, %s)",
                    [name, chance.choice([1, 100, 100, 1000])])
                rows = cursor.fetchall()
                if not rows:
                    time.sleep(0.05)
                    continue
                note("handed", asked, rows)
                if chance.random() < 0.01:
                    cursor.execute("SELECT callhook.failed(%s, 'a trial')",
                                   [rows[0][0]])
                    continue
                cursor.execute("SELECT callhook.done(%s)", [rows[0][0]])
                note("settled", time.monotonic_ns(), rows)
        except psycopg2.Error:
            time.sleep(0.1)


# --- The trial --------------------------------------------------------------

class Marathon:
    def __init__(self, folder, options, chance):
        self.folder, self.options, self.chance = folder, options, chance
        self.cluster = Cluster(folder)
        self.database = None
        self.workers = {}
        self.stored = 0
        self.end = time.monotonic() + options.minutes * 60

    def start(self):
        self.database = self.cluster.create_database()
        for name in NAMES:
            self.database.execute(
                f"SELECT * FROM callhook.next_notifications('{name}', 1)",
                "test_consumer")
        for number in range(WORKERS):
            self.start_worker(number)

    def start_worker(self, number):
        name = NAMES[number % len(NAMES)]
        environment = {"PATH": os.environ["PATH"],
                       **self.database.environment("test_consumer")}
        self.workers[number] = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, __file__,
             "--worker", name, str(self.folder / f"{name}-{number}.journal")],
            env=environment)

    def kill_worker(self):
        number = self.chance.randrange(WORKERS)
        self.workers[number].kill()
        self.workers[number].wait()
        self.start_worker(number)

    def kill_database(self):
        self.cluster.kill()
        self.cluster.start()

    def store(self):
        """A transaction of items; now and then one that is committed late,
        while others are stored and taken."""
        rows = min(self.chance.choice([1, 20, 500, 2000, 5000]),
                   self.options.items - self.stored)
        first = self.stored + 1
        late = self.chance.random() < 0.2
        try:
            self.database.execute(f"""
                BEGIN;
                INSERT INTO callhook_store.notifications (notification_id,
                    received_at, tenant_id, resource)
                SELECT gen_random_uuid(),
                    now() - random() * interval '40 days', '{TENANT}', n
                FROM generate_series({first}, {first + rows - 1}) AS n;
                SELECT pg_sleep({self.chance.random() if late else 0});
                COMMIT""")
        except Trouble:                 # killed: it may be there or not
            wait_until(self.cluster.ready, "PostgreSQL is back", 120)
            if self.database.query(
                    f"SELECT FROM callhook_store.notifications "
                    f"WHERE resource = '{first}'") == []:
                return
        self.stored += rows

    def run(self):
        def feed():
            while self.stored < self.options.items:
                self.store()

        feeders = threading.Thread(target=feed, daemon=True)
        feeders.start()
        for kill in range(self.options.kills):
            time.sleep(self.chance.uniform(0.1, 1.5))
            if kill % 8 == 7:
                self.kill_database()
            else:
                self.kill_worker()
        feeders.join(max(1, self.end - time.monotonic()))
        print(f"{self.stored} stored, {self.backlogs()} to settle", flush=True)
        wait_until(self.is_settled, "all is settled",
                   max(60, self.end - time.monotonic()))
        for worker in self.workers.values():
            worker.send_signal(signal.SIGKILL)
            worker.wait()

    def is_settled(self):
        """Leases of the killed, and pauses, are let run out at once."""
        time.sleep(1)
        self.database.execute(
            "UPDATE callhook_store.consumer_batches SET ready_at = now() "
            "WHERE ready_at > now() + interval '30 seconds' AND batch IN ("
            "SELECT batch FROM callhook_store.consumer_batches "
            "WHERE leased AND ready_at < now() + interval '290 seconds' "
            "OR NOT leased AND ready_at > now())")
        return self.backlogs() == [0] * len(NAMES)

    def backlogs(self):
        return [row["backlog"] for row in self.database.query(
            "SELECT backlog FROM callhook.consumers")]

    def journal(self, name):
        for journal in self.folder.glob(f"{name}-*.journal"):
            for line in journal.read_text().splitlines():
                kind, at, *items = line.split()
                yield kind, int(at), items

    def judge(self):
        sound = True
        expected = {row["resource"] for row in self.database.query(
            "SELECT resource FROM callhook_store.notifications")}
        for name in NAMES:
            asked, settled, handed, twice = {}, {}, 0, 0
            for kind, at, items in self.journal(name):
                for item in items:
                    if kind == "handed":
                        handed += 1
                        asked[item] = max(at, asked.get(item, 0))
                    else:
                        twice += item in settled
                        settled[item] = at
            missing = len(expected - asked.keys())
            again = sum(asked[item] > at for item, at in settled.items())
            print(f"{name}: stored {len(expected)}, never handed out "
                  f"{missing}, handed out again {handed - len(asked)}, of "
                  f"these after done {again}, settled twice {twice}",
                  flush=True)
            sound &= not (missing or twice or again)
        backlogs = self.backlogs()
        print(f"left over {sum(backlogs)}")
        return sound and sum(backlogs) == 0 and \
            len(expected) == self.options.items


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int,
                        default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*options.worker)
    print(f"seed {options.seed}", flush=True)
    with temporary_folder() as folder:
        race = Marathon(folder, options, random.Random(options.seed))
        with race.cluster:
            race.start()
            try:
                race.run()
                sound = race.judge()
            finally:
                for worker in race.workers.values():
                    worker.kill()
                    worker.wait()
    print("all of it holds" if sound else "FAILED")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
