"""A caller's settings lead no function of ours to another answer, nor to a
function of the caller's."""

import datetime
import json
import re

import pytest

from support.call_records import new_id
from support.company import (Party, moment, reading, record, session, talk,
                             work_off)
from support.project import INSTALL_SQL, UNINSTALL_SQL
from support.record_store import TENANT, Store
from support.service import Trouble

pytestmark = pytest.mark.no_program

ROLES = ("receiver", "renewer", "reader", "consumer")
OURS = "pronamespace::regnamespace::text IN ('callhook', 'callhook_store')"
LOOSE = ("NOT 'search_path' = ANY (ARRAY(SELECT split_part(c, '=', 1) "
         "FROM unnest(coalesce(proconfig, '{}')) AS c))")
READABLE = """
    SELECT c.oid::regclass AS name FROM pg_class AS c
    WHERE relkind = 'v' AND relnamespace = 'callhook'::regnamespace
      AND has_table_privilege('test_reader', c.oid, 'SELECT')"""
# They tell of this moment.
MOVING = ("callhook.silence", "callhook.receivers")

# What pg_catalog has, under the same names and for the same types.
PLANT = """
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
DO $do$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT proname, oidvectortypes(proargtypes) AS arguments,
               format_type(prorettype, NULL) AS result
        FROM pg_proc AS p
        WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
          AND NOT proretset AND provariadic = 0 AND NOT EXISTS (
              SELECT FROM pg_type AS t WHERE t.typtype = 'p'
              AND (t.oid = p.prorettype OR t.oid = ANY (p.proargtypes)))
    LOOP
        EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s '
                       'LANGUAGE plpgsql AS $$BEGIN RAISE ''hostile %I''; '
                       'END$$', f.proname, f.arguments, f.result, f.proname);
    END LOOP;
    FOR f IN
        SELECT oprname, p.proname, format_type(oprleft, NULL) AS l,
               format_type(oprright, NULL) AS r
        FROM pg_operator AS o JOIN pg_proc AS p ON p.oid = o.oprcode
        WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft <> 0
          AND to_regprocedure(format('hostile.%I(%s, %s)', p.proname,
                  format_type(oprleft, NULL), format_type(oprright, NULL)))
              IS NOT NULL
    LOOP
        EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.%I, '
                       'LEFTARG = %s, RIGHTARG = %s)', f.oprname, f.proname,
                       f.l, f.r);
    END LOOP;
END
$do$
"""


@pytest.fixture
def store(database):
    """Every role looks for names in a schema of somebody else's first."""
    database.execute(PLANT)
    for role in ROLES:
        database.execute(
            f"ALTER ROLE test_{role} IN DATABASE {database.name} "
            "SET search_path = hostile, pg_catalog")
    return Store(database)


def test_no_function_of_a_caller_runs_in_ours(store):
    database = store.database
    for trap in ("SELECT lower('A')", "SELECT 1 WHERE 1 = 1",
                 "SELECT now() - now() AS x"):
        with pytest.raises(Trouble, match="hostile"):
            database.execute(trap, "test_reader")
    database.execute("SELECT callhook.make_consumer('a', '-infinity')",
                     "test_consumer")
    store.turn_reading_on()
    ann, bob = Party("Ann"), Party("Bob")
    for version in (1, 2):
        made = record([session(ann, bob, moment("2026-03-10"), 60,
                               talk(ann, bob))], ann, version=version)
        [row] = database.query(reading(made), "test_renewer")
        assert row["outcome"] == "stored"
    database.execute(
        "INSERT INTO callhook_store.notifications (notification_id, "
        f"received_at, tenant_id, call_id) VALUES ('{new_id()}', "
        f"'2026-03-10T12:00:00Z', '{TENANT}', '{new_id()}')", "test_receiver")
    assert store.fold() == 1
    work_off(database)
    store.value("fill_facts", 10)
    store.value("forget_person", new_id())
    store.value("retain", 9999)
    store.value("make_partitions", 25)
    store.value("status", [], True)
    store.value("status_charts")
    for kind, settle in (("notifications", "failed({}, 'x')"),
                         ("calls", "done({})")):
        [batch] = {row["batch"] for row in database.query(
            f"SELECT batch FROM callhook.next_{kind}('a', 10)",
            "test_consumer")}
        database.execute(f"SELECT callhook.{settle.format(batch)}",
                         "test_consumer")
    read(database, [row["name"] for row in database.query(READABLE)])


