"""The schema: installation, rights, comments, views."""

import datetime
import uuid

import pytest

from support.answers import assert_accepted
from support.database import Database, literal
from support.later import Later
from support.locks import LOCK
from support.notification import NIL, Subscription
from support.postgres import Cluster
from support.project import INSTALL_SQL, UNINSTALL_SQL
from support.receiver import Receiver
from support.service import Trouble, wait_until

NOTIFICATIONS = {
    "notification_id": "uuid",
    "received_at": "timestamp with time zone",
    "stored_at": "timestamp with time zone",
    "tenant_id": "uuid",
    "subscription_id": "uuid",
    "change_type": "text",
    "lifecycle_event": "text",
    "call_id": "uuid",
    "resource": "text",
    "subscription_expires_at": "timestamp with time zone",
    "forwarded_for": "text",
    "extra": "jsonb",
}
SUBSCRIPTIONS = {
    "tenant": "text",
    "tenant_id": "uuid",
    "subscription_id": "uuid",
    "resource": "text",
    "change_type": "text",
    "notification_url": "text",
    "expires_at": "timestamp with time zone",
    "renewed_at": "timestamp with time zone",
    "last_notification_at": "timestamp with time zone",
    "state": "text",
}
GAPS = {
    "tenant": "text",
    "tenant_id": "uuid",
    "resource": "text",
    "change_type": "text",
    "reason": "text",
    "begins_at": "timestamp with time zone",
    "ends_at": "timestamp with time zone",
    "noted_at": "timestamp with time zone",
    "closed_at": "timestamp with time zone",
    "found": "bigint",
}
SCHEMAS = "('callhook', 'callhook_store')"


@pytest.fixture(scope="module")
def installed(cluster):
    """A database that no test changes."""
    made = cluster.create_database()
    yield made
    cluster.drop_database(made.name)


def relations(database, kinds, schema):
    return [row["name"] for row in database.query(f"""
        SELECT c.oid::regclass::text AS name FROM pg_class AS c
        WHERE relnamespace = '{schema}'::regnamespace
            AND relkind IN {kinds} ORDER BY 1""")]


def refused(database, sql, user):
    """The statement fails for want of rights (SQLSTATE 42501)."""
    with pytest.raises(Trouble, match="42501"):
        database.execute(sql, user)


# --- Views ---

@pytest.mark.parametrize("view, columns", [
    ("notifications", NOTIFICATIONS), ("subscriptions", SUBSCRIPTIONS),
    ("gaps", GAPS)])
def test_views_have_the_promised_columns(installed, view, columns):
    found = {row["name"]: row["type"] for row in installed.query(f"""
        SELECT attname AS name, format_type(atttypid, NULL) AS type
        FROM pg_attribute WHERE attrelid = 'callhook.{view}'::regclass
            AND attnum > 0 AND NOT attisdropped""")}
    assert found.items() >= columns.items()


def test_every_view_and_column_has_a_comment(installed):
    silent = installed.query("""
        SELECT c.relname, a.attname FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'callhook'::regnamespace
            AND c.relkind IN ('v', 'm') AND a.attnum > 0
            AND NOT a.attisdropped
            AND (coalesce(col_description(c.oid, a.attnum), '') = ''
                OR coalesce(obj_description(c.oid, 'pg_class'), '') = '')""")
    assert silent == []


def test_the_schema_for_readers_holds_views_only(installed):
    assert relations(installed, "('r', 'p', 'f', 'S')", "callhook") == []
    assert "callhook.notifications" in relations(installed, "('v')",
                                                 "callhook")


