"""The peers of make bench-reports: DuckDB by npm, ClickHouse by Debian.

Both have three tables of single rows, words and all, as an export of our
views makes them, and no figures made before."""

import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import load
from support.service import Service, Trouble

THREADS = 2
MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
EXPORTS = {
    "calls": """
        SELECT day, {started}, {ended}, kind, external, people, seconds,
               is_test
        FROM (SELECT day, started_at, ended_at,
                     CASE kind WHEN 'd' THEN 'peer_to_peer'
                          WHEN 'm' THEN 'meeting' ELSE 'phone' END AS kind,
                     coalesce(external::integer, 2) AS external, people,
                     coalesce(seconds, 0) AS seconds, is_test::integer
              FROM callhook_store.report_calls
              UNION ALL
              SELECT day, started_at, ended_at, 'phone', 1, 1,
                     coalesce(seconds, 0), 0
              FROM callhook_store.report_phones WHERE call_id IS NULL) AS c
        WHERE {month}""",
    "legs": """
        SELECT coalesce(call_id, '00000000-0000-0000-0000-000000000000'), day,
               {started}, {ended}, coalesce(duration_seconds, 0), kind,
               direction, coalesce(person_id, ''), coalesce(person_name, ''),
               coalesce(person_kind, ''), coalesce(peer_id, ''), disposition,
               coalesce(failure_stage, ''), coalesce(failure_reason, ''),
               coalesce(platform, ''), coalesce(client_version, ''),
               coalesce(rating, ''), coalesce(department, ''),
               coalesce(charge, -1), source, is_test::integer
        FROM callhook.cdr WHERE {month}""",
    "streams": """
        SELECT call_id, day, media, kind, coalesce(sender_id, ''),
               coalesce(receiver_id, ''), coalesce(receiver_name, ''),
               packets, jitter_ms, round_trip_ms, loss,
               coalesce(receiver_platform, ''),
               coalesce(receiver_device, ''),
               coalesce(receiver_connection, ''),
               coalesce(receiver_subnet, ''), coalesce(transport, ''),
               is_test::integer
        FROM callhook.stream_quality WHERE {month}""",
    "buildings": """
        SELECT host(network), building, network_name
        FROM callhook_store.building""",
}
COLUMNS = {
    "calls": "day D, started_us I, ended_us I, kind T, external I, people I, "
             "seconds I, is_test I",
    "legs": "call_id U, day D, started_us I, ended_us I, seconds I, kind T, "
            "direction T, person_id T, person_name T, person_kind T, "
            "peer_id T, disposition T, failure_stage T, failure_reason T, "
            "platform T, client_version T, rating T, department T, charge F, "
            "source T, is_test I",
    "streams": "call_id U, day D, media T, kind T, sender_id T, "
               "receiver_id T, receiver_name T, packets I, jitter F, trip F, "
               "loss F, receiver_platform T, receiver_device T, "
               "receiver_connection T, receiver_subnet T, transport T, "
               "is_test I",
    "buildings": "subnet T, building T, floor T",
}


def columns(table, types):
    """The columns of a table, in the words of an engine."""
    return ", ".join(f"{name} {types[letter]}" for name, letter in
                     (column.split() for column in COLUMNS[table].split(", ")))


def export(cursor, table, first, end, path):
    """A month's rows of a table as a file, TAB between the values."""
    sql = EXPORTS[table].format(
        started=f"coalesce({MICROSECONDS.format('started_at')}, 0)",
        ended=f"coalesce({MICROSECONDS.format('ended_at')}, 0)",
        month=f"day >= '{first}' AND day < '{end}'")
    with open(path, "w") as file:
        cursor.copy_expert(f"COPY ({sql}) TO STDOUT", file)


