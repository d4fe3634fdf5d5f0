"""What the status page costs where much is stored: `make bench-status`.

Millions of notifications of a year, a call for every two of them, a year of
the receivers' minutes and of figures by day, and today's calls as facts. Then
`status --html` is run again and again, each time in a new session: its size,
the time that PostgreSQL says its statements took, and the program's own; after
a run has made today's figures, as it does before it writes the page, and while
none of today's is made."""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import report  # noqa: E402  (only now are they on the path)
import runs  # noqa: E402
from graph import GraphDouble  # noqa: E402
from support import renewer as programs  # noqa: E402
from support.postgres import Cluster  # noqa: E402
from support.project import ROOT  # noqa: E402
from support.service import (  # noqa: E402
    Trouble, end_on_signals, temporary_folder)

BYTES_A_ROW = 700                   # with its call, indexes and log
BYTES_BESIDE = 3 << 30
CHUNK = 500000
ROUNDS = 15

# ms of statements, ms of the program's own CPU, bytes
WANTED = {"database": 100, "own": 20, "bytes": 200000}

# Beside the rows: what a run leaves, all of a year. An hour of each day the
# database is away.
BASE = """
    SELECT callhook_store.make_partition((now() - make_interval(months => n))
                                         ::date)
    FROM generate_series(1, 12) AS n;
    SELECT callhook_store.make_report_month((now() - make_interval(months => n))
                                            ::date)
    FROM generate_series(-1, 12) AS n;
    INSERT INTO callhook_store.tenants (tenant, tenant_id, last_run_at)
    VALUES ('contoso', '{tenant}', now());
    INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
        subscription_id, resource, change_type, notification_url,
        secret_sha256, announced_at, renewed_at, expires_at)
    VALUES ('contoso', '{tenant}', '{subscription}',
        'communications/callRecords', 'updated', 'https://calls.example.com/',
        decode(repeat('ab', 32), 'hex'), now() - interval '330 s',
        now() - interval '5 min', now() + interval '2 days');
    SELECT callhook_store.note_listing('{tenant}', 'calls',
        now() - interval '30 days', now(), 0, 0, 0);
    INSERT INTO callhook_store.receiver_minutes
    SELECT m, host, ARRAY[20, 0, 20, n % 3, 0, 0, 0, 0, 0, 0]::bigint[],
           array_fill(0, ARRAY[20]) || ARRAY[1, 4, 9, n % 7, n % 3, 1]
               || array_fill(0, ARRAY[10]) || (n % 2)::integer,
           900000 + n,
           CASE WHEN extract(hour FROM m) = 3 THEN 5000 * n ELSE 0 END
    FROM generate_series(date_trunc('minute', now()) - interval '365 days',
                         now(), '1 min') AS m,
         (VALUES ('edge1'), ('edge2')) AS h (host),
         LATERAL (SELECT extract(epoch FROM m)::bigint / 60 % 11 AS n) AS n;
    INSERT INTO callhook_store.receiver_hours
    SELECT * FROM callhook_store.hours_of_minutes(now() - interval '8 days');
    INSERT INTO callhook_store.receivers
    SELECT host, 1, now(), false, 0
    FROM (VALUES ('edge1'), ('edge2')) AS h (host);"""

# No consumer hears of them. Ids in order fill faster; no page looks for one.
ROWS = """
    SET session_replication_role = replica;
    INSERT INTO callhook_store.notifications (notification_id, received_at,
        stored_at, tenant_id, subscription_id, change_type, call_id, resource,
        subscription_expires_at, forwarded_for)
    SELECT gen_random_uuid(), at, at, '{tenant}', '{subscription}', 'updated',
           call_id, 'communications/callRecords/' || call_id,
           at + interval '2 days', '20.20.32.' || n % 256
    FROM (SELECT n, lpad(to_hex(n / 2), 32, '0')::uuid AS call_id, now()
                 - interval '365 days' * (1 - n / {rows}.0) AS at
          FROM generate_series({first}, {last}) AS n) AS one;
    INSERT INTO callhook_store.calls (call_id, tenant_id, first_notified_at,
        last_notified_at, notifications, started_at, ended_at, version,
        listed_version, record_state, filed_at)
    SELECT lpad(to_hex(n / 2), 32, '0')::uuid, '{tenant}', at, at, 2,
           at - interval '30 min', at - interval '20 min', 1, 1,
           CASE WHEN n % 20000 = 0 THEN 'waiting' ELSE 'stored' END, at
    FROM (SELECT n, now() - interval '365 days' * (1 - n / {rows}.0) AS at
          FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0) AS one;"""

