#!/usr/bin/python3
"""How fast call records are taken apart, against another commit of this tree.

    records.py [--against COMMIT] [--rounds 6] [--records 1500] [--new-site]
               [--batch 75] [--batch-before 75]

One connection claims calls and hands over their records as the renewer does,
75 to a statement, which is 1 MB of the records of a made-up year (year/), or as
many as the renewer of another commit (32 before it was 1 MB). All variants
store the same ones, 300 in turn: the commit and this tree, each with the facts
of reports and without. A round has sessions of its own, as a run of the
renewer has, and statistics of the rounds before. --new-site: one session for
all rounds, begun on an empty store, and no statistics: so is the first run of
a new site until autovacuum has been there.
"""

import argparse
import ctypes
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import measure  # noqa: E402  (only now are they on the path)
from support.postgres import Cluster  # noqa: E402
from support.project import ROOT  # noqa: E402
from support.service import temporary_folder  # noqa: E402

TENANT = "5f1cb7d0-51d1-4a1e-9a0e-0d7f4b9d2c11"
TURN = 300    # records
USERS, CALLS, FIRST, DAYS = 2000, 1_200_000, 3, 30     # of the year


class Server(Cluster):
    """With memory as a site would give it, and every commit on the disk."""

    SETTINGS = {**Cluster.SETTINGS, "fsync": "on", "shared_buffers": "512MB",
                "max_wal_size": "8GB", "autovacuum": "off"}


class Session:
    """A connection that sends values beside its statements, as the renewer
    does: psycopg2 writes them into these."""

    pq = ctypes.CDLL("libpq.so.5")
    for name in "PQconnectdb", "PQexecParams", "PQgetvalue", "PQerrorMessage":
        getattr(pq, name).restype = ctypes.c_void_p

    def __init__(self, conninfo):
        self.connection = ctypes.c_void_p(
            self.pq.PQconnectdb(conninfo.encode()))

    def run(self, sql, *values):
        """The rows of a statement: each a list of texts."""
        array = (ctypes.c_char_p * len(values))(
            *(value.encode() for value in values))
        result = ctypes.c_void_p(self.pq.PQexecParams(
            self.connection, sql.encode(), len(values), None, array, None,
            None, 0))
        if self.pq.PQresultStatus(result) not in (1, 2):
            raise SystemExit(ctypes.string_at(
                self.pq.PQerrorMessage(self.connection)).decode())
        rows = [[ctypes.string_at(self.pq.PQgetvalue(result, row, column))
                 .decode() for column in range(self.pq.PQnfields(result))]
                for row in range(self.pq.PQntuples(result))]
        self.pq.PQclear(result)
        return rows

    def close(self):
        self.pq.PQfinish(self.connection)


class Variant:
    """A schema in a database of its own, and a session of the renewer's."""

    def __init__(self, server, name, tree, facts, batch):
        self.name, self.rates, self.costs, self.batch = name, [], [], batch
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
        [[self.old_pages]] = self.session.run(
            "SELECT to_regprocedure("
            "'callhook_store.take_pages(uuid, json, json)') IS NOT NULL")

    def connect(self):
        """A run of the renewer has a session of its own: it plans anew."""
        self.session = Session(f"host={self.server.home} dbname={self.name} "
                               "user=postgres")
        self.session.run("SET statement_timeout = '14s'")

    def prepare(self, records, new_site=False):
        """The calls are known before, and due."""
        self.session.run(
            "SELECT callhook_store.want_calls($1, $2::uuid[])", TENANT,
            array_of(call for call, _ in records))
        if not new_site:
            self.session.run("VACUUM ANALYZE")   # as autovacuum would
            self.session.close()
            self.connect()
        [[pid]] = self.session.run("SELECT pg_backend_pid()")
        self.pid = int(pid)
        self.seconds, self.cpu = 0, 0

    def store(self, records):
        cpu, begin = measure.cpu_us([self.pid]), time.monotonic()
        stored = sum(self.take(records[n:n + self.batch])
                     for n in range(0, len(records), self.batch))
        self.seconds += time.monotonic() - begin
        self.cpu += measure.cpu_us([self.pid]) - cpu
        if stored != len(records):
            raise SystemExit(f"{self.name}: {stored} of {len(records)} stored")

    def take(self, records):
        numbers = dict(self.session.run(
            "SELECT call_id, reading_no FROM callhook_store.claim_calls("
            "$1, $2::integer, $3::uuid[])", TENANT, str(len(records)),
            array_of(call for call, _ in records)))
        steps = json.dumps([[call, int(numbers[call]), "record", 1, False]
                            for call, _ in records])
        bodies = [body for _, body in records]
        if self.old_pages == "t":   # an array of JSON
            bodies = ["[" + ",".join(bodies) + "]"]
        places = ", ".join(f"${n}::json" for n in range(3, 3 + len(bodies)))
        if self.old_pages == "f":
            places = f"VARIADIC ARRAY[{places}]"
        return self.session.run(
            "SELECT outcome FROM callhook_store.take_pages("
            f"$1, $2::json, {places})", TENANT, steps, *bodies
        ).count(["stored"])


def array_of(values):
    return "{" + ",".join(values) + "}"


def run_round(variants, records, new_site):
    """They take turns often: what else the machine does meets all."""
    for variant in variants:
        variant.prepare(records, new_site)
    variants[0].session.run("CHECKPOINT")
    for number in range(0, len(records), TURN):
        for turn in range(len(variants)):
            variants[(number // TURN + turn) % len(variants)].store(
                records[number:number + TURN])
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
    parser.add_argument("--batch", type=int, default=75)
    parser.add_argument("--batch-before", type=int, default=75)
    options = parser.parse_args()
    records = made_up(options.records * (options.rounds + 1))
    with temporary_folder() as folder:
        other = folder / "tree"
        other.mkdir()
        tree_of(options.against, other)
        other.chmod(0o755)
        with Server(folder) as server:
            variants = [Variant(server, name, tree, facts, batch)
                        for name, tree, facts, batch in (
                            ("before", other, True, options.batch_before),
                            ("now", ROOT, True, options.batch),
                            ("before_without", other, False,
                             options.batch_before),
                            ("now_without", ROOT, False, options.batch))]
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
