#!/usr/bin/python3
"""What consumers do, and what they cost.

    consumers.py [--part rate|joined|most|cpu|notify|waiting|bloat|all]
                 [--seconds 20] [--rounds 3] [--rows 10000000]
                 [--batches 1000000]

rate     a receiver at half of its rate, alone and beside 8 workers who take
         and settle 20,000 items/s in batches of 100 under 3 names, of more
         rows than they can settle: the receiver's answer times.
joined   the same; they settle a batch and take the next in one transaction.
most     what the 8 workers settle beside the receiver if nothing paces them.
cpu      the CPU time of a lone worker's session for each batch.
notify   the receiver's full rate with LISTEN switched off and on.
waiting  how long next takes with so many rows waiting for 20 consumers, and
         on an empty queue.
bloat    the size of what consumers write, before and after so many batches.
"""

import argparse
import contextlib
import multiprocessing
import pathlib
import shutil
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import psycopg2  # noqa: E402  (only now are they on the path)

import cases  # noqa: E402
import load  # noqa: E402
import peers  # noqa: E402
import runs  # noqa: E402
from support.service import temporary_folder  # noqa: E402

NAMES = ("one", "two", "three")
WORKERS = 8
WANTED = 20_000     # items a second, of all workers together
BATCH = 100
WARM = 3            # seconds: sessions are opened, functions are planned
REST = 2            # seconds: 8 processes that end would be measured as well
TENANT = "dc368399-474c-4d40-900c-6265431fd81f"
INSERT = """INSERT INTO callhook_store.notifications (notification_id,
                received_at, tenant_id, subscription_id, change_type, call_id,
                resource)
            SELECT gen_random_uuid(), now() + n * interval '1 us', %s,
                   gen_random_uuid(), 'updated', gen_random_uuid(),
                   'communications/callRecords/00000000-0000-0000-0000'
            FROM generate_series(1, %s) AS n"""


def connect(database, user="test_consumer"):
    connection = psycopg2.connect(host=str(database.cluster.home),
                                  dbname=database.name, user=user)
    connection.autocommit = True
    return connection.cursor()


def take(cursor, name, most=100):
    cursor.execute("SELECT batch FROM callhook.next_notifications(%s, %s)",
                   [name, most])
    rows = cursor.fetchall()
    if rows:
        cursor.execute("SELECT callhook.done(%s)", [rows[0][0]])
    return len(rows)


class Joined:
    """Settles the last batch and takes the next one by a single query."""

    def __init__(self):
        self.settle = ""

    def __call__(self, cursor, name, most=100):
        cursor.execute(self.settle + "SELECT batch FROM "
                       "callhook.next_notifications(%s, %s)", [name, most])
        rows = cursor.fetchall()
        self.settle = (f"SELECT callhook.done({rows[0][0]}); " if rows else "")
        return len(rows)


def consume(database, number, pause, end, counts, joined):
    """A batch each pause, all workers together evenly in time."""
    take_one = Joined() if joined else take
    cursor = connect(database)
    due = time.monotonic() + pause * number / WORKERS
    while due < end:
        time.sleep(max(0, due - time.monotonic()))
        counts[number] += take_one(cursor, NAMES[number % len(NAMES)])
        due = due + pause if pause else time.monotonic()


