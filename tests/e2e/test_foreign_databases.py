"""Databases as people have them: other encodings, locales and settings, and
objects of others where ours should be."""

import json
import subprocess
import uuid

import pytest

from support.answers import assert_accepted
from support.call_records import distinct_leaves, make
from support.company import (Party, media, moment, reading, record, service,
                             session, stream)
from support.database import Database
from support.project import INSTALL_SQL, ROOT
from support.record_store import TENANT, Store
from support.site import Site
from support.world import HOUR, World

# An odd value for each setting that a role may change and that could change a
# result. default_transaction_read_only is the program's to tell.
ODD = {
    "array_nulls": "off",
    "backslash_quote": "on",
    "bytea_output": "escape",
    "check_function_bodies": "off",
    "client_encoding": "LATIN1",
    "client_min_messages": "debug1",
    "datestyle": "'Postgres, DMY'",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "'serializable'",
    "default_transaction_read_only": "on",
    "escape_string_warning": "on",
    "extra_float_digits": "-15",
    "intervalstyle": "sql_standard",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "plpgsql.extra_errors": "'all'",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "search_path": "planted",
    "standard_conforming_strings": "off",
    "statement_timeout": "200",     # time enough to set another
    "timezone": "'Asia/Kathmandu'",
    "transform_null_equals": "on",
    "xmlbinary": "hex",
    "xmloption": "document",
}

# What changes no result: costs and plans, memory and waiting, network, logs,
# locales of messages and of to_char's words, and what only text search,
# generic files or large objects read.
HARMLESS = (
    "application_name", "backend_flush_after", "client_connection_check",
    "commit_siblings", "cpu_", "cursor_tuple", "debug_", "default_statistics",
    "default_table_access", "default_tablespace", "default_text_search",
    "default_toast", "effective_", "enable_", "exit_on_error", "force_parallel",
    "from_collapse", "geqo", "gin_", "hash_mem", "idle_", "join_collapse",
    "jit_", "lc_", "local_preload", "lock_timeout", "log_", "logical_decoding",
    "maintenance_", "max_parallel", "max_stack", "min_parallel",
    "parallel_", "password_encryption", "random_page", "recursive_worktable",
    "seq_page", "ssl_renegotiation", "stats_fetch", "synchronize_seqscans",
    "synchronous_commit", "tcp_", "temp_", "timezone_abbreviations", "trace_",
    "transaction_", "vacuum_", "wal_sender", "wal_skip", "work_mem",
    "constraint_exclusion", "io_combine", "lo_compat", "createrole_self_grant",
    "icu_validation", "restrict_nonsystem", "event_triggers", "plpgsql.",
    "role", "scram_iterations", "seed", "session_authorization")


def test_each_setting_of_a_role_is_tried_or_known_to_be_harmless(cluster):
    names = [row["name"].lower() for row in cluster.query(
        "SELECT name FROM pg_settings WHERE context = 'user'")]
    assert [name for name in names if name not in ODD
            and not name.startswith(HARMLESS)] == []


@pytest.fixture
def empty(cluster):
    """Makes databases without callhook."""
    made = []

    def make_database(options=""):
        name = f"foreign_{uuid.uuid4().hex}"
        cluster.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        made.append(name)
        return Database(cluster, name)

    yield make_database
    for name in made:
        cluster.drop_database(name)


def install(database, user="postgres"):
    return database.cluster.psql("-f", INSTALL_SQL, database=database.name,
                                 user=user)


def work(database):
    """Work of each kind, by the renewer's role; what a reader then sees."""
    store = Store(database)
    store.turn_reading_on()
    record = make("callRecord", distinct_leaves()) | {
        "id": "11111111-2222-3333-4444-555555555555", "version": 7,
        "startDateTime": "2026-02-03T04:05:06.7Z",
        "endDateTime": "2026-02-03T05:05:06-08:00", "future": ["x\\\"\u00e9"]}
    assert store.read(record["id"], record) == "stored"
    for log in ("pstn", "direct-routing"):
        rows = json.loads((ROOT / "tests/data" / f"{log}-rows.json")
                          .read_text())
        rows = rows["value"] if isinstance(rows, dict) else rows
        store.call(f"store_{log.replace('-', '_')}_rows", store.tenant, rows)
    store.notify(record["id"])
    assert store.fold() == 1
    store.value("retain", 9999)
    store.value("make_partitions", 25)
    store.call("status", [], True)
    seen = {}
    for view in ("call_records", "sessions", "segments", "streams", "media",
                 "participants", "feedback", "pstn_calls",
                 "direct_routing_calls", "call_legs"):
        rows = database.query(f"SELECT * FROM callhook.{view}")
        for row in rows:
            row.pop("read_at", None)
        seen[view] = sorted(rows, key=json.dumps)
        assert rows
    return seen


