"""A year of reports: made month by month, as the product makes them.

The generator's rows of a day go into the record store by COPY, without the
triggers; the functions by which fill_facts gives a store that is older than
the facts its facts make them, day by day; refresh_day and refresh_month, the
renewer's steps, make the figures. Then the store is emptied: the disk would
not hold that of a year of 20,000 users.

Where there is no time for that, the facts of the first whole month are
repeated in those that follow, as other calls at other times of the same
people; their figures are made as ever.
"""

import concurrent.futures
import datetime
import json
import pathlib
import subprocess
import time

import psycopg2

import load
from support.postgres import Cluster
from support.service import Trouble

TENANT = "5f1cb7d0-51d1-4a1e-9a0e-0d7f4b9d2c11"
BEGIN = datetime.date(2025, 11, 28)
END = datetime.date(2026, 11, 28)
CALLS_A_USER = 600
BATCH = 500
PHONES_A_MONTH = 10_000_000
TABLES = ("calls", "call_records", "participants", "sessions", "segments",
          "media", "streams", "feedback", "pstn_calls", "direct_routing_calls")
EMPTIED = ", ".join(f"callhook_store.{table}" for table in TABLES)

FACTS = """
    SELECT callhook_store.add_report_facts(%(tenant)s, %(calls)s::uuid[]),
           callhook_store.match_phones_of_calls(%(tenant)s,
                                                %(calls)s::uuid[])"""
PHONES = """
    SELECT callhook_store.put_phones(%(tenant)s, log, array_agg(id))
    FROM callhook_store.log_rows
    WHERE tenant_id = %(tenant)s AND day = %(day)s AND log = %(log)s
    GROUP BY log"""

# The generator's words for what failed; a site adds those that it sees.
RULES = """
    INSERT INTO callhook_store.disposition_rule
        (source, stage, reason, disposition, valid_from)
    SELECT 'record', 'callSetup', 'CallSetupFailure' || word, becomes,
           '2020-01-01'
    FROM (VALUES ('NoAnswer', 'missed'), ('Cancelled', 'missed'),
                 ('Declined', 'declined'), ('Busy', 'declined'),
                 ('MediaConnectivity', 'failed'), ('Timeout', 'failed'),
                 ('UserNotFound', 'failed'), ('Forbidden', 'failed'))
        AS r (word, becomes)"""


class YearCluster(Cluster):
    """It stays from run to run, and has memory as a reporting server has."""

    SETTINGS = {**Cluster.SETTINGS, "shared_buffers": "2GB",
                "work_mem": "32MB", "maintenance_work_mem": "256MB",
                "max_wal_size": "8GB", "effective_cache_size": "8GB",
                "random_page_cost": "1.1", "wal_level": "minimal",
                "max_wal_senders": "0"}

    def __init__(self, folder):
        super().__init__(folder)
        self.home = self.folder / "pg"
        self.data = self.home / "data"

    def connect(self, user="postgres"):
        made = psycopg2.connect(host=str(self.home), user=user,
                                dbname="reports")
        made.autocommit = True
        return made.cursor()


def months():
    """First days of the months, the first and the last of them in part."""
    day = BEGIN
    while day < END:
        yield day
        day = (day.replace(day=1) + datetime.timedelta(32)).replace(day=1)


def days_of(month):
    day = month
    while day < END and day.month == month.month:
        yield day
        day += datetime.timedelta(1)


