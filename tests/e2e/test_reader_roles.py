"""What each role of readers sees: every view and column of every schema is
tried; and no figure names a person, a number, an address or a machine."""

import json

import pytest

from support import manual
from support.company import (BRIDGE, Party, guid, moment, phone, reading,
                             record, session, talk, work_off)
from support.database import Database
from support.notification import NIL
from support.project import ROOT, UNINSTALL_SQL
from support.record_store import TENANT, Store
from support.service import Trouble
from support.small_company import Company

pytestmark = pytest.mark.no_program

PAGE = ROOT / "cgi" / "callhook-admin.7"
OTHER = "11111111-2222-3333-4444-555555555555"
FIGURES = {
    "calls_by_hour", "concurrent_calls", "meetings_by_day", "quality_by_day",
    "quality_by_building", "quality_by_device", "quality_percentiles",
    "connections_by_day", "platforms_by_month", "failures_by_day",
    "ratings_by_day", "phone_by_day", "trunks_by_day", "queues_by_day",
    "users_by_month", "collector_health"}

ADA = Party("Ada Lovelace", subnet="192.168.77.0", device="Ada's own AirPods",
            version="9.9")
EVE = Party("Eve of another tenant", tenant=guid("another tenant"),
            subnet="172.30.1.0", device="EVE-LAPTOP-7 microphone")
NUMBER = phone("+493012345678")


def made_up():
    """Calls in which everything that figures must not show takes part."""
    return [
        record([session(ADA, EVE, moment("2026-03-05"), 60, talk(ADA, EVE),
                        rating="bad")], ADA),
        record([session(NUMBER, ADA, moment("2026-03-05"), 60,
                        stage="callSetup", reason="NoAnswer")], NUMBER),
        record([session(p, BRIDGE, moment("2026-03-06"), 600, talk(p, BRIDGE))
                for p in (ADA, EVE)], ADA, kind="groupCall")]


@pytest.fixture(scope="module")
def company():
    return Company()


@pytest.fixture(scope="module")
def store(cluster, company):
    """Two tenants, each with calls, notifications and logs."""
    database = cluster.create_database()
    store = Store(database)
    database.execute(";".join(
        [reading(made) for made in company.records + made_up()]
        + [reading(made, OTHER) for made in made_up()]), "test_renewer")
    store.call("store_pstn_rows", TENANT, company.pstn)
    store.call("store_direct_routing_rows", TENANT, company.direct)
    for tenant in (TENANT, OTHER, NIL):
        store.notify(guid("a call"), tenant=tenant)
        database.execute(f"""
            INSERT INTO callhook_store.tenants (tenant, tenant_id)
            VALUES ('{tenant[:8]}', '{tenant}')""")
        database.subscribe(tenant_id=tenant)
    store.fold()
    for name in ("one", "two"):
        database.execute(
            "SELECT callhook_store.make_tenant_schema("
            f"'{TENANT if name == 'one' else OTHER}', 'roles_{name}')")
    for role in ("receiver", "renewer", "reader", "figures", "raw",
                 "consumer", "roles_one_reader", "roles_two_reader"):
        if role.startswith("roles") or role in ("figures", "raw"):
            database.execute(f"CREATE ROLE try_{role} LOGIN IN ROLE "
                             f"callhook_{role}")
    # Every column of every relation, tried by whoever calls it.
    database.execute("""
        CREATE FUNCTION public.try_all() RETURNS TABLE (
            schema text, relation text, seen text[], refused text[])
        LANGUAGE plpgsql AS $$
        DECLARE c record;
        BEGIN
        FOR schema, relation IN
            SELECT n.nspname, r.relname FROM pg_class AS r
            JOIN pg_namespace AS n ON n.oid = relnamespace
            WHERE nspname ~ '^callhook' AND relkind IN ('r', 'p', 'v', 'm')
              AND (NOT relispartition OR relname ~ '_default$')
        LOOP
            seen := '{}'; refused := '{}';
            FOR c IN SELECT attname AS name FROM pg_attribute
                WHERE attrelid = (SELECT oid FROM pg_class WHERE relname =
                    relation AND relnamespace = (SELECT oid FROM pg_namespace
                        WHERE nspname = schema))
                  AND attnum > 0 AND NOT attisdropped
            LOOP
                BEGIN
                    EXECUTE format('SELECT %I FROM %I.%I LIMIT 0', c.name,
                                   schema, relation);
                    seen := seen || c.name::text;
                EXCEPTION WHEN insufficient_privilege THEN
                    refused := refused || c.name::text;
                END;
            END LOOP;
            RETURN NEXT;
        END LOOP;
        END $$;
        GRANT EXECUTE ON FUNCTION public.try_all() TO PUBLIC""")
    work_off(database)
    yield store
    cluster.drop_database(database.name)
    for role in ("figures", "raw", "roles_one_reader", "roles_two_reader"):
        cluster.execute(f"DROP ROLE try_{role}")
    for name in ("one", "two"):
        cluster.execute(f"DROP ROLE callhook_roles_{name}_reader")


