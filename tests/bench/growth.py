"""What a large month costs: `make bench-growth`.

Two stores in one PostgreSQL, one with millions of rows in the current month,
one with few. The usual reader's queries are timed on both; then the large one
and the other, emptied, take notifications in alternating short rounds."""

import argparse
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import cases  # noqa: E402  (only now are they on the path)
import report  # noqa: E402
import runs  # noqa: E402
from support.project import ROOT  # noqa: E402
from support.service import (  # noqa: E402
    Trouble, end_on_signals, temporary_folder)

BYTES_A_ROW = 320                   # with its share of the write-ahead log
BYTES_BESIDE = 2 << 30
CHUNK = 500000
LITTLE = 1000                       # part of the rows, to compare queries
WANTED = 0.9

FORMS = [
    cases.Case("growth1", "1 item x 64 connections", 1, 64, (cases.US,)),
    cases.Case("growth20", "20 items x 32 connections", 20, 32, (cases.US,)),
]

# Evenly over the part of the month that is over.
FILL = """
INSERT INTO callhook_store.notifications (notification_id, received_at,
    stored_at, tenant_id, subscription_id, change_type, call_id, resource,
    subscription_expires_at, forwarded_for)
SELECT gen_random_uuid(), at, at, '{tenant}', '{subscription}',
       CASE WHEN n % 5 = 0 THEN 'created' ELSE 'updated' END, call_id,
       'communications/callRecords/' || call_id, at + interval '2 days',
       '20.20.32.' || n % 256
FROM (SELECT n, gen_random_uuid() AS call_id, date_trunc('month', now())
             + (now() - date_trunc('month', now())) * (n / {rows}.0) AS at
      FROM generate_series({first}, {last}) AS n) AS calls"""

# As people ask, by the views. A call's time is known from the call itself.
QUERIES = [
    ("one call id, near its time", """
        SELECT * FROM callhook.notifications WHERE call_id = '{call_id}'
        AND received_at BETWEEN timestamptz '{at}' - interval '15 minutes'
                            AND timestamptz '{at}' + interval '15 minutes'"""),
    ("one call id, at any time", """
        SELECT * FROM callhook.notifications WHERE call_id = '{call_id}'"""),
    ("the last hour", """
        SELECT * FROM callhook.notifications
        WHERE received_at > now() - interval '1 hour'"""),
    ("the newest 20", """
        SELECT received_at, change_type, call_id, tenant_id
        FROM callhook.notifications ORDER BY received_at DESC LIMIT 20"""),
    ("a day's count by change type", """
        SELECT change_type, count(*) FROM callhook.notifications
        WHERE received_at >= date_trunc('day', timestamptz '{at}')
          AND received_at < date_trunc('day', timestamptz '{at}')
                            + interval '1 day'
        GROUP BY change_type"""),
]


class Store(runs.Place):
    """A database that keeps its rows, unless it is to be emptied."""

    def __init__(self, folder, cluster, seconds, keeps):
        super().__init__(folder, None, seconds)
        self.cluster = cluster
        self.database = cluster.create_database()
        self.subscription = self.database.subscribe()
        self.keeps = keeps
        self.since = None

    def clear(self):
        if not self.keeps:
            self.database.execute("TRUNCATE callhook_store.notifications")
        self.database.execute("CHECKPOINT")
        self.since = self.database.query("SELECT now()::text AS now")[0]["now"]

    def count(self):
        return self.database.query(
            "SELECT count(*) AS n FROM callhook_store.notifications "
            f"WHERE received_at >= '{self.since}'")[0]["n"]

    def fill(self, rows):
        """All rows, made inside of PostgreSQL."""
        for first in range(1, rows + 1, CHUNK):
            last = min(first + CHUNK - 1, rows)
            self.database.execute(FILL.format(
                tenant=self.subscription.tenant_id, rows=rows,
                subscription=self.subscription.subscription_id,
                first=first, last=last))
            print(f"filling: {last:,} rows", file=sys.stderr, flush=True)
        self.database.execute("VACUUM (ANALYZE) callhook_store.notifications")

    def size(self):
        """Rows, and GB with the indexes."""
        got = self.database.query("""
            SELECT (SELECT count(*) FROM callhook_store.notifications) AS n,
                   sum(pg_total_relation_size(relid)) / 1e9 AS gb
            FROM pg_partition_tree('callhook_store.notifications')""")[0]
        return f"{got['n']:,} rows, {float(got['gb']):.1f} GB"

    def example(self):
        """A call of some time ago, to look for."""
        row = self.database.query("""
            SELECT call_id, received_at AS at
            FROM callhook_store.notifications
            WHERE received_at < date_trunc('month', now())
                  + 0.9 * (now() - date_trunc('month', now()))
            ORDER BY received_at DESC LIMIT 1""")
        return row[0]

    def query_ms(self, query):
        """The median of three times that psql waited for a query."""
        asked = " ".join(query.format(**self.example()).split())
        done = self.cluster.psql(
            "-q", "-A", "-t", "-o", "/dev/null",
            *(["-c", asked] + ["-c", "\\timing on"] + ["-c", asked] * 3),
            database=self.database.name, user="test_reader")
        times = re.findall(r"^Time: ([0-9.]+) ms", done.stdout, re.M)
        if len(times) != 3:
            raise Trouble(done.stdout + done.stderr)
        return statistics.median(map(float, times))