@pytest.fixture(scope="module")
def plain(cluster):
    """What all the others must do as well."""
    made = cluster.create_database()
    yield work(made)
    cluster.drop_database(made.name)


ICU = "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE '{}' LOCALE 'C.UTF-8'"


@pytest.mark.parametrize("options", [
    ICU.format("tr-TR"), ICU.format("en-US-u-kn-true"),
    "ENCODING 'UTF8' LOCALE 'C'"])
def test_locales(empty, plain, options):
    database = empty(options)
    assert install(database).stderr == ""
    assert work(database) == plain


def test_odd_settings_of_the_role(empty, plain, cluster):
    """They are on every role: whoever installs and whoever works."""
    database = empty()
    for user in ("postgres", "test_renewer"):
        for name, value in ODD.items():
            # What stands in the way of the test's own psql.
            if user == "postgres" or name not in (
                    "statement_timeout", "default_transaction_read_only",
                    "default_transaction_isolation", "client_min_messages",
                    "client_encoding", "datestyle"):
                cluster.execute(f"ALTER ROLE {user} IN DATABASE "
                                f"{database.name} SET {name} = {value}")
    for _ in range(2):
        done = install(database)
        assert (done.returncode, done.stdout, done.stderr) == (
            0, "callhook is installed.\n", "")
    cluster.execute(f"ALTER ROLE postgres IN DATABASE {database.name} "
                    "RESET ALL")
    assert work(database) == plain


def test_both_programs_under_odd_settings(folder, database, cluster):
    """But for a read-only database, which they tell."""
    subscription = database.subscribe()
    for user in ("test_receiver", "test_renewer"):
        for name, value in ODD.items():
            if name != "default_transaction_read_only":
                cluster.execute(f"ALTER ROLE {user} IN DATABASE "
                                f"{database.name} SET {name} = {value}")
    with Site(folder, database) as site, World(folder, site) as world:
        tenant = world.add(records="on")
        world.quiet()
        entry = world.one(tenant)
        assert_accepted(site.send(subscription.item(future="x\\\u00e9")))
        [row] = database.rows(subscription)
        assert row["extra"] == {"future": "x\\\u00e9"}
        world.pass_time(3 * HOUR)
        world.quiet()
        assert world.one(tenant).id == entry.id
        assert world.run("status").status in (0, 1)


def test_every_function_of_a_program_pins_what_it_depends_on(database):
    loose = database.query("""
        SELECT oid::regprocedure::text AS name FROM pg_proc
        WHERE pronamespace::regnamespace::text ~ '^callhook' AND prosecdef
            AND NOT ARRAY['search_path', 'standard_conforming_strings',
                'datestyle', 'intervalstyle', 'timezone', 'array_nulls',
                'bytea_output', 'extra_float_digits', 'transform_null_equals']
            <@ ARRAY(SELECT lower(split_part(c, '=', 1))
                     FROM unnest(proconfig) AS c)""")
    assert loose == []


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused_in_one_sentence(empty, encoding):
    done = install(empty(f"ENCODING '{encoding}' LOCALE 'C'"))
    assert done.returncode != 0 and done.stdout == ""
    [line] = done.stderr.splitlines()[:1]
    assert "encoding UTF8" in line and encoding in line
    assert "createdb -E UTF8 -T template0" in line


# -- objects of somebody else -----------------------------------------------

@pytest.fixture
def mallory(cluster):
    name = f"mallory_{uuid.uuid4().hex}"
    cluster.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    cluster.execute(f"DROP ROLE {name}")


PLANTED = {
    "table": "CREATE TABLE {schema}.tenants (tenant text, tenant_id uuid)",
    "view": "CREATE VIEW {schema}.calls2 AS SELECT 1",
    "function": "CREATE FUNCTION {schema}.epoch(text) RETURNS int LANGUAGE sql "
                "AS 'SELECT 1'",
    "type": "CREATE TYPE {schema}.t AS ENUM ('x')",
    "operator": "CREATE OPERATOR {schema}.@@@@ (FUNCTION = int4eq, "
                "LEFTARG = int4, RIGHTARG = int4)",
    "sequence": "CREATE SEQUENCE {schema}.reading_numbers",
}