@contextlib.contextmanager
def working(database, pause, seconds, joined):
    """8 workers, who begin before and end after so long; what they have
    settled in it."""
    counts = multiprocessing.Array("q", WORKERS)
    end = time.monotonic() + WARM + seconds + REST
    workers = [multiprocessing.Process(
        target=consume, args=(database, number, pause, end, counts, joined))
        for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    time.sleep(WARM)
    before = sum(counts)
    yield lambda: sum(counts) - before
    for worker in workers:
        worker.join()


def full_rate(place, target, seconds):
    with load.Wrk(target, place.subscription, 1, 64, seconds) as wrk:
        got = wrk.result()
    return runs.answered_well(got) / got["seconds"]


@contextlib.contextmanager
def receiving(place):
    """The receiver behind nginx, warm, and its full rate."""
    folder = place.folder / "receiver"
    folder.mkdir(mode=0o711)
    with peers.callhook(folder, place.database) as target:
        full_rate(place, target, 1)
        yield target
    shutil.rmtree(folder)


def told(got):
    return (f"{runs.answered_well(got) / got['seconds']:.0f} requests/s, "
            f"p50 {got['p50']:.1f}, p99 {got['p99']:.1f}, "
            f"p99.9 {got['p99.9']:.1f}, longest {got['max']:.0f} ms")


def beside_receiver(place, options, pause, what, joined=False):
    """Half of the receiver's rate, alone and with the workers, in turn."""
    cursor = connect(place.database, "postgres")
    for name in NAMES:
        cursor.execute("SELECT callhook.make_consumer(%s, '-infinity')",
                       [name])
    with receiving(place) as target:
        for round_number in range(1, options.rounds + 1):
            cursor.execute(INSERT, [TENANT, 500_000])
            # What autovacuum would do to them in the midst of a round.
            cursor.execute("VACUUM ANALYZE callhook_store.notifications")
            cursor.execute("CHECKPOINT")
            half = full_rate(place, target, 4) / 2
            alone = load.paced(target, place.subscription, half,
                               options.seconds)
            with working(place.database, pause, options.seconds,
                         joined) as settled:
                beside = load.paced(target, place.subscription, half,
                                    options.seconds)
                rows = settled()
            print(f"{what} {round_number}: half rate alone: {told(alone)}\n"
                  f"{what} {round_number}: beside workers who settled "
                  f"{rows / options.seconds:.0f} items/s: "
                  f"{told(beside)}", flush=True)


def rate(place, options):
    beside_receiver(place, options, WORKERS * BATCH / WANTED, "rate")


def joined(place, options):
    beside_receiver(place, options, WORKERS * BATCH / WANTED, "joined",
                    joined=True)


def most(place, options):
    beside_receiver(place, options, 0, "most")


def cpu(place, options):
    owner, worker = (connect(place.database, user)
                     for user in ("postgres", "test_consumer"))
    owner.execute("SELECT callhook.make_consumer('cpu', '-infinity')")
    owner.execute(INSERT, [TENANT, 150_000])
    owner.execute("VACUUM ANALYZE callhook_store.notifications")
    worker.execute("SELECT pg_backend_pid()")
    account = pathlib.Path(f"/proc/{worker.fetchone()[0]}/schedstat")
    for _ in range(options.rounds):
        before = int(account.read_text().split()[0])
        rows = sum(take(worker, "cpu", BATCH) for _ in range(400))
        used = int(account.read_text().split()[0]) - before
        print(f"cpu: {used / 1e6 / (rows / BATCH):.2f} ms a batch",
              flush=True)


def notify(place, options):
    cursor = connect(place.database, "postgres")
    with receiving(place) as target:
        for _ in range(options.rounds):
            line = []
            for enabled in (False, True):
                cursor.execute("SELECT callhook_store.notify_consumers(%s)",
                               [enabled])
                found = full_rate(place, target, 4)
                line.append(f"{'on' if enabled else 'off'} {found:.0f}")
            print(f"notify: requests/s, LISTEN {', '.join(line)}", flush=True)


def waiting(place, options):
    database = place.database
    cursor = connect(database, "postgres")
    names = [f"waiting{number}" for number in range(20)]
    for name in names:
        take(cursor, name)
    left = options.rows
    while left > 0:
        cursor.execute(INSERT, [TENANT, min(left, 500_000)])
        left -= 500_000
    workers = {name: connect(database) for name in names}
    for what in ("first call", "later calls"):
        times = []
        for _ in range(1 if what == "first call" else 20):
            for name, worker in workers.items():
                begin = time.monotonic()
                assert take(worker, name) == 100
                times.append(1000 * (time.monotonic() - begin))
        print(f"waiting: {options.rows} rows, 20 consumers, next and done of "
              f"100, {what}: p50 {statistics.median(times):.1f} ms, max "
              f"{max(times):.1f} ms", flush=True)
    # Those of the last seconds are looked through again; see find.sql.
    time.sleep(6)
    empty = connect(database)
    take(empty, "empty")
    other = connect(database, "postgres")
    for what in ("nothing happens", "another transaction each time"):
        times = []
        for _ in range(200):
            if what != "nothing happens":
                other.execute("SELECT pg_current_xact_id()")
            begin = time.monotonic()
            take(empty, "empty")
            times.append(1000 * (time.monotonic() - begin))
        print(f"empty queue, {what}: p50 {statistics.median(times):.2f} ms",
              flush=True)


def bloat(place, options):
    database = place.database
    cursor = connect(database, "postgres")
    take(cursor, "bloat")

    def size():
        cursor.execute("SELECT pg_total_relation_size("
                       "'callhook_store.consumer_batches'), "
                       "pg_total_relation_size("
                       "'callhook_store.consumer_queues')")
        return "{} kB, queues {} kB".format(
            *(value // 1024 for value in cursor.fetchone()))

    settled = 0
    for part in range(1, 11):
        while settled < options.batches * part // 10:
            cursor.execute(INSERT, [TENANT, 2000])
            while take(cursor, "bloat", 1 if settled % 2 else 20):
                settled += 1
        print(f"bloat: {settled} batches: batches {size()}", flush=True)


PARTS = {"rate": rate, "joined": joined, "most": most, "cpu": cpu,
         "notify": notify, "waiting": waiting, "bloat": bloat}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", default="all")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--batches", type=int, default=1_000_000)
    options = parser.parse_args()
    case = next(case for case in cases.CASES if case.name == "half")
    for name, part in PARTS.items():
        if options.part in (name, "all"):
            with temporary_folder() as folder, \
                    runs.Place(folder, case, options.seconds) as place:
                part(place, options)


if __name__ == "__main__":
    main()