def load_both(full, empty, rounds, results):
    for round_ in range(1, rounds + 1):
        for form in FORMS:
            for name, store in (("full", full), ("empty", empty)):
                store.case = form
                result = store.run(cases.US)
                results.setdefault((form.name, name), []).append(result)
                print(f"{form.name} {round_} {name}: "
                      f"{result['items/s']:,.0f} items/s", file=sys.stderr,
                      flush=True)


def rates(results, filled):
    rows = [["", "empty items/s", "full items/s", "PG us", "PG us, full",
             "full / empty", ""]]
    for form in FORMS:
        quotients = [a["items/s"] / b["items/s"] for a, b in zip(
            results[form.name, "full"], results[form.name, "empty"])]
        middle = {(name, figure): report.median(report.figures(
            results, form.name, name, figure)) for name in ("full", "empty")
            for figure in ("items/s", "CPU PostgreSQL")}
        rows.append([form.title,
                     report.show(middle["empty", "items/s"], 0),
                     report.show(middle["full", "items/s"], 0),
                     report.show(middle["empty", "CPU PostgreSQL"], 1),
                     report.show(middle["full", "CPU PostgreSQL"], 1),
                     report.spread(quotients),
                     "yes" if report.median(quotients) >= WANTED else "NO"])
    return (f"full: {filled:,} rows in the current month; wanted: "
            f">= {WANTED:g} of the empty store's rate\n{report.table(rows)}")


def queries(full, empty):
    rows = [["a reader's query, ms", "little", "full"]]
    for title, query in QUERIES:
        rows.append([title] + [report.show(store.query_ms(query), 1)
                               for store in (empty, full)])
    return (f"little: {empty.size()}; full: {full.size()}\n"
            f"{report.table(rows)}")


def check_space(rows):
    needed = rows * BYTES_A_ROW + BYTES_BESIDE
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < needed:
        sys.exit(f"{tempfile.gettempdir()}: {needed / 1e9:.0f} GB needed, "
                 f"{free / 1e9:.0f} GB free")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20000000, metavar="N",
                        help="in the full store (20000000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=int, default=3, metavar="N",
                        help="length of each run (3)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build" / "bench-growth.txt")
    return parser.parse_args()


def main():
    given = arguments()
    check_space(given.rows)
    end_on_signals()
    results = {}
    with temporary_folder() as folder, \
            runs.MeasuredCluster(folder) as cluster:
        full = Store(folder, cluster, given.seconds, keeps=True)
        empty = Store(folder, cluster, given.seconds, keeps=False)
        empty.fill(given.rows // LITTLE)
        full.fill(given.rows)
        asked = queries(full, empty)
        load_both(full, empty, given.rounds, results)
        text = "\n\n".join([
            f"Medians of {given.rounds} rounds of {given.seconds} s each, the "
            f"stores in turn.\n{runs.machine()}",
            rates(results, given.rows), asked]) + "\n"
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text)
    print(text, end="")
    print(f"\nalso in {given.output}")


if __name__ == "__main__":
    main()