class Year:
    """The year in a cluster, and how far it is made."""

    def __init__(self, cluster, users):
        self.cluster = cluster
        self.users = users
        self.calls = users * CALLS_A_USER
        self.notes = pathlib.Path(cluster.folder) / "made.json"
        self.columns = {}           # of each table that was filled
        self.made = (json.loads(self.notes.read_text())
                     if self.notes.exists() else {})

    def generator(self, *words):
        return [str(load.BUILD / "year"), *map(str, words)]

    def lines(self, *words):
        done = subprocess.run(self.generator(*words), text=True, check=True,
                              capture_output=True)
        return done.stdout.splitlines()

    def begin(self):
        """The schema, rules and reference data of an empty database."""
        self.cluster.execute("DROP DATABASE IF EXISTS reports WITH (FORCE)")
        self.cluster.execute("CREATE DATABASE reports")
        self.cluster.install("reports")
        self.cluster.execute(
            "DO $$ BEGIN IF to_regrole('test_reader') IS NULL THEN CREATE "
            "ROLE test_reader LOGIN IN ROLE callhook_reader; END IF; END $$")
        cursor = self.cluster.connect()
        cursor.execute(RULES)
        buildings = [
            [line, f"10.{10 + building}.{floor}.0", f"Floor {floor}", "24",
             f"Building {building:02d}"] + [""] * 11
            for line, (building, floor) in enumerate(
                ((b, f) for b in range(20) for f in range(1, 7)), 1)]
        people = [[line, *words.split("\t"), "", ""] for line, words in
                  enumerate(self.lines("users", self.users), 2)]
        for kind, rows in (("building", buildings), ("person", people)):
            cursor.execute("SELECT * FROM callhook_store.load_reference"
                           "(%s, %s, %s)", [TENANT, kind, json.dumps(rows)])
            faults = cursor.fetchall()
            if faults:
                raise Trouble(f"{kind}: {faults[0]}")

    def copy(self, cursor, table, day):
        if table not in self.columns:
            [self.columns[table]] = self.lines("-c", table)
        with subprocess.Popen(
                self.generator(table, self.calls, self.users,
                               (day - BEGIN).days, 1),
                stdout=subprocess.PIPE) as rows:
            cursor.copy_expert(f"COPY callhook_store.{table} "
                               f"({self.columns[table]}) FROM STDIN",
                               rows.stdout)
        if rows.returncode:
            raise Trouble(f"year {table}: status {rows.returncode}")

    def make_day(self, cursor, day):
        """Seconds that the facts took."""
        cursor.execute("BEGIN; SET LOCAL session_replication_role = replica")
        for table in TABLES:
            self.copy(cursor, table, day)
        cursor.execute("COMMIT")
        begin = time.monotonic()
        cursor.execute("SELECT call_id FROM callhook_store.calls "
                       "WHERE day = %s ORDER BY started_at", [day])
        calls = [call for [call] in cursor.fetchall()]
        for first in range(0, len(calls), BATCH):
            cursor.execute(FACTS, {"tenant": TENANT,
                                   "calls": calls[first:first + BATCH]})
        # Apart: each locks its persons in their order, as another month does.
        for log in ("pstn", "direct_routing"):
            cursor.execute(PHONES, {"tenant": TENANT, "day": day, "log": log})
        return time.monotonic() - begin

    def clear(self, cursor, month):
        """What a run that was broken off has left of a month."""
        for table in ("report_streams", "report_legs", "report_calls",
                      "report_phones"):
            cursor.execute(f"DELETE FROM callhook_store.{table} WHERE "
                           "day >= %s AND day <= %s",
                           [month, max(days_of(month))])

    def make_days(self, month):
        """All days of a month; seconds that their facts took."""
        cursor = self.cluster.connect()
        self.clear(cursor, month)
        return sum(self.make_day(cursor, day) for day in days_of(month))

    def repeat_facts(self, cursor, month):
        """The facts of the first whole month once more, in another one."""
        source = list(months())[1]
        shift = (month.year - source.year) * 12 + month.month - source.month
        changed = {
            "day": "(l.day + {0})::date", "phone_no": f"l.phone_no + {shift}"
            f" * {PHONES_A_MONTH}", "id": f"l.id || '-{shift}'",
            **{name: f"l.{name} + {{0}}" for name in ("started_at",
                                                      "ended_at")},
            **{name: f"md5(l.{name} || '-{shift}')::uuid"
               for name in ("call_id", "correlation_id")}}
        cursor.execute("SELECT callhook_store.make_report_month(%s)", [month])
        for table in ("report_phones", "report_calls", "report_legs",
                      "report_streams"):
            cursor.execute("""
                SELECT attname FROM pg_attribute
                WHERE attrelid = %s::regclass AND attnum > 0
                  AND NOT attisdropped""", [f"callhook_store.{table}"])
            names = [name for [name] in cursor.fetchall()]
            values = ", ".join(changed.get(name, f"l.{name}")
                               for name in names)
            cursor.execute(f"""
                INSERT INTO callhook_store.{table} ({", ".join(names)})
                    OVERRIDING SYSTEM VALUE
                SELECT {values.format(f"interval '{shift} months'")}
                FROM callhook_store.{table} AS l
                WHERE day >= %s AND day < %s AND extract(day FROM day) <= %s
                ORDER BY day, started_at""",
                [source, list(months())[2], max(days_of(month)).day])
        cursor.execute(
            "INSERT INTO callhook_store.report_dirty_days "
            "SELECT %s, d::date FROM generate_series(%s, %s, "
            "interval '1 day') AS d",
            [TENANT, month, max(days_of(month))])

    def repeat_month(self, month):
        cursor = self.cluster.connect()
        self.clear(cursor, month)
        cursor.execute("BEGIN")
        self.repeat_facts(cursor, month)
        cursor.execute("COMMIT")
        figures = self.refresh(cursor)
        self.note(month, repeated=True, facts=0, figures=sum(figures),
                  longest_day=max(figures))

    def refresh(self, cursor):
        """Make all figures as a run of the renewer does; seconds a day."""
        took = []
        for span in ("day", "month"):
            before = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")
            while before:
                begin = time.monotonic()
                cursor.execute("SELECT * FROM callhook_store.refresh_"
                               f"{span}(%s, %s)", before)
                before = cursor.fetchone()
                if before and span == "day":
                    took.append(time.monotonic() - begin)
        return took

    def make_months(self, some):
        """Some months side by side."""
        cursor = self.cluster.connect()
        cursor.execute(f"TRUNCATE {EMPTIED}")
        with concurrent.futures.ThreadPoolExecutor(len(some)) as pool:
            facts = list(pool.map(self.make_days, some))
        figures = self.refresh(cursor)
        cursor.execute(f"TRUNCATE {EMPTIED}")
        for month, seconds in zip(some, facts):
            self.note(month, facts=seconds, figures=sum(figures) / len(some),
                      longest_day=max(figures))

    def note(self, month, **figures):
        self.made[f"{month:%Y-%m}"] = figures
        if len(self.made) == len(list(months())):
            self.cluster.connect().execute("VACUUM (ANALYZE)")
        self.notes.write_text(json.dumps(self.made, indent=1))