@pytest.mark.parametrize("file", [INSTALL_SQL, UNINSTALL_SQL])
def test_who_installs_or_removes_runs_nothing_of_others(store, file):
    """Its user is often a superuser: what runs as it has every right."""
    database = store.database
    database.execute(f"ALTER ROLE postgres IN DATABASE {database.name} "
                     "SET search_path = hostile, pg_catalog")
    done = database.cluster.psql("-q", "-f", file, database=database.name)
    assert (done.returncode, "hostile" in done.stderr) == (0, False)


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d")


def instants(value):
    """The same text for the same moment, whatever offset it is told in."""
    return INSTANT.sub(lambda m: datetime.datetime.fromisoformat(
        m[0]).astimezone(datetime.timezone.utc).isoformat(), value)


def read(database, views):
    """All that a reader finds in them."""
    lines = database.execute("".join(
        f"SELECT coalesce(jsonb_agg(v), '[]') FROM {view} AS v;\n"
        for view in views), "test_reader").splitlines()
    assert len(lines) == len(views)
    return {view: sorted(instants(json.dumps(row)) for row in json.loads(line))
            for view, line in zip(views, lines)}


def test_a_reader_s_settings_change_no_answer(database):
    """Close to midnight, where another zone has another day."""
    store = Store(database)
    store.turn_reading_on()
    ann, bob = Party("Ann"), Party("Bob")
    for clock in ("00:01:00", "12:00:00", "23:59:00"):
        made = record([session(ann, bob, moment("2026-03-10", clock), 600,
                               talk(ann, bob), rating="good")], ann)
        store.notify(made["id"], "'2026-03-10T23:58:00Z'",
                     "'2026-03-10T23:59:00Z'")
        database.query(reading(made), "test_renewer")
    assert store.fold() == 3
    views = [row["name"] for row in database.query(READABLE)
             if row["name"] not in MOVING]

    for work in (lambda _: None, work_off):
        work(database)
        before = read(database, views)
        for name, value in (("timezone", "Pacific/Kiritimati"),
                            ("datestyle", "SQL, DMY"),
                            ("intervalstyle", "sql_standard")):
            database.execute("ALTER ROLE test_reader IN DATABASE "
                             f"{database.name} SET {name} = '{value}'")
        after = read(database, views)
        assert [view for view in views if after[view] != before[view]] == []
        database.execute("ALTER ROLE test_reader IN DATABASE "
                         f"{database.name} RESET ALL")


def test_what_pins_no_search_path_is_out_of_reach(database):
    """Of functions and of tables with triggers."""
    assert database.query(
        "SELECT p.oid::regprocedure AS name, rolname FROM pg_proc AS p, "
        f"pg_roles WHERE {OURS} AND {LOOSE} AND rolname ~ '^callhook_' "
        "AND has_function_privilege(rolname, p.oid, 'EXECUTE')") == []
    triggers = """
        SELECT t.tgrelid::regclass AS name FROM pg_trigger AS t
        JOIN pg_proc AS p ON p.oid = t.tgfoid
        WHERE NOT tgisinternal AND %s"""
    assert len(database.query(triggers % LOOSE)) > 0
    assert database.query(
        f"{triggers % LOOSE} AND EXISTS (SELECT FROM pg_roles "
        "WHERE rolname ~ '^callhook_' AND "
        "(has_any_column_privilege(rolname, t.tgrelid, 'INSERT, UPDATE') "
        "OR has_table_privilege(rolname, t.tgrelid, 'DELETE, TRUNCATE')))"
        ) == []
