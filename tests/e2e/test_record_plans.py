"""What a batch costs does not grow with what is stored already.

A session that began on an empty store keeps its plans, and no statistics tell
the planner better: so it is on a new site, until autovacuum has been there."""

import collections
import decimal
import json

import psycopg2
import pytest

from support.call_records import distinct_leaves, make, new_id
from support.record_store import TENANT

BATCH = 8
BATCHES = 30

pytestmark = pytest.mark.no_program

def made(kind, key, **changes):
    """Every word of it is new, and so is everybody in it."""
    values = distinct_leaves()

    def leaf(kind, member):
        value = values(kind, member)
        return f"{value} of {key}" if kind == "s" else value

    return {**make(kind, leaf), "id": key, **changes}


class Work:
    """The renewer's statements, in one session; each returns the rows that it
    has read of each table."""

    def __init__(self, connection):
        self.connection, self.cursor = connection, connection.cursor()

    def rows_read(self):
        self.cursor.execute("""
            SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0)
            FROM pg_stat_xact_user_tables""")
        return collections.Counter(dict(self.cursor.fetchall()))

    def end(self, before):
        rows = self.rows_read() - before
        self.connection.commit()
        return rows

    def list(self, name, rows):
        before = self.rows_read()
        self.cursor.execute("SELECT callhook_store.take_listed(%s, %s, %s)",
                            [TENANT, name, json.dumps({"value": rows})])
        return self.end(before)

    def store(self, records):
        calls = [record["id"] for record in records]
        before = self.rows_read()
        self.cursor.execute("SELECT callhook_store.want_calls(%s, %s::uuid[])",
                            [TENANT, calls])
        self.cursor.execute("SELECT call_id, reading_no FROM callhook_store."
                            "claim_calls(%s, 32, %s::uuid[])", [TENANT, calls])
        numbers = dict(self.cursor.fetchall())
        steps = [[call, numbers[call], "record", 1, False] for call in calls]
        self.cursor.execute(
            "SELECT outcome FROM callhook_store.take_pages("
            "%s, %s, VARIADIC %s::json[])",
            [TENANT, json.dumps(steps), list(map(json.dumps, records))])
        assert {outcome for outcome, in self.cursor} == {"stored"}
        return self.end(before)


def round_of_all(work, number):
    calls = [new_id() for _ in range(BATCH)]
    day = f"2026-03-{number + 1:02}"
    times = {"startDateTime": f"{day}T10:00:00Z",
             "endDateTime": f"{day}T10:10:00Z"}
    for version in 1, 2:
        yield f"version {version}", work.store(
            [made("callRecord", call, version=version, **times)
             for call in calls])
    yield "list of calls", work.list(
        "calls", [made("callRecord", call, version=3, **times)
                  for call in calls])
    for log, kind in (("pstn", "pstnCallLogRow"),
                      ("directRouting", "directRoutingLogRow")):
        yield log, work.list(log, [made(kind, call, **times) for call in calls])


@pytest.fixture
def without_statistics(cluster):
    """Neither of the tables that are there, nor of months to be made."""
    cluster.execute("ALTER SYSTEM SET autovacuum = off")
    cluster.execute("SELECT pg_reload_conf()")
    yield cluster.create_database()
    cluster.execute("ALTER SYSTEM RESET autovacuum")
    cluster.execute("SELECT pg_reload_conf()")


def test_a_batch_reads_no_more_rows_when_more_are_stored(
        cluster, without_statistics):
    database = without_statistics
    connection = psycopg2.connect(host=str(cluster.home), dbname=database.name,
                                  user="postgres")
    work = Work(connection)
    rounds = [dict(round_of_all(work, number)) for number in range(BATCHES)]
    connection.close()
    cluster.drop_database(database.name)
    early, late = rounds[7], rounds[-1]     # plans are chosen after five
    grown = [f"{what}: {table} {early[what][table]} -> {rows}"
             for what, read in late.items() for table, rows in read.items()
             if rows > 1.5 * early[what][table] + BATCH]
    assert not grown, "; ".join(grown)