def test_the_view_of_subscriptions(database):
    def enter(**columns):
        values = {"tenant": "contoso", "tenant_id": str(uuid.uuid4()),
                  "secret_sha256": "\\x" + "00" * 32, **columns}
        database.execute(
            "INSERT INTO callhook_store.subscriptions ("
            + ", ".join(values) + ") VALUES ("
            + ", ".join(map(literal, values.values())) + ")",
            "test_renewer")

    live, ended = str(uuid.uuid4()), str(uuid.uuid4())
    enter(tenant="announced")
    enter(tenant="live", subscription_id=live, tenant_id=NIL,
          notification_url="https://u.example/callhook?key=secret#x",
          resource="communications/callRecords", change_type="updated",
          expires_at="2030-01-01T00:00Z", renewed_at="2026-01-01T00:00Z")
    enter(tenant="ended", subscription_id=ended,
          notification_url="https://u.example/callhook",
          announced_at="2026-01-01T00:00Z", ended_at="2026-01-02T00:00Z")
    enter(tenant="simulation", subscription_id=str(uuid.uuid4()),
          announced_at="2026-01-01T00:00Z", ended_at="2026-01-01T00:00Z")
    rows = {row["tenant"]: row for row in database.query(
        "SELECT * FROM callhook.subscriptions", "test_reader")}
    assert {name: row["state"] for name, row in rows.items()} == {
        "announced": "announced", "live": "live", "ended": "ended"}
    assert rows["announced"]["subscription_id"] is None
    assert rows["live"]["tenant_id"] is None
    assert rows["live"]["subscription_id"] == live
    assert rows["live"]["notification_url"] == "https://u.example/callhook"
    assert rows["ended"]["notification_url"] == "https://u.example/callhook"
    assert rows["live"]["expires_at"] == "2030-01-01T00:00:00+00:00"
    assert rows["live"]["renewed_at"] == "2026-01-01T00:00:00+00:00"
    assert rows["live"]["last_notification_at"] is None


def test_the_view_knows_the_last_notification(site, subscription):
    for _ in range(2):
        assert_accepted(site.send(subscription.item()))
    arrivals = [row["received_at"] for row in site.rows(subscription)]
    [row] = site.database.query(
        "SELECT last_notification_at AS t FROM callhook.subscriptions WHERE "
        f"subscription_id = '{subscription.subscription_id}'", "test_reader")
    assert row["t"] == max(arrivals)


def lasting_gap(**changes):
    """An INSERT of a gap, as the renewer notes it."""
    values = {"tenant": "contoso", "tenant_id": NIL, "resource": "r",
              "change_type": "updated", "reason": "removed",
              "begins_at": "2026-01-01T00:00Z", **changes}
    return (f"INSERT INTO callhook_store.gaps ({', '.join(values)}) "
            f"VALUES ({', '.join(map(literal, values.values()))})")


def test_the_view_of_gaps(database):
    database.execute(lasting_gap(), "test_renewer")
    database.execute(
        lasting_gap(tenant_id=str(uuid.UUID(int=1)), found="3",
                    ends_at="2026-01-02T00:00Z",
                    closed_at="2026-01-03T00:00Z"), "test_renewer")
    lasting, closed = database.query(
        "SELECT * FROM callhook.gaps ORDER BY ends_at NULLS FIRST",
        "test_reader")
    assert lasting.pop("noted_at") is not None
    assert lasting == {
        "tenant": "contoso", "tenant_id": None, "resource": "r",
        "change_type": "updated", "reason": "removed",
        "begins_at": "2026-01-01T00:00:00+00:00", "ends_at": None,
        "closed_at": None, "found": None}
    assert closed["tenant_id"] == str(uuid.UUID(int=1))
    assert closed["ends_at"] == "2026-01-02T00:00:00+00:00"
    assert closed["closed_at"] == "2026-01-03T00:00:00+00:00"
    assert closed["found"] == 3


def test_one_gap_at_a_time_lasts(database):
    for change in ({}, {"tenant_id": str(uuid.uuid4())}, {"resource": "s"},
                   {"change_type": "created"},
                   {"ends_at": "2026-01-02T00:00Z"}):
        database.execute(lasting_gap(**change), "test_renewer")
    with pytest.raises(Trouble, match="23505"):
        database.execute(lasting_gap(tenant="other"), "test_renewer")
    database.execute("UPDATE callhook_store.gaps SET ends_at = now()",
                     "test_renewer")
    database.execute(lasting_gap(), "test_renewer")


# --- Partitions ---