HOURS = """
    INSERT INTO callhook_store.notification_hours
    SELECT tenant_id, date_trunc('hour', received_at, 'UTC'), count(*),
           count(*), max(received_at)
    FROM callhook_store.notifications GROUP BY 1, 2;"""

# Of one day; a meeting has more legs and streams than a call of two.
FACTS = """
    INSERT INTO callhook_store.report_terms (term)
    SELECT 'term ' || n FROM generate_series(1, 40) AS n;
    CREATE TEMPORARY TABLE happened AS
    SELECT n, gen_random_uuid() AS call_id,
           date_trunc('day', now(), 'UTC') + n * interval '1 day' / {calls}
               AS at,
           (ARRAY['d', 'd', 'm', 'p'])[1 + n % 4]::"char" AS kind,
           (ARRAY['a', 'a', 'a', 'm', 'd', 'f'])[1 + n % 6]::"char"
               AS disposition
    FROM generate_series(1, {calls}) AS n;
    INSERT INTO callhook_store.report_legs (started_at, ended_at, call_id,
        tenant_id, day, present_seconds, stage_no, reason_no, modalities,
        kind, direction, disposition, is_test)
    SELECT at, at + interval '10 min', call_id, '{tenant}', current_date, 600,
           CASE WHEN n % 10 = 0 THEN 1 END,
           CASE WHEN n % 10 = 0 THEN 2 + n / 10 % 30 END, 1, kind, 'o',
           disposition, false
    FROM happened, generate_series(1, CASE kind WHEN 'm' THEN 6 ELSE 2 END);
    INSERT INTO callhook_store.report_streams (started_at, call_id, tenant_id,
        jitter_ms, round_trip_ms, loss, packets, day, session_no, segment_no,
        media_no, stream_no, seconds, receiver_connection_no, transport_no,
        media, kind, verdict, is_test)
    SELECT at, call_id, '{tenant}', s, s, 0.01, 900, current_date, 1, 1, 1, s,
           600, 33 + s % 4, 37 + n % 3,
           (ARRAY['a', 'a', 'v', 's'])[1 + s % 4]::"char", kind,
           (ARRAY['g', 'g', 'g', 'p', 'u'])[1 + (n + s) % 5]::"char", false
    FROM happened,
         generate_series(1, CASE kind WHEN 'm' THEN 20 ELSE 4 END) AS s;
    INSERT INTO callhook_store.report_calls (started_at, ended_at, call_id,
        tenant_id, day, seconds, people, audio_classified, audio_poor, kind,
        disposition, external, is_test, failures)
    SELECT at, at + interval '10 min', call_id, '{tenant}', current_date, 600,
           2, s.classified, s.poor, kind, disposition, n % 5 = 0, false,
           l.failures
    FROM happened
    LEFT JOIN (SELECT call_id, count(*) FILTER (WHERE verdict <> 'u')
                          AS classified,
                      count(*) FILTER (WHERE verdict = 'p') AS poor
               FROM callhook_store.report_streams
               WHERE media = 'a' GROUP BY 1) AS s USING (call_id)
    LEFT JOIN (SELECT call_id, array_agg(DISTINCT ARRAY[stage_no, reason_no])
                          AS failures
               FROM callhook_store.report_legs WHERE stage_no IS NOT NULL
               GROUP BY 1) AS l USING (call_id)
    ORDER BY at;
    DELETE FROM callhook_store.report_dirty_days;
    INSERT INTO callhook_store.report_dirty_days
    VALUES ('{tenant}', current_date);"""