@pytest.mark.parametrize("schema", ["callhook", "callhook_store"])
@pytest.mark.parametrize("kind", sorted(PLANTED))
def test_what_somebody_else_planted_is_refused(mallory, empty, kind, schema):
    database = empty()
    database.execute(f"CREATE SCHEMA {schema}; "
                     f"GRANT ALL ON SCHEMA {schema} TO {mallory}")
    database.execute(PLANTED[kind].format(schema=schema), mallory)
    database.execute(f"REVOKE ALL ON SCHEMA {schema} FROM {mallory}")
    done = install(database)
    assert done.returncode != 0
    assert f"belongs to {mallory}" in done.stderr.splitlines()[0]
    assert kind in done.stderr.splitlines()[0]
    assert database.query("SELECT rolsuper FROM pg_roles WHERE rolname = "
                          f"'{mallory}'") == [{"rolsuper": False}]


def test_somebody_else_who_could_plant_is_refused(mallory, empty):
    database = empty()
    assert install(database).returncode == 0
    database.execute(f"GRANT CREATE ON SCHEMA callhook_store TO {mallory}")
    done = install(database)
    assert done.returncode != 0
    assert f"{mallory} may create objects" in done.stderr.splitlines()[0]
    database.execute(f"REVOKE ALL ON SCHEMA callhook_store FROM {mallory}")
    assert install(database).returncode == 0


def test_an_owner_without_other_rights_restores_a_dump(mallory, empty, cluster):
    """Who is no superuser may set nothing that a module not loaded yet has."""
    cluster.drop_database(cluster.create_database().name)   # makes the roles
    first, second = (empty(f"OWNER {mallory}") for _ in range(2))
    assert install(first, mallory).returncode == 0
    at = ["-h", cluster.home, "-U", mallory]
    dump = subprocess.run(
        [cluster.bin / "pg_dump", *at, "-Fc", first.name], cwd="/",
        capture_output=True, check=True).stdout
    done = subprocess.run(
        [cluster.bin / "pg_restore", *at, "--no-owner", "--no-privileges",
         "--exit-on-error", "-d", second.name], cwd="/", input=dump,
        capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert install(second, mallory).returncode == 0


@pytest.mark.parametrize("options", [ICU.format("tr-TR"),
                                     "ENCODING 'UTF8' LOCALE 'C'"])
def test_reports_compare_by_no_locale(empty, plain, options):
    """In Turkish the small letter of I has no dot, and digits of other
    scripts are digits."""
    database = empty(options)
    assert install(database).stderr == ""
    store = Store(database)
    ann, bob = Party("IVAN"), Party("Bob")
    queue = service("skypeForBusinessCallQueues", "Info")
    queue.id = queue.id.upper() + "-I"
    for kind, row in (("person", [2, "IVAN@contoso.example", "I", "", ""]),
                      ("queue", [2, queue.id.lower(), "Help"])):
        assert store.call("load_reference", TENANT, kind, [row]) == []
    database.execute("""
        INSERT INTO callhook_store.disposition_rule
            (source, stage, reason, disposition)
        VALUES ('record', 'callSetup', '%DECLINED%', 'declined')""")
    start = moment("2026-03-10")
    for made in (
            record([session(ann, bob, start, 5, stage="callSetup",
                            reason="CallDeclined")], ann),
            record([session(bob, queue, start, 60, media(
                bob, queue, stream(), label="MAIN-AUDIO"),
                media(bob, queue, stream(), label="MAIN-VIDEO"))], bob)):
        assert database.query(reading(made), "test_renewer") \
            == [{"outcome": "stored"}]
    [leg] = store.view("cdr", "person_name = 'IVAN'")
    assert (leg["disposition"], leg["department"]) == ("declined", "I")
    assert [row["media"] for row in store.view("stream_quality", order="5")] \
        == ["audio", "video"]
    assert store.row("queue_calls")["queue_name"] == "Help"
    for kind, row in (
            ("rate", ["+\u0663", "1", "", "EUR", ""]),
            ("rate", ["+3", "\u0663", "", "EUR", ""]),
            ("building", ["10.0.0.0", "", "\u0661\u0662", "A", *[""] * 10])):
        [fault] = store.call("load_reference", TENANT, kind, [[7, *row]])
        assert fault["line"] == 7