def test_24_months_of_partitions_and_a_default(installed):
    found = installed.query("""
        SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'callhook_store.notifications'::regclass""")
    names = {row["name"].split(".")[-1] for row in found}
    today = datetime.datetime.now(datetime.timezone.utc)
    first = today.year * 12 + today.month - 1
    for month in range(first, first + 24):
        year, rest = divmod(month, 12)
        assert f"notifications_{year:04}_{rest + 1:02}" in names
    assert "notifications_default" in names


def test_a_row_is_in_the_partition_of_its_month(site, subscription):
    assert_accepted(site.send(subscription.item()))
    found = site.database.query(f"""
        SELECT tableoid::regclass::text AS name,
            to_char(received_at AT TIME ZONE 'UTC', 'YYYY_MM') AS month
        FROM callhook_store.notifications
        WHERE subscription_id = '{subscription.subscription_id}'""")
    assert [row["name"].split(".")[-1] for row in found] == [
        "notifications_" + row["month"] for row in found]


def test_a_month_is_made_while_rows_of_it_come(database):
    """One that is committed once the others have been moved."""
    row = f"""INSERT INTO callhook_store.notifications (notification_id,
        received_at, tenant_id) VALUES (gen_random_uuid(), '2099-05-02',
        '{NIL}')"""
    database.execute(row)
    database.execute("ALTER FUNCTION callhook_store.make_partition(date) "
                     "SET lock_timeout = 0")
    with database.session() as session:
        session.run(f"BEGIN; {row}")
        making = Later(database.execute,
                       "SELECT callhook_store.make_partition('2099-05-01')")
        wait_until(lambda: database.query(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"), "it waits for the row")
        session.run("COMMIT")
    assert making.result().strip() == "t"
    assert database.query("SELECT count(*) FROM "
                          "callhook_store.notifications_2099_05") \
        == [{"count": 2}]


def test_a_month_ahead_waits_for_a_backup(database):
    """One that is nigh must be made: that it cannot be is told."""
    def lacking(months):
        [row] = database.query(f"""
            SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC')
                           + interval '{months} months', 'YYYY_MM') AS name""")
        database.execute(
            f"DROP TABLE callhook_store.notifications_{row['name']}")

    lacking(23)
    with database.session() as backup:
        backup.run("BEGIN; LOCK TABLE callhook_store.notifications "
                   "IN ACCESS SHARE MODE")
        make = "SELECT callhook_store.make_partitions() AS n"
        assert database.query(make, "test_renewer") == [{"n": 0}]
        backup.run("COMMIT")
        lacking(1)
        backup.run("BEGIN; LOCK TABLE callhook_store.notifications "
                   "IN ACCESS SHARE MODE")
        with pytest.raises(Trouble, match="55P03"):
            database.query(make, "test_renewer")
        backup.run("COMMIT")
    assert database.query(make, "test_renewer") == [{"n": 2}]


def test_new_lifecycle_items_are_found_by_their_index(database):
    """Also in a month that is made later."""
    database.execute("SELECT callhook_store.make_partition('2099-05-01')")
    for day in ("2099-05-02", "2097-05-02"):    # the last one: no month's
        database.execute(f"""
            INSERT INTO callhook_store.notifications (notification_id,
                received_at, tenant_id, stored_at, lifecycle_event)
            SELECT gen_random_uuid(), timestamptz '{day}' + n * interval '1s',
                '{NIL}', now() - n * interval '1 minute',
                CASE WHEN n % 1000 = 0 THEN 'missed' END
            FROM generate_series(1, 20000) AS n""")
    database.execute("ANALYZE callhook_store.notifications")
    question = """SELECT notification_id FROM callhook_store.notifications
        WHERE lifecycle_event IS NOT NULL
            AND stored_at > now() - interval '3 days'"""
    plan = database.execute(f"EXPLAIN {question}", "test_renewer")
    for part in ("2099_05", "default"):
        assert f"using notifications_{part}_stored_at_idx1 " in plan
        assert f"Seq Scan on notifications_{part}" not in plan
    assert len(database.query(question, "test_renewer")) == 8


# --- Rights ---

def test_the_reader_reads_every_view(installed):
    """But the pages as Graph sent them."""
    for view in relations(installed, "('v', 'm')", "callhook"):
        if view != "callhook.raw_pages":
            installed.query(f"SELECT * FROM {view}", "test_reader")
    refused(installed, "SELECT 1 FROM callhook.raw_pages", "test_reader")


def test_the_reader_reads_no_table(installed):
    tables = relations(installed, "('r', 'p', 'v', 'm')", "callhook_store")
    assert "callhook_store.notifications" in tables
    for table in tables:
        if "notifications_2" not in table:      # one partition is enough
            refused(installed, f"SELECT 1 FROM {table}", "test_reader")
    assert rights(installed, "callhook_reader", "callhook_store") == []


def test_the_reader_writes_nothing(installed):
    held = rights(installed, "callhook_reader", "callhook")
    assert {row["right"] for row in held} == {"SELECT"}
    for schema in ("callhook", "callhook_store", "public"):
        refused(installed, f"CREATE TABLE {schema}.x ()", "test_reader")


def rights(database, role, schema):
    """Every right that a role has on a table or view of a schema."""
    return database.query(f"""
        SELECT c.oid::regclass::text AS name, p AS right
        FROM pg_class AS c,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
                         'REFERENCES', 'TRIGGER']) AS p
        WHERE c.relnamespace = '{schema}'::regnamespace
            AND c.relkind IN ('r', 'p', 'v', 'm')
            AND (has_table_privilege('{role}', c.oid, p)
                OR p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                AND has_any_column_privilege('{role}', c.oid, p))""")


@pytest.mark.parametrize("sql", [
    "SELECT 1 FROM callhook_store.notifications",
    "SELECT notification_id FROM callhook_store.notifications",
    "UPDATE callhook_store.notifications SET resource = 'x'",
    "DELETE FROM callhook_store.notifications",
    "TRUNCATE callhook_store.notifications",
    "SELECT 1 FROM callhook.notifications",
    "SELECT secret_sha256 FROM callhook.subscriptions",
    "SELECT 1 FROM callhook_store.refusals",
    "INSERT INTO callhook_store.refusals (subscription_id, tenant_id, reason, "
    f"refusals) VALUES ('{NIL}', '{NIL}', 'unknown', 1)",
    "DELETE FROM callhook_store.refusals",
    "SELECT 1 FROM callhook_store.tenants",
    f"SELECT callhook_store.remove_simulated('{NIL}')",
    "DELETE FROM callhook_store.subscriptions",
    "UPDATE callhook_store.subscriptions SET tenant = 'x'",
    "INSERT INTO callhook_store.subscriptions (tenant, tenant_id, "
    f"secret_sha256) VALUES ('x', '{NIL}', '\\x00')",
    "CREATE TABLE callhook_store.x ()",
    "CREATE TABLE callhook.x ()",
    "CREATE TABLE public.x ()",
    "CREATE SCHEMA x",
    "DROP TABLE callhook_store.notifications",
    "ALTER TABLE callhook_store.notifications ADD COLUMN x int",
    "COPY callhook_store.notifications TO STDOUT",
    LOCK,
])
def test_the_receiver_can_do_nothing_but_store(installed, sql):
    with pytest.raises(Trouble, match="42501|42703|42809"):
        installed.execute(sql, "test_receiver")


def test_the_receiver_holds_one_right_on_notifications(installed):
    held = [row for schema in ("callhook", "callhook_store")
            for row in rights(installed, "callhook_receiver", schema)
            if "receiver_" not in row["name"]]
    assert held == [{"name": "callhook_store.notifications",
                     "right": "INSERT"}]


def test_what_the_renewer_holds(installed):
    held = {}
    for row in rights(installed, "callhook_renewer", "callhook_store"):
        held.setdefault(row["name"].split(".")[-1], set()).add(row["right"])
    every = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert held == {
        "notifications": {"SELECT"}, "subscriptions": every, "gaps": every,
        "lifecycle_handled": every, "tenants": every,
        "refusals": {"SELECT", "DELETE"}}
    assert {row["right"] for row in rights(
        installed, "callhook_renewer", "callhook")} == {"SELECT"}


def functions(database, role):
    """The functions that a role may call."""
    return {row["name"] for row in database.query(f"""
        SELECT proname AS name FROM pg_proc
        WHERE pronamespace = 'callhook_store'::regnamespace
            AND has_function_privilege('{role}', oid, 'EXECUTE')""")}


def test_which_functions_the_roles_may_call(installed):
    assert functions(installed, "callhook_receiver") == {
        "schema_major", "missing_rights", "weaknesses", "good_secrets",
        "add_minute", "add_refusals"}
    renewers = functions(installed, "callhook_renewer")
    assert renewers >= {"schema_major", "make_partitions", "remove_simulated"}
    assert not renewers & {"good_secrets", "add_minute", "add_refusals",
                           "add_arrays", "make_partition"}
    assert functions(installed, "callhook_reader") == set()


ROLES = ("callhook_receiver", "callhook_renewer", "callhook_reader")


def missing_rights(database, role):
    return [f"{row['privilege']} on {row['object']}" for row in database.query(
        "SELECT * FROM "
        f"callhook_store.missing_rights('{role}', '{role}')")]


@pytest.mark.parametrize("role", ROLES)
def test_each_right_that_is_taken_away_is_named(database, role):
    """In turn, and given back: in one block, for a psql each takes long."""
    assert missing_rights(database, role) == []
    database.execute(f"""
        CREATE TABLE public.taken (what text, named text[]);
        DO $$ DECLARE given record; BEGIN
        FOR given IN
            SELECT privilege || coalesce(' (' || c || ')', '') AS right,
                kind || ' ' || CASE kind
                    WHEN 'FUNCTION' THEN object_id::regprocedure::text
                    ELSE object END AS target,
                lower(kind) || ' ' || object AS name
            FROM callhook_store.rights()
            LEFT JOIN unnest(columns) AS c ON true WHERE role_name = '{role}'
        LOOP
            EXECUTE format('REVOKE %s ON %s FROM {role}', given.right,
                           given.target);
            INSERT INTO public.taken
            SELECT given.right || ' on ' || given.name, array_agg(
                privilege || ' on ' || object)
            FROM callhook_store.missing_rights('{role}', '{role}');
            EXECUTE format('GRANT %s ON %s TO {role}', given.right,
                           given.target);
        END LOOP; END $$""")
    taken = database.query("SELECT * FROM public.taken")
    assert len(taken) > 10
    for right in taken:
        assert right["named"] == [right["what"]]
    assert missing_rights(database, role) == []


def test_every_right_that_a_role_holds_is_in_the_list(installed):
    """No other grant, on whatever object of the schemas, stands beside it."""
    held = installed.query(f"""
        SELECT DISTINCT a.grantee::regrole::text AS role, a.privilege_type
            || ' ' || o.id::text AS right
        FROM (SELECT oid AS id, nspacl AS acl FROM pg_namespace
              WHERE nspname IN {SCHEMAS}
              UNION ALL SELECT oid, relacl FROM pg_class
              UNION ALL SELECT attrelid, attacl FROM pg_attribute
              UNION ALL SELECT oid, proacl FROM pg_proc) AS o
        CROSS JOIN LATERAL aclexplode(o.acl) AS a
        JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE rolname LIKE 'callhook%' ORDER BY 1, 2""")
    listed = installed.query("""
        SELECT DISTINCT role_name AS role,
            privilege || ' ' || object_id::text AS right
        FROM callhook_store.rights() ORDER BY 1, 2""")
    assert held == listed


def test_what_is_not_there_counts_as_missing(database):
    database.execute("DROP FUNCTION callhook_store.retain")
    assert missing_rights(database, "callhook_renewer") == [
        "EXECUTE on function callhook_store.retain"]


def test_an_upgrade_takes_back_what_is_nobodys_right(database):
    database.execute("""
        GRANT SELECT ON callhook_store.calls TO callhook_reader;
        GRANT EXECUTE ON FUNCTION callhook_store.backoff(integer)
            TO callhook_renewer;
        GRANT ALL ON callhook_store.notifications TO PUBLIC""")
    assert run_file(database, INSTALL_SQL).returncode == 0
    test_every_right_that_a_role_holds_is_in_the_list(database)
    assert rights(database, "public", "callhook_store") == []


@pytest.mark.parametrize("sql", [
    "INSERT INTO callhook_store.notifications DEFAULT VALUES",
    "DELETE FROM callhook_store.notifications",
    "TRUNCATE callhook_store.notifications",
    "CREATE TABLE callhook.x ()",
])
def test_the_renewer_does_not_write_notifications(installed, sql):
    refused(installed, sql, "test_renewer")


def test_the_renewer_does_all_its_work(database):
    """Each table as it is used: the rights, and that keys make themselves."""
    one = str(uuid.uuid4())
    database.execute(f"""
        INSERT INTO callhook_store.lifecycle_handled (notification_id)
            VALUES ('{one}') ON CONFLICT DO NOTHING;
        DELETE FROM callhook_store.lifecycle_handled;
        INSERT INTO callhook_store.tenants (tenant, tenant_id, last_run_at)
            VALUES ('contoso', '{one}', now()) ON CONFLICT (tenant)
            DO UPDATE SET last_run_at = excluded.last_run_at;
        UPDATE callhook_store.tenants SET failed_at = now(), failure = 'x',
            retry_at = now();
        DELETE FROM callhook_store.tenants;
        INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
            secret_sha256, lifecycle_url, alive_at)
            VALUES ('contoso', '{one}', sha256('x'), 'https://u', now())
            RETURNING subscription_no;
        DELETE FROM callhook_store.subscriptions;
        {lasting_gap()} RETURNING gap_no;
        DELETE FROM callhook_store.gaps;
        """, "test_renewer")


# --- Simulations ---

def test_a_simulation_is_removed_and_nothing_else(launch, database):
    receiver = launch()
    real, simulated = database.subscribe(), database.subscribe()
    database.execute(
        "UPDATE callhook_store.subscriptions SET ended_at = announced_at "
        f"WHERE subscription_id = '{simulated.subscription_id}'",
        "test_renewer")

    def item_of_nil(subscription):
        resource = f"communications/callRecords/{NIL}"
        return subscription.item(
            resource=resource, resourceData={"id": NIL})

    assert_accepted(receiver.send(
        item_of_nil(simulated), simulated.item(), item_of_nil(real),
        real.item()))
    assert database.count() == 4
    database.execute(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id, subscription_id, call_id)
        VALUES (gen_random_uuid(), now() - interval '61 minutes', '{NIL}',
            '{simulated.subscription_id}', '{NIL}')""")

    def remove(subscription):
        [row] = database.query(
            "SELECT callhook_store.remove_simulated("
            f"'{subscription.subscription_id}') AS n", "test_renewer")
        return row["n"]

    assert remove(simulated) == 1
    assert remove(simulated) == 0
    # A real call stays, and what is older than an hour.
    stays = [row["call_id"] == NIL for row in database.rows(simulated)]
    assert sorted(stays) == [False, True]
    assert [row["subscription_id"] for row in database.query(
        "SELECT subscription_id FROM callhook_store.subscriptions")] == [
            real.subscription_id]
    assert remove(real) == 1
    assert len(database.rows(real)) == 1
    assert len(database.query(
        "SELECT FROM callhook_store.subscriptions")) == 1


@pytest.fixture
def outsider(cluster):
    """A user of the server who has nothing to do with callhook."""
    name = f"outsider_{uuid.uuid4().hex}"
    cluster.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    cluster.execute(f"DROP ROLE {name}")


def test_other_users_may_do_nothing(installed, outsider):
    for schema in ("callhook", "callhook_store"):
        for relation in relations(installed, "('r', 'p', 'v')", schema):
            refused(installed, f"SELECT 1 FROM {relation}", outsider)


def test_no_function_is_for_everyone(installed):
    found = installed.query(f"""
        SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN {SCHEMAS} AND (p.proacl IS NULL OR EXISTS (
            SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0))""")
    assert found == []


def test_functions_with_the_rights_of_their_owner_pin_the_path(installed):
    found = installed.query(f"""
        SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN {SCHEMAS} AND p.prosecdef AND NOT EXISTS (
            SELECT FROM unnest(p.proconfig) AS s
            WHERE s LIKE 'search_path=%')""")
    assert found == []


def test_the_roles_cannot_log_in(cluster, installed):
    roles = cluster.query("SELECT rolname, rolcanlogin, rolsuper, "
                          "rolcreaterole, rolcreatedb FROM pg_roles "
                          "WHERE rolname LIKE 'callhook%'")
    assert {role.pop("rolname") for role in roles} == {
        "callhook_receiver", "callhook_renewer", "callhook_reader",
        "callhook_figures", "callhook_raw", "callhook_consumer"}
    assert not any(any(role.values()) for role in roles)


# --- Secrets ---

def test_no_secret_in_clear_in_logs_or_tables(launch, database):
    receiver = launch(CALLHOOK_CLIENT_STATE="very-secret-by-hand")
    subscription = database.subscribe(secret="very-secret-of-ours")
    assert_accepted(receiver.send(
        subscription.item(), subscription.item(clientState="very-secret-not"),
        subscription.item(clientState="very-secret-by-hand", future=1),
        '{"clientState":"very-secret-odd","x":"\\u0000"}',
        subscription.item(clientState=["very-secret-list"])))
    receiver.send('{"clientState":"very-secret-cut')
    receiver.request(body=b'{"value":[{"clientState":"very-secret-cut')
    receiver.request(query="validationToken=very-secret-token%0a")
    receiver.request(query="key=very-secret-key")
    receiver.terminate()
    assert receiver.wait() == 0
    assert len(database.rows()) == 2
    for text in (receiver.log(), database.cluster.log(), database.dump()):
        assert "very-secret" not in text


# --- Installation ---

def run_file(database, path, user="postgres"):
    return database.cluster.psql("-q", "-f", path, database=database.name,
                                 user=user)


def schemas(database):
    return database.query("SELECT nspname FROM pg_namespace "
                          f"WHERE nspname IN {SCHEMAS}")


@pytest.fixture
def empty(cluster):
    """A database without callhook."""
    name = f"empty_{uuid.uuid4().hex}"
    cluster.execute(f"CREATE DATABASE {name}")
    yield Database(cluster, name)
    cluster.drop_database(name)


def test_install_again_keeps_rows_and_goes_on(launch, database):
    receiver = launch()
    subscription = database.subscribe()
    assert_accepted(receiver.send(subscription.item()))
    before = database.rows()
    for _ in range(2):
        done = run_file(database, INSTALL_SQL)
        assert (done.returncode, "ERROR" in done.stderr) == (0, False)
    assert database.rows() == before
    assert_accepted(receiver.send(subscription.item()))
    assert len(database.rows()) == 2


def test_install_again_waits_for_no_writer(database):
    """Else one that comes to a view which was replaced already waits for it,
    and one of the two ends. (But for records and logs: their triggers.)"""
    tables = [row["name"] for row in database.query("""
        SELECT c.oid::regclass::text AS name FROM pg_class AS c
        WHERE relnamespace = 'callhook_store'::regnamespace
          AND relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid
                          AND tgname ~ '^report_')""")]
    for made in ("consumer_batches", "notifications", "tenants", "calls"):
        assert f"callhook_store.{made}" in tables
    with database.session() as session:
        session.run("BEGIN; LOCK TABLE " + ", ".join(tables)
                    + " IN ROW EXCLUSIVE MODE")
        for state in ("fold_state", "report_state"):
            session.run(f"UPDATE callhook_store.{state} SET one = one")
        done = run_file(database, INSTALL_SQL)
        session.run("ROLLBACK")
    assert done.returncode == 0, done.stderr


def test_install_again_makes_no_function_anew(database):
    """Whoever is calling it would be told that it is not there."""
    functions = """
        SELECT oid, oid::regprocedure::text AS name FROM pg_proc
        WHERE pronamespace IN ('callhook'::regnamespace,
                               'callhook_store'::regnamespace) ORDER BY name"""
    before = database.query(functions)
    assert run_file(database, INSTALL_SQL).returncode == 0
    assert database.query(functions) == before


def test_install_is_all_or_nothing_and_tells_by_its_status(empty):
    empty.execute("CREATE SCHEMA callhook; "
                  "CREATE TABLE callhook.notifications ()")
    done = run_file(empty, INSTALL_SQL)
    assert done.returncode != 0
    assert "ERROR" in done.stderr
    assert [row["nspname"] for row in schemas(empty)] == ["callhook"]


def test_install_by_who_may_not_fails_and_says_so(empty, outsider):
    done = run_file(empty, INSTALL_SQL, outsider)
    assert done.returncode != 0
    assert "permission denied" in done.stderr
    assert schemas(empty) == []


def test_uninstall_removes_and_install_brings_back(database, folder):
    for _ in range(2):
        done = run_file(database, UNINSTALL_SQL)
        assert done.returncode == 0, done.stderr
        assert schemas(database) == []
    assert run_file(database, INSTALL_SQL).returncode == 0
    with Receiver(folder, database.environment()) as receiver:
        assert_accepted(receiver.send(database.subscribe().item()))
    assert database.count() == 1


def test_uninstall_in_one_database_leaves_the_others_alone(database, site,
                                                           subscription):
    assert run_file(database, UNINSTALL_SQL).returncode == 0
    assert_accepted(site.send(subscription.item()))
    assert len(site.rows(subscription)) == 1


@pytest.fixture(scope="module")
def bare_cluster(folder):
    """A cluster in which nobody has made our roles yet."""
    with Cluster(folder) as started:
        yield started


def test_install_by_a_user_who_may_not_create_roles(bare_cluster, folder):
    """It installs for that user and says so; that user does all the work."""
    bare_cluster.execute("CREATE ROLE hoster LOGIN")
    bare_cluster.execute("CREATE DATABASE hosted OWNER hoster")
    database = Database(bare_cluster, "hosted")
    for _ in range(2):
        done = run_file(database, INSTALL_SQL, "hoster")
        assert done.returncode == 0, done.stderr
        assert "role" in (done.stdout + done.stderr).lower()
    digest = "\\x" + "00" * 32
    database.execute(
        "INSERT INTO callhook_store.subscriptions (tenant, tenant_id, "
        f"secret_sha256) VALUES ('contoso', '{NIL}', '{digest}')", "hoster")
    database.query("SELECT * FROM callhook.next_notifications('a', 1)",
                   "hoster")
    settings = {"CALLHOOK_CLIENT_STATE": "by hand"}
    with Receiver(folder, database.environment("hoster"),
                          settings) as receiver:
        sender = Subscription(str(uuid.uuid4()), NIL, "by hand")
        assert_accepted(receiver.send(sender.item()))
    for source in ("notifications", "next_notifications('a', 1)"):
        assert len(database.query(f"SELECT * FROM callhook.{source}",
                                  "hoster")) == 1
    assert run_file(database, UNINSTALL_SQL, "hoster").returncode == 0
    assert schemas(database) == []


def test_the_superuser_makes_the_roles_later(bare_cluster):
    bare_cluster.execute("CREATE DATABASE later")
    database = Database(bare_cluster, "later")
    assert run_file(database, INSTALL_SQL).returncode == 0
    roles = bare_cluster.query("SELECT rolname FROM pg_roles "
                               "WHERE rolname LIKE 'callhook%'")
    assert len(roles) == 6
    assert run_file(database, UNINSTALL_SQL).returncode == 0
    assert schemas(database) == []


def test_two_installations_of_one_cluster_at_once(bare_cluster):
    """Roles are the cluster's: the first of two databases makes them."""
    for name in ("first", "second"):
        bare_cluster.execute(f"CREATE DATABASE {name}")
    first, second = (Database(bare_cluster, name)
                     for name in ("first", "second"))
    with first.session() as session:
        session.run("BEGIN; CREATE ROLE callhook_receiver NOLOGIN")
        installing = Later(run_file, second, INSTALL_SQL)
        wait_until(lambda: first.query(
            "SELECT FROM pg_stat_activity WHERE datname = 'second' "
            "AND wait_event_type = 'Lock'"), "the other waits for the role")
        session.run("COMMIT")
    done = installing.result()
    assert (done.returncode, "ERROR" in done.stderr) == (0, False)
    assert run_file(second, UNINSTALL_SQL).returncode == 0