# All other days are as today; they were made one after the other.
DAYS = """
    INSERT INTO callhook_store.day_{name}
    SELECT (jsonb_populate_record(NULL::callhook_store.day_{name},
            to_jsonb(t) || jsonb_build_object('day', current_date - n))).*
    FROM callhook_store.now_{name} AS t, generate_series(1, 364) AS n
    WHERE t.day = current_date ORDER BY n DESC;"""

# What a minute brings: the receivers report, and a notification comes.
MINUTE = """
    UPDATE callhook_store.receivers SET last_seen_at = now();
    INSERT INTO callhook_store.notifications (notification_id, received_at,
        tenant_id, subscription_id, change_type, call_id)
    VALUES (gen_random_uuid(), now(), '{tenant}', '{subscription}', 'updated',
            gen_random_uuid());"""

# A run makes the figures of a day, and a record is stored.
REFRESHED = """SELECT callhook_store.refresh_day('infinity',
    'ffffffff-ffff-ffff-ffff-ffffffffffff');"""
DIRTY = """INSERT INTO callhook_store.report_dirty_days
    VALUES ('{tenant}', (now() AT TIME ZONE 'UTC')::date);"""
STATES = {"after a run": REFRESHED,
          "while a whole day's figures are to be made": DIRTY}

# Statements of the program, as the log has them.
PARTS = {"charts": r"status_charts\(", "status": r"status\(", "session": ""}

# What a new session pays for next to nothing.
FLOORS = {"a new session: SELECT 1": "SELECT 1",
          "a new session: a row of a table":
              "SELECT tenant FROM callhook_store.tenants"}

TABLES = ("call_hours", "networks", "failures", "kinds")


class ReadCluster(Cluster):
    """What a disk may lose does not change what reading costs."""

    SETTINGS = {**Cluster.SETTINGS, "shared_buffers": "256MB",
                "max_wal_size": "4GB"}


