#!/usr/bin/python3
"""How fast call records are taken apart, against another commit of this tree.

    records.py [--against COMMIT] [--rounds 6] [--records 1500] [--new-site]

One connection claims calls and hands over their records as the renewer does,
32 to a statement; the records are of a made-up year (year/), 14 kB each. All
variants store the same ones, a batch in turn: the commit and this tree, each
with the facts of reports and without. A round has sessions of its own, as a
run of the renewer has, and statistics of the rounds before. --new-site: one
session for all rounds, begun on an empty store, and no statistics: so is the
first run of a new site until autovacuum has been there.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import psycopg2  # noqa: E402  (only now are they on the path)

import measure  # noqa: E402
from support.postgres import Cluster  # noqa: E402
from support.project import ROOT  # noqa: E402
from support.service import temporary_folder  # noqa: E402

TENANT = "5f1cb7d0-51d1-4a1e-9a0e-0d7f4b9d2c11"
BATCH = 32
USERS, CALLS, FIRST, DAYS = 2000, 1_200_000, 3, 30     # of the year


class Server(Cluster):
    """With memory as a site would give it, and every commit on the disk."""

    SETTINGS = {**Cluster.SETTINGS, "fsync": "on", "shared_buffers": "512MB",
                "max_wal_size": "8GB", "autovacuum": "off"}


class Variant:
    """A schema in a database of its own, and a session of the renewer's."""

    def __init__(self, server, name, tree, facts):
        self.name, self.rates, self.costs = name, [], []
        server.execute(f"CREATE DATABASE {name}")
        done = server.psql("-q", "-f", pathlib.Path(tree) / "sql/install.sql",
                           database=name)
        if done.returncode:
            raise SystemExit(f"{tree}: install.sql: {done.stderr}")
        if not facts:
            server.execute("ALTER TABLE callhook_store.call_records "
                           "DISABLE TRIGGER USER", database=name)
        self.server = server
        self.connect()

    def connect(self):
        """A run of the renewer has a session of its own: it plans anew."""
        connection = psycopg2.connect(host=str(self.server.home),
                                      dbname=self.name, user="postgres")
        connection.autocommit = True
        self.cursor = connection.cursor()
        self.cursor.execute("SET statement_timeout = '14s'")

    def prepare(self, batches, new_site=False):
        """The calls are known before, and due."""
        self.cursor.execute(
            "SELECT callhook_store.want_calls(%s, %s::uuid[])",
            [TENANT, [call for calls, _ in batches for call in calls]])
        if not new_site:
            self.cursor.execute("VACUUM ANALYZE")   # as autovacuum would
            self.connect()
        self.cursor.execute("SELECT pg_backend_pid()")
        self.pid, = self.cursor.fetchone()
        self.seconds, self.cpu = 0, 0

    def store(self, calls, bodies):
        cpu, begin = measure.cpu_us([self.pid]), time.monotonic()
        stored = self.take(calls, bodies)
        self.seconds += time.monotonic() - begin
        self.cpu += measure.cpu_us([self.pid]) - cpu
        if stored != len(calls):
            raise SystemExit(f"{self.name}: {stored} of {len(calls)} stored")

    def take(self, calls, bodies):
        self.cursor.execute(
            "SELECT call_id, reading_no FROM callhook_store.claim_calls("
            "%s, %s, %s::uuid[])", [TENANT, BATCH, calls])
        numbers = dict(self.cursor.fetchall())
        steps = json.dumps([[call, numbers[call], "record", 1, False]
                            for call in calls])
        self.cursor.execute(
            "SELECT outcome FROM callhook_store.take_pages(%s, %s, %s)",
            [TENANT, steps, bodies])
        return sum(outcome == "stored" for outcome, in self.cursor.fetchall())


def batches_of(records):
    for start in range(0, len(records), BATCH):
        some = records[start:start + BATCH]
        yield ([call for call, _ in some],
               "[" + ",".join(body for _, body in some) + "]")


def run_round(variants, records, new_site):
    """They take turns batch by batch: what else the machine does meets all."""
    batches = list(batches_of(records))
    for variant in variants:
        variant.prepare(batches, new_site)
    variants[0].cursor.execute("CHECKPOINT")
    for number, (calls, bodies) in enumerate(batches):
        for turn in range(len(variants)):
            variants[(number + turn) % len(variants)].store(calls, bodies)
    for variant in variants:
        variant.rates.append(len(records) / variant.seconds)
        variant.costs.append(variant.cpu / 1000 / len(records))


def made_up(count):
    """So many records of the year: their ids and what Graph would send."""
    program = ROOT / "build/bench/year"
    with subprocess.Popen([program, "json", *map(str, (CALLS, USERS, FIRST, DAYS))],
                          stdout=subprocess.PIPE, text=True) as year:
        records = []
        for line in year.stdout:
            records.append((json.loads(line)["id"], line.rstrip("\n")))
            if len(records) == count:
                break
        year.kill()
    return records


def tree_of(commit, folder):
    """The tree of a commit, unpacked."""
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit, "sql"],
                             capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


def say_ratio(what, above, below):
    ratios = [a / b for a, b in zip(above.rates, below.rates)]
    print(f"{what}: {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", default="HEAD")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--records", type=int, default=1500)
    parser.add_argument("--new-site", action="store_true")
    options = parser.parse_args()
    records = made_up(options.records * (options.rounds + 1))
    with temporary_folder() as folder:
        other = folder / "tree"
        other.mkdir()
        tree_of(options.against, other)
        other.chmod(0o755)
        with Server(folder) as server:
            variants = [Variant(server, name, tree, facts)
                        for name, tree, facts in (
                            ("before", other, True), ("now", ROOT, True),
                            ("before_without", other, False),
                            ("now_without", ROOT, False))]
            for number in range(options.rounds + 1):
                run_round(variants, records[number * options.records:]
                          [:options.records], options.new_site)
                print(f"round {number}: " + ", ".join(
                    f"{variant.name} {variant.rates[-1]:.0f}"
                    for variant in variants) + " records/s", flush=True)
            before, now, before_without, now_without = variants
            for variant in variants:    # the first round warms up
                variant.rates.pop(0)
                variant.costs.pop(0)
                print(f"{variant.name}: median "
                      f"{statistics.median(variant.rates):.0f} records/s, "
                      f"{statistics.median(variant.costs):.2f} ms of CPU time "
                      "each in PostgreSQL")
            say_ratio("with facts, now / before", now, before)
            say_ratio("without, now / before", now_without, before_without)
            say_ratio("before, with facts / without", before, before_without)
            say_ratio("now, with facts / without", now, now_without)


if __name__ == "__main__":
    main()
