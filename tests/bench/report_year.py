"""A year of reports: made month by month, as the product makes them.

The generator's rows of a day go into the record store by COPY, without the
triggers; the functions by which fill_facts gives a store that is older than
the facts its facts make them, day by day; refresh_day and refresh_month, the
renewer's steps, make the figures. Then the store is emptied: the disk would
not hold that of a year of 20,000 users.

Where there is no time for that, the facts of the first whole month are
repeated in those that follow, as other calls at other times of the same
people; or a year that is there is taken ten times, each as the calls of other
people. Their figures are made as ever.
"""

import concurrent.futures
import datetime
import json
import pathlib
import shutil
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
PHONES_A_COPY = 10_000_000_000
PEOPLE_A_COPY = 1_000_000
FACT_TABLES = ("report_phones", "report_calls", "report_legs",
               "report_streams")
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

# Nine more of everybody: another id, another name to log in with.
PEOPLE = f"""
    INSERT INTO callhook_store.report_people (person_no, tenant_id, key, id,
        name, principal_name, home_tenant, department, seen_in)
        OVERRIDING SYSTEM VALUE
    SELECT person_no + k * {PEOPLE_A_COPY}, tenant_id, left(key, 1) || o.id,
           o.id, name, replace(principal_name, '@', '-' || k || '@'),
           home_tenant, department, seen_in
    FROM callhook_store.report_people AS p, generate_series(1, 9) AS k,
         LATERAL (SELECT CASE WHEN p.id ~ '^[0-9a-f-]{{36}}$'
                              THEN md5(p.id || k)::uuid::text
                              ELSE p.id || k END) AS o (id);
    INSERT INTO callhook_store.person (tenant_id, person, department,
        cost_centre, number)
    SELECT tenant_id, replace(person, '@', '-' || k || '@'), department,
           cost_centre, number
    FROM callhook_store.person, generate_series(1, 9) AS k"""

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

    def copy_from(self, folder):
        """Before it starts: the cluster of another year, which is whole."""
        made = json.loads((folder / "made.json").read_text())
        if len(made) != len(list(months())):
            raise Trouble(f"{folder}: the year is not made yet")
        shutil.rmtree(self.home, ignore_errors=True)
        subprocess.run(["cp", "-a", folder / "pg", self.home], check=True)
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"unix_socket_directories = '{self.home}'\n")

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
        for table in FACT_TABLES:
            cursor.execute(f"DELETE FROM callhook_store.{table} WHERE "
                           "day >= %s AND day <= %s",
                           [month, max(days_of(month))])

    def make_days(self, month):
        """All days of a month; seconds that their facts took."""
        cursor = self.cluster.connect()
        self.clear(cursor, month)
        return sum(self.make_day(cursor, day) for day in days_of(month))

    @staticmethod
    def copy_facts(cursor, changed, rows, values):
        """Facts once more: rows is the FROM that names them l, and a WHERE;
        changed has the columns that are not as they were."""
        for table in FACT_TABLES:
            cursor.execute("""
                SELECT attname FROM pg_attribute
                WHERE attrelid = %s::regclass AND attnum > 0
                  AND NOT attisdropped""", [f"callhook_store.{table}"])
            names = [name for [name] in cursor.fetchall()]
            columns = ", ".join(changed.get(name, f"l.{name}")
                                for name in names)
            cursor.execute(f"""
                INSERT INTO callhook_store.{table} ({", ".join(names)})
                    OVERRIDING SYSTEM VALUE
                SELECT {columns} FROM callhook_store.{table} AS {rows}
                ORDER BY l.day, l.started_at""", values)

    def repeat_facts(self, cursor, month):
        """The facts of the first whole month once more, in another one."""
        source = list(months())[1]
        shift = (month.year - source.year) * 12 + month.month - source.month
        later = f"interval '{shift} months'"
        cursor.execute("SELECT callhook_store.make_report_month(%s)", [month])
        self.copy_facts(cursor, {
            "day": f"(l.day + {later})::date",
            "phone_no": f"l.phone_no + {shift * PHONES_A_MONTH}",
            "id": f"l.id || '-{shift}'",
            **{name: f"l.{name} + {later}" for name in ("started_at",
                                                        "ended_at")},
            **{name: f"md5(l.{name} || '-{shift}')::uuid"
               for name in ("call_id", "correlation_id")}},
            "l WHERE day >= %s AND day < %s AND extract(day FROM day) <= %s",
            [source, list(months())[2], max(days_of(month)).day])

    @staticmethod
    def make_dirty(cursor, month):
        cursor.execute(
            "INSERT INTO callhook_store.report_dirty_days "
            "SELECT %s, d::date FROM generate_series(%s, %s, "
            "interval '1 day') AS d",
            [TENANT, month, max(days_of(month))])

    def tenfold(self, month):
        """Nine more of each fact of a month, of other people."""
        cursor = self.cluster.connect()
        cursor.execute("BEGIN")
        cursor.execute("SELECT max(person_no) FROM callhook_store"
                       ".report_people")
        if cursor.fetchone()[0] < PEOPLE_A_COPY:
            cursor.execute(PEOPLE)
        self.copy_facts(cursor, {
            "phone_no": f"l.phone_no + k * {PHONES_A_COPY}",
            "id": "l.id || '=' || k",
            **{name: f"l.{name} || k" for name in ("caller_number",
                                                   "callee_number")},
            **{name: f"l.{name} + k * {PEOPLE_A_COPY}"
               for name in ("person_no", "peer_no", "sender_no",
                            "receiver_no")},
            **{name: f"md5(l.{name} || '=' || k)::uuid"
               for name in ("call_id", "correlation_id")}},
            "l, generate_series(1, 9) AS k WHERE day >= %s AND day <= %s",
            [month, max(days_of(month))])
        self.make_dirty(cursor, month)
        cursor.execute("COMMIT")
        figures = self.refresh(cursor)
        self.note(month, tenfold=True, facts=0, figures=sum(figures),
                  longest_day=max(figures))

    def repeat_month(self, month):
        cursor = self.cluster.connect()
        self.clear(cursor, month)
        cursor.execute("BEGIN")
        self.repeat_facts(cursor, month)
        self.make_dirty(cursor, month)
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