class Store:
    """A renewer's database after a year."""

    def __init__(self, database, renewer, rows):
        self.database, self.renewer, self.rows = database, renewer, rows
        self.names = {
            "tenant": renewer.tenants["contoso"].tenant_id, "rows": rows,
            "subscription": "99999999-8888-7777-6666-555555555555",
            "calls": max(100, rows // 2 // 250)}    # on a working day

    def execute(self, sql, **names):
        self.database.execute(sql.format(**self.names, **names))

    def steps(self):
        """What fills it, one by one, with what is done by then."""
        yield "a year of minutes", lambda: self.execute(BASE)
        for first in range(1, self.rows + 1, CHUNK):
            last = min(first + CHUNK - 1, self.rows)
            yield f"{last:,} rows", lambda first=first, last=last: \
                self.execute(ROWS, first=first, last=last)
        yield "the hours", lambda: self.execute(HOURS)
        yield "today's facts", lambda: self.execute(FACTS)
        for name in TABLES:
            yield f"the days' {name}", lambda name=name: self.execute(
                DAYS, name=name)
        yield "statistics", lambda: self.database.execute("VACUUM ANALYZE")

    def fill(self):
        for title, step in self.steps():
            step()
            print(f"filled: {title}", file=sys.stderr, flush=True)

    def size(self):
        """Rows, and GB with the indexes."""
        [got] = self.database.query("""
            SELECT (SELECT count(*) FROM callhook_store.notifications) AS n,
                   (SELECT count(*) FROM callhook_store.calls) AS calls,
                   (SELECT count(*) FROM callhook_store.report_streams)
                       AS streams,
                   pg_database_size(current_database()) / 1e9 AS gb""")
        return (f"{got['n']:,} notifications, {got['calls']:,} calls, "
                f"{got['streams']:,} streams of today, "
                f"{float(got['gb']):.1f} GB")


def run(renewer, *arguments):
    """The program alone (a process that starts it would count, too): what it
    prints, ms of its CPU and in all."""
    process = subprocess.Popen(
        [programs.RENEWER, "-c", renewer.path, *arguments], text=True,
        cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=renewer.environment())
    began = time.monotonic()
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    lasted = time.monotonic() - began
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Trouble(f"status {process.returncode}: {text[:500]}")
    return text, 1000 * (used.ru_utime + used.ru_stime), 1000 * lasted


def took(log):
    """ms of each statement in a part of the log, by PARTS."""
    times = dict.fromkeys(PARTS, 0)
    for ms, text in re.findall(r"duration: ([0-9.]+) ms +(.*)", log):
        times[next(name for name, words in PARTS.items()
                   if re.search(words, text))] += float(ms)
    return times


def measure(store, log):
    """One page: ms of its statements, of its own CPU and in all, and bytes."""
    store.execute(MINUTE)
    told = len(log())
    text, own, lasted = run(store.renewer, "status", "--html")
    if text.count("</figure>") != 9 or "Not known without" in text \
            or text.count("<svg") < 8:
        raise Trouble(f"no whole page: {text[:500]}")
    times = took(log()[told:])
    _, start, _ = run(store.renewer, "--version")
    got = {**times, "database": sum(times.values()), "own": own,
           "start": start, "rest": own - start, "all": lasted,
           "bytes": len(text.encode())}
    for name, sql in FLOORS.items():
        told = len(log())
        store.database.execute(sql)
        got[name] = sum(took(log()[told:]).values())
    return got


def measure_all(store, cluster, rounds):
    """A table for each state; the first page is not counted."""
    store.database.execute(
        f'ALTER DATABASE "{store.database.name}" '
        "SET log_min_duration_statement = 0")
    for title, statement in STATES.items():
        store.execute(statement)
        yield table(title, [measure(store, cluster.log)
                            for _ in range(rounds + 1)][1:])


def table(title, results):
    rows = [[title, "median", "most", "wanted", ""]]
    for key, title in (("database", "statements, ms"),
                       ("session", "of it, to open the session"),
                       ("status", "of it, status()"),
                       ("charts", "of it, status_charts()"),
                       ("own", "own CPU, ms"),
                       ("start", "of it, until main() begins"),
                       ("rest", "of it, from there on"),
                       ("all", "all, ms"),
                       ("bytes", "bytes"),
                       *((name, name) for name in FLOORS)):
        got = [one[key] for one in results]
        middle = statistics.median(got)
        digits = 0 if key == "bytes" else 1
        rows.append([title, report.show(middle, digits),
                     report.show(max(got), digits),
                     f"< {WANTED[key]:,}" if key in WANTED else "",
                     ("yes" if middle < WANTED[key] else "NO")
                     if key in WANTED else ""])
    return report.table(rows)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=10000000, metavar="N",
                        help="notifications of the year (10000000)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build" / "bench-status.txt")
    return parser.parse_args()


def main():
    given = arguments()
    needed = given.rows * BYTES_A_ROW + BYTES_BESIDE
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < needed:
        sys.exit(f"{tempfile.gettempdir()}: {needed / 1e9:.0f} GB needed, "
                 f"{free / 1e9:.0f} GB free")
    end_on_signals()
    # Whatever mode was built last.
    programs.RENEWER = ROOT / "build/release/renewer/callhook-renewer"
    with temporary_folder() as folder, GraphDouble(folder) as double, \
            ReadCluster(folder) as cluster:
        database = cluster.create_database()
        renewer = programs.Renewer(folder, double, database,
                          notification_url="https://calls.example.com/")
        renewer.add("contoso")
        programs.write_private(renewer.path, renewer.configuration())
        store = Store(database, renewer, given.rows)
        store.fill()
        tables = measure_all(store, cluster, given.rounds)
        text = "\n\n".join([
            f"{given.rounds} pages; {store.size()}\n{runs.machine()}",
            *tables]) + "\n"
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text)
    print(text, end="")
    print(f"\nalso in {given.output}")


if __name__ == "__main__":
    main()