def test_what_the_site_knows_is_looked_up_by_its_key(
        cluster, without_statistics):
    """A list of rates or subnets may have 20,000 lines: read for each phone
    call or address, none would be applied in time."""
    database, lines = without_statistics, 2000
    connection = psycopg2.connect(host=str(cluster.home), dbname=database.name,
                                  user="postgres")
    work = Work(connection)
    subnets = [f"10.{n // 256}.{n % 256}.0" for n in range(lines)]
    for kind, rows in (
            ("rate", [[f"+{1000 + n}", "0.10", "0", "EUR", ""]
                      for n in range(lines)]),
            ("building", [[subnet, "", "24", "North", *[""] * 8, "1", "0"]
                          for subnet in subnets])):
        work.cursor.execute(
            "SELECT * FROM callhook_store.load_reference(%s, %s, %s)",
            [TENANT, kind, json.dumps([[n, *row] for n, row in
                                       enumerate(rows, 1)])])
        assert work.cursor.fetchall() == []
        connection.commit()
    read = work.list("directRouting", [
        made("directRoutingLogRow", new_id(), calleeNumber=f"+{1500 + n}123456",
             startDateTime="2026-03-10T10:00:00Z", duration=60,
             callType="ByotOut", successfulCall=True) for n in range(BATCH)])
    assert 0 < read["rate"] < 10 * BATCH
    work.cursor.execute("SELECT DISTINCT charge FROM callhook.cdr")
    assert work.cursor.fetchall() == [(decimal.Decimal("0.1"),)]
    network = {"subnet": subnets[1234]}
    read = work.store([made("callRecord", new_id(), sessions=[
        {"segments": [{"media": [{"label": "main-audio",
                                  "calleeNetwork": network}]}]}])])
    assert 0 < read["building"] < 10
    # New rates read each call once, and whose it is not at all.
    work.cursor.execute("UPDATE callhook_store.rate SET per_minute = 0.2")
    connection.commit()
    before = work.rows_read()
    work.cursor.execute("SELECT callhook_store.apply_rates(%s)", [TENANT])
    read = work.end(before)
    assert (read["direct_routing_calls"], read["report_people"]) == (BATCH, 0)
    assert read["rate"] < lines + 10 * BATCH
    work.cursor.execute("SELECT DISTINCT charge FROM callhook.cdr "
                        "WHERE source <> 'record'")
    assert work.cursor.fetchall() == [(decimal.Decimal("0.2"),)]
    connection.close()
    cluster.drop_database(database.name)


def test_a_missed_call_reads_no_other_ones(cluster, database):
    """Who has many calls in a log alone: whether one was returned is looked up
    by the number."""
    calls = 500
    connection = psycopg2.connect(host=str(cluster.home), dbname=database.name,
                                  user="postgres")
    work = Work(connection)
    user = new_id()
    for missed in True, False:
        work.list("directRouting", [
            made("directRoutingLogRow", new_id(), userId=user, duration=60,
                 callType="ByotIn", successfulCall=not missed,
                 finalSipCode=480 if missed else 0,
                 callerNumber=f"+49{missed}{1000000 + n}",
                 startDateTime=f"2026-03-{10 + n % 5}T10:00:00Z",
                 inviteDateTime=f"2026-03-{10 + n % 5}T10:00:00Z")
            for n in range(calls)])
    work.cursor.execute("ANALYZE callhook_store.report_phones")
    before = work.rows_read()
    work.cursor.execute("SELECT count(*), count(returned_at) FROM callhook.cdr "
                        "WHERE disposition = 'missed'")
    assert work.cursor.fetchall() == [(calls, 0)]
    assert work.end(before)["report_phones"] < 10 * calls
    connection.close()