def seen(store, user):
    """The relations of which the user sees a column; all of it, then."""
    found = {}
    for row in store.database.query("SELECT * FROM public.try_all()", user):
        if row["seen"]:
            assert row["refused"] == [], row
            found.setdefault(row["schema"], set()).add(row["relation"])
    return found


def views(store, condition="true"):
    return {row["name"] for row in store.database.query(f"""
        SELECT relname AS name FROM pg_class AS c
        WHERE relnamespace = 'callhook'::regnamespace AND relkind = 'v'
            AND {condition}""")}


OF_TENANTS = """EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid
    AND attname = 'tenant_id') AND relname <> 'raw_pages'"""


def test_the_reader_sees_all_views_but_raw_pages(store):
    assert seen(store, "test_reader") == {
        "callhook": views(store) - {"raw_pages"}}


def test_figures_are_all_that_their_role_sees(store):
    assert seen(store, "try_figures") == {"callhook": FIGURES}


def test_raw_pages_are_all_that_their_role_sees(store):
    assert seen(store, "try_raw") == {"callhook": {"raw_pages"}}
    assert store.database.query("SELECT json FROM callhook.raw_pages",
                                "try_raw")


@pytest.mark.parametrize("user", ["test_receiver", "test_consumer"])
def test_who_is_no_reader_sees_nothing(store, user):
    assert seen(store, user) == {}


@pytest.mark.parametrize("name, tenant", [("one", TENANT), ("two", OTHER)])
def test_a_tenants_reader_sees_its_own_schema_and_rows(store, name, tenant):
    user, schema = f"try_roles_{name}_reader", f"callhook_roles_{name}"
    wanted = views(store, OF_TENANTS)
    assert wanted >= FIGURES | {"cdr", "calls", "silence", "tenants"}
    assert seen(store, user) == {schema: wanted}
    own, all_of_it = (store.database.query(" UNION ALL ".join(
        f"SELECT '{view}' AS view, tenant_id, count(*) AS n "
        f"FROM {place}.{view} GROUP BY 1, 2" for view in sorted(wanted)), who)
        for place, who in ((schema, user), ("callhook", "test_reader")))
    assert {row["tenant_id"] for row in own} == {tenant}
    assert own == [row for row in all_of_it if row["tenant_id"] == tenant]
    assert len(own) > 20
    with pytest.raises(Trouble, match="42501"):
        store.database.query("SELECT * FROM callhook.silences()", user)


def test_a_tenants_views_say_what_they_are(store):
    """The comments of the views and of their columns."""
    described = [{(row["name"], row["number"]): row["comment"]
                  for row in store.database.query(f"""
        SELECT c.relname AS name, d.objsubid AS number,
            d.description AS comment
        FROM pg_description AS d JOIN pg_class AS c ON c.oid = d.objoid
        WHERE d.classoid = 'pg_class'::regclass AND c.relkind = 'v'
            AND c.relnamespace = '{schema}'::regnamespace AND {OF_TENANTS}""")}
                 for schema in ("callhook", "callhook_roles_one")]
    assert len(described[0]) > 400
    assert described[1] == described[0]