class DuckDB:
    """In a process of Node.js, which is asked line by line."""

    name = "duckdb"
    TYPES = {"D": "DATE", "I": "BIGINT", "T": "VARCHAR", "F": "DOUBLE",
             "U": "UUID"}

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "year.duckdb"

    def __enter__(self):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "node",
             load.BUILD / "duckdb" / "server.js", self.file, str(THREADS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)

    def ask(self, sql):
        self.process.stdin.write(json.dumps(sql) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Trouble(f"DuckDB: {answer['error']}\n{sql}")
        return answer["ms"], answer["rows"]

    def begin(self):
        for table in COLUMNS:
            self.ask(f"CREATE OR REPLACE TABLE {table} "
                     f"({columns(table, self.TYPES)})")

    def load(self, table, first, end, path):
        """A month anew, which a broken run may have filled in part."""
        self.ask(f"DELETE FROM {table}" if table == "buildings" else
                 f"DELETE FROM {table} WHERE day >= '{first}' "
                 f"AND day < '{end}'")
        self.ask(f"COPY {table} FROM '{path}' (FORMAT csv, DELIMITER '\t', "
                 "HEADER false, QUOTE '', ESCAPE '', NULLSTR '\\N')")


class ClickHouse(Service):
    """A server of its own on a loopback port."""

    name = "clickhouse"
    TYPES = {"D": "Date", "I": "Int64", "T": "String", "F": "Float64",
             "U": "UUID"}
    ORDER = {"calls": "day", "legs": "(day, person_id)", "streams": "day"}
    SERVER = """<yandex>
        <logger><level>warning</level><console>1</console></logger>
        <listen_host>127.0.0.1</listen_host>
        <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port>
        <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
        <mark_cache_size>536870912</mark_cache_size>
        <users_config>users.xml</users_config>
        <default_profile>default</default_profile>
        <default_database>default</default_database>
    </yandex>"""
    USERS = f"""<yandex>
        <profiles><default><max_threads>{THREADS}</max_threads></default>
        </profiles>
        <users><default><password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile><quota>default</quota>
        </default></users>
        <quotas><default></default></quotas>
    </yandex>"""

    def __init__(self, folder):
        self.home = pathlib.Path(folder) / "clickhouse"
        self.home.mkdir(exist_ok=True)
        super().__init__(self.home)

    @staticmethod
    def is_there():
        return shutil.which("clickhouse-server") is not None

    def start(self):
        ports = []
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                held = stack.enter_context(socket.socket())
                held.bind(("127.0.0.1", 0))
                ports.append(held.getsockname()[1])
        self.url = f"http://127.0.0.1:{ports[0]}/"
        (self.home / "config.xml").write_text(self.SERVER.format(
            http=ports[0], tcp=ports[1], folder=self.home))
        (self.home / "users.xml").write_text(self.USERS)
        self.spawn(["clickhouse-server", f"--config={self.home}/config.xml"])

    def stop(self):
        return self.end(signal.SIGTERM, seconds=60)

    def ready(self):
        with contextlib.suppress(OSError):
            return self.post("SELECT 1") == b"1\n"
        return False

    def post(self, sql, body=b""):
        """The statement, and what follows it."""
        request = urllib.request.Request(
            self.url, data=sql.encode() + b"\n" + body if body
            else sql.encode())
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Trouble(f"ClickHouse: {error.read().decode()[:400]}\n{sql}"
                          ) from None

    def ask(self, sql):
        begin = time.monotonic()
        body = self.post(f"{sql} FORMAT JSONCompact")
        took = (time.monotonic() - begin) * 1000
        return took, json.loads(body)["data"]

    def begin(self):
        for table in COLUMNS:
            self.post(f"DROP TABLE IF EXISTS {table}")
            self.create(table)

    def create(self, table):
        engine = ("MergeTree PARTITION BY toYYYYMM(day) "
                  f"ORDER BY {self.ORDER[table]}"
                  if table in self.ORDER else "Log")
        self.post(f"CREATE TABLE {table} ({columns(table, self.TYPES)}) "
                  f"ENGINE = {engine}")

    def load(self, table, first, end, path):
        """A month anew, which a broken run may have filled in part."""
        if table in self.ORDER:
            self.post(f"ALTER TABLE {table} DROP PARTITION "
                      f"{first:%Y%m}")
        else:
            self.post(f"DROP TABLE {table}")
            self.create(table)
        self.post(f"INSERT INTO {table} FORMAT TabSeparated",
                  pathlib.Path(path).read_bytes())
