#!/usr/bin/python3
"""What consumers do, and what they cost.

    consumers.py [--part rate|notify|waiting|bloat|all] [--seconds 20]
                 [--rows 10000000] [--batches 1000000]

rate     next and done of 100 rows by 8 workers under 3 names, beside a
         receiver at half of its rate: items a second, the receiver's p99.9.
notify   the receiver's rate with LISTEN switched off and on.
waiting  how long next takes with so many rows waiting for 20 consumers, and
         on an empty queue.
bloat    the size of what consumers write, before and after so many batches.
"""

import argparse
import multiprocessing
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import psycopg2  # noqa: E402

from support.postgres import Cluster  # noqa: E402
from support.service import temporary_folder  # noqa: E402

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


def consume(database, name, end, counts, number):
    cursor = connect(database)
    while time.monotonic() < end:
        counts[number] += take(cursor, name)


def store_at(database, rows_a_second, end, times):
    """As the receiver does: short transactions, one after the other; 0: as
    fast as it can. How long each took from when it was due."""
    cursor = connect(database, "postgres")
    due = time.monotonic()
    taken = []
    while due < end:
        begin = due if rows_a_second else time.monotonic()
        if begin >= end:
            break
        time.sleep(max(0, due - time.monotonic()))
        cursor.execute(INSERT, [TENANT, 20])
        taken.append(time.monotonic() - begin)
        due = due + 20 / rows_a_second if rows_a_second else 0
    times.put(taken)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def stored(database, rows_a_second, seconds):
    times = multiprocessing.Queue()
    process = multiprocessing.Process(
        target=store_at, args=(database, rows_a_second,
                               time.monotonic() + seconds, times))
    process.start()
    return process, times


def full_rate(database, seconds):
    process, times = stored(database, 0, seconds)
    taken = times.get()
    process.join()
    return 20 * len(taken) / seconds, taken


def rate(database, options):
    full, _ = full_rate(database, options.seconds / 2)
    cursor = connect(database, "postgres")
    for name in ("one", "two", "three"):
        cursor.execute("SELECT callhook.make_consumer(%s, '-infinity')",
                       [name])
    cursor.execute(INSERT, [TENANT, 1_500_000])
    end = time.monotonic() + options.seconds
    counts = multiprocessing.Array("q", 8)
    workers = [multiprocessing.Process(
        target=consume, args=(database, ("one", "two", "three")[number % 3],
                              end, counts, number)) for number in range(8)]
    process, times = stored(database, full / 2, options.seconds)
    for worker in workers:
        worker.start()
    taken = times.get()
    for one in (*workers, process):
        one.join()
    print(f"rate: {sum(counts) / options.seconds:.0f} items/s by 8 workers "
          f"beside {full / 2:.0f} rows/s stored (half of {full:.0f}); a "
          f"transaction of 20 rows p50 {1000 * statistics.median(taken):.1f} "
          f"ms, p99.9 {1000 * percentile(taken, 0.999):.1f} ms", flush=True)


def notify(database, options):
    cursor = connect(database, "postgres")
    for round_number in range(3):
        line = []
        for enabled in (False, True):
            cursor.execute("SELECT callhook_store.notify_consumers(%s)",
                           [enabled])
            found, _ = full_rate(database, options.seconds / 4)
            line.append(f"{'on' if enabled else 'off'} {found:.0f}")
        print(f"notify: rows/s, LISTEN {', '.join(line)}", flush=True)
    cursor.execute("SELECT callhook_store.notify_consumers(false)")


def waiting(database, options):
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


def bloat(database, options):
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


PARTS = {"rate": rate, "notify": notify, "waiting": waiting, "bloat": bloat}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", default="all")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--batches", type=int, default=1_000_000)
    options = parser.parse_args()
    with temporary_folder() as folder, Cluster(folder) as cluster:
        cluster.execute("ALTER SYSTEM SET max_wal_size = '4GB'; "
                        "ALTER SYSTEM SET shared_buffers = '512MB'")
        cluster.stop()
        cluster.start()
        for name, part in PARTS.items():
            if options.part in (name, "all"):
                database = cluster.create_database()
                part(database, options)
                cluster.drop_database(database.name)


if __name__ == "__main__":
    main()