def test_no_figure_names_anybody_or_anything_of_theirs(store, company):
    people = [*company.users, company.guest, company.partner, ADA, EVE]
    secrets = {NUMBER.id, "+4930555", "Ada", "Lovelace", "AirPods", "EVE"}
    for person in people:
        secrets |= {person.name, person.id}
        if person.kind == "user":
            secrets.add(person.principal_name)
        if person.subnet:
            secrets.add(person.subnet)
    secrets |= {made["id"] for made in company.records}
    # They are there to be found.
    text = json.dumps(store.view("cdr") + store.view("stream_quality"))
    assert [secret for secret in secrets if secret not in text] == []
    for view in sorted(FIGURES):
        rows = store.database.query(f"SELECT * FROM callhook.{view}",
                                    "try_figures")
        assert rows, view
        text = json.dumps(rows).lower()
        assert [secret for secret in secrets
                if secret.lower() in text] == [], view


def test_the_manuals_readers(database):
    """callhook-admin(7), READERS: each sees what it says."""
    database.execute(manual.block(PAGE, "file readers.sql"))
    try:
        for role, view in (("reporting", "callhook.cdr"),
                           ("board", "callhook.calls_by_hour"),
                           ("contoso", "callhook_contoso.cdr")):
            assert database.query(f"SELECT * FROM {view}", role) == []
        for role, view in (("reporting", "callhook.raw_pages"),
                           ("board", "callhook.cdr"),
                           ("contoso", "callhook.calls_by_hour")):
            with pytest.raises(Trouble, match="42501"):
                database.query(f"SELECT * FROM {view}", role)
    finally:
        database.execute("DROP ROLE reporting, board, contoso")
        database.cluster.psql("-q", "-f", UNINSTALL_SQL,
                              database=database.name)


def test_uninstalling_takes_tenants_schemas_and_roles_along(database):
    database.execute("SELECT callhook_store.make_tenant_schema("
                     f"'{TENANT}', 'roles_gone')")
    done = database.cluster.psql("-q", "-f", UNINSTALL_SQL,
                                 database=database.name)
    assert done.returncode == 0
    assert "roles_gone" not in done.stderr
    assert database.query("""
        SELECT rolname AS name FROM pg_roles
        WHERE rolname LIKE '%roles_gone%'
        UNION ALL SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'callhook%'""") == []


def test_default_privileges_give_nobody_anything(cluster):
    """What a database gives to everybody is taken back of what is ours."""
    cluster.drop_database(cluster.create_database().name)   # makes the roles
    cluster.execute("CREATE DATABASE generous TEMPLATE template0")
    database = Database(cluster, "generous")
    database.execute("".join(
        f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO PUBLIC;"
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS", "SCHEMAS")))
    cluster.install("generous")
    database.execute("SELECT callhook_store.make_tenant_schema("
                     f"'{TENANT}', 'generous')")
    database.execute("SELECT callhook_store.make_report_month('2026-03-01')")
    assert database.query("""
        SELECT ours.name, a.privilege_type AS privilege FROM (
            SELECT oid::regclass::text, relacl FROM pg_class
            WHERE relkind IN ('S', 'v', 'r', 'p') -- a sequence needs no name
            UNION ALL SELECT 'schema ' || nspname, nspacl FROM pg_namespace
            UNION ALL SELECT oid::regprocedure::text,
                coalesce(proacl, acldefault('f', proowner)) FROM pg_proc)
            AS ours (name, acl)
        CROSS JOIN aclexplode(acl) AS a
        WHERE name ~ '^(schema )?callhook' AND a.grantee = 0""") == []
    assert database.cluster.psql("-q", "-f", UNINSTALL_SQL,
                                 database="generous").returncode == 0
    cluster.drop_database("generous")
