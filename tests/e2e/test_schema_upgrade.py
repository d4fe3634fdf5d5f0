"""From the schema as 0.1.0 installed it, filled, to that of today."""

import json
import uuid

import pytest

from support.call_records import make, new_id
from support.database import Database
from support.notification import NIL
from support.project import INSTALL_SQL, ROOT
from support.record_store import Store
from support.service import wait_until

OLD_SCHEMA = ROOT / "tests" / "data" / "schema-0.1.0.sql"
SCHEMAS = "('callhook', 'callhook_store')"

# What an upgrade must leave as it is, whatever columns come to it.
OLD_TABLES = (
    "notifications", "subscriptions", "receiver_minutes", "refusals",
    "tenants", "lifecycle_handled", "gaps", "readers", "calls", "fold_state",
    "folded", "record_pages", "record_versions", "call_records",
    "participants", "sessions", "segments", "media", "streams", "feedback",
    "pstn_calls", "direct_routing_calls", "forgotten", "listings")


def sample_rows(name):
    text = (ROOT / "tests" / "data" / f"{name}.json").read_text()
    rows = json.loads(text)
    return rows["value"] if isinstance(rows, dict) else rows


class OldStore(Store):
    """The functions as they were."""

    def page(self, call_id, reading, kind, number, body):
        return self.value("store_page", self.tenant, call_id, reading, kind,
                          number, body)


def fill(database):
    """Something in each table, by the old functions where there is one."""
    store = OldStore(database)
    subscription = database.subscribe(tenant_id=store.tenant)
    database.subscribe(tenant_id=store.tenant, ended="2 hours")
    database.subscribe(announced=True)
    database.execute("SELECT callhook_store.make_partition("
                     "(date_trunc('month', now()) - interval '1 day')::date)")
    store.turn_reading_on()
    told = [new_id() for _ in range(3)]
    for call_id in told:
        store.notify(call_id)
        store.notify(call_id, received_at="now() - interval '1 month'")
    store.notify(told[0], received_at="'2019-05-05Z'")  # no month's
    # Whatever is open just now holds it up: autovacuum, too.
    wait_until(lambda: store.fold() is not None and database.query(
        "SELECT FROM callhook_store.fold_state WHERE folded_to IS NOT NULL"),
        "folding")
    store.notify(told[0])                               # not folded
    assert store.read(told[0], make("callRecord", lambda *_: "text") | {
        "id": told[0], "version": 1}) == "stored"
    record = json.loads((ROOT / "tests" / "data" /
                         "callrecord-p2p-expanded.json").read_text())
    record = {key: value for key, value in record.items()
              if not key.endswith("nextLink")}
    assert store.read(record["id"], record) == "stored"
    store.page(told[1], store.begin(told[1]), "record", 1,
               {"id": told[1]})                         # a reading stopped
    store.call("reading_failed", store.tenant, told[2], store.begin(told[2]),
               404, "notFound", "r1")
    store.call("store_pstn_rows", store.tenant,
               {"value": sample_rows("pstn-rows")})
    store.call("store_direct_routing_rows", store.tenant,
               {"value": sample_rows("direct-routing-rows")})
    store.call("file_listed_calls", store.tenant,
               {"value": [{"id": new_id(), "version": 2}]})
    store.call("note_listing", store.tenant, "2020-01-01Z", "2020-01-02Z",
               3, 2, 1)
    store.call("forget_person", "somebody@example.com")
    database.execute(f"""
        INSERT INTO callhook_store.receiver_minutes
        VALUES (date_trunc('minute', now()), 'host', '{{1,2,3,4,5,6,7,8,9,10}}',
                '{{1,2,3}}', 900, 7);
        INSERT INTO callhook_store.refusals (subscription_id, tenant_id,
            reason, refusals)
        VALUES ('{subscription.subscription_id}', '{NIL}', 'secret', 4);
        INSERT INTO callhook_store.tenants
        VALUES ('contoso', '{store.tenant}', now(), now(), 'x', now());
        INSERT INTO callhook_store.lifecycle_handled
        VALUES ('{uuid.uuid4()}');
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at)
        VALUES ('contoso', '{store.tenant}', 'communications/callRecords',
                'updated', 'expired', now())""")


def rows(database, tables):
    """All rows of tables and views, by name."""
    return {table: [row["row"] for row in database.query(
        f"SELECT to_jsonb(t) AS row FROM {table} AS t")] for table in tables}


def views(database):
    return [f"callhook.{row['name']}" for row in database.query(
        "SELECT relname AS name FROM pg_class WHERE relkind = 'v' "
        "AND relnamespace = 'callhook'::regnamespace ORDER BY 1")]


def same_beyond_new_columns(before, after):
    """Each row is there with all that it said."""
    assert len(after) == len(before)
    left = list(after)
    for row in before:
        kept = next((other for other in left
                     if all(other.get(key) == value
                            for key, value in row.items())), None)
        assert kept is not None, row
        left.remove(kept)


def catalog(database):
    """Everything that makes up the schema, without the months."""
    return database.query(f"""
        SELECT 'column' AS what, concat_ws(' ', c.oid::regclass, attname,
            format_type(atttypid, atttypmod), attnotnull, attgenerated,
            pg_get_expr(adbin, adrelid)) AS is
        FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid
        LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
        WHERE relnamespace::regnamespace::text IN {SCHEMAS}
            AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
            AND relname !~ '_[0-9]{{4}}_[0-9]{{2}}$'
        UNION ALL
        SELECT 'place', concat_ws(' ', c.oid::regclass, attname, attnum)
        FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid
        WHERE relnamespace = 'callhook'::regnamespace AND attnum > 0
        UNION ALL
        SELECT 'view', concat(oid::regclass, pg_get_viewdef(oid))
        FROM pg_class WHERE relnamespace = 'callhook'::regnamespace
            AND relkind = 'v'
        UNION ALL
        SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index
        JOIN pg_class AS c ON c.oid = indrelid
        WHERE relnamespace::regnamespace::text IN {SCHEMAS}
            AND relname !~ '_[0-9]{{4}}_[0-9]{{2}}$'
        UNION ALL
        SELECT 'constraint', concat_ws(' ', conrelid::regclass, conname,
            pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace::regnamespace::text IN {SCHEMAS}
            AND conrelid::regclass::text !~ '_[0-9]{{4}}_[0-9]{{2}}$'
        UNION ALL
        SELECT 'options', concat_ws(' ', oid::regclass, reloptions)
        FROM pg_class WHERE relnamespace::regnamespace::text IN {SCHEMAS}
            AND relname !~ '_[0-9]{{4}}_[0-9]{{2}}'
        UNION ALL
        SELECT 'trigger', pg_get_triggerdef(t.oid) FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = tgrelid
        WHERE relnamespace::regnamespace::text IN {SCHEMAS}
            AND NOT tgisinternal
            AND relname !~ '_[0-9]{{4}}_[0-9]{{2}}$'
        UNION ALL
        SELECT 'function', concat_ws(' ', oid::regprocedure,
            pg_get_functiondef(oid)) FROM pg_proc
        WHERE pronamespace::regnamespace::text IN {SCHEMAS} AND prokind = 'f'
        UNION ALL
        SELECT 'type', typname FROM pg_type
        WHERE typnamespace::regnamespace::text IN {SCHEMAS}
            AND typname !~ '_[0-9]{{4}}_[0-9]{{2}}'
        UNION ALL
        SELECT 'right', concat_ws(' ', a.grantee::regrole, a.privilege_type,
            o.name)
        FROM (SELECT oid::regnamespace::text AS name, nspacl AS acl
              FROM pg_namespace WHERE nspname IN {SCHEMAS}
              UNION ALL SELECT oid::regclass::text, relacl FROM pg_class
              WHERE relnamespace::regnamespace::text IN {SCHEMAS}
                  AND relname !~ '_[0-9]{{4}}_[0-9]{{2}}'
              UNION ALL
              SELECT concat_ws(' ', attrelid::regclass, attname), attacl
              FROM pg_attribute
              UNION ALL SELECT oid::regprocedure::text, proacl FROM pg_proc
              WHERE pronamespace::regnamespace::text IN {SCHEMAS}) AS o
        CROSS JOIN LATERAL aclexplode(o.acl) AS a
        UNION ALL
        SELECT 'comment', concat_ws(' ', classoid::regclass, CASE classoid
            WHEN 'pg_class'::regclass THEN objoid::regclass::text
            WHEN 'pg_proc'::regclass THEN objoid::regprocedure::text
            ELSE objoid::regnamespace::text END, objsubid, description)
        FROM pg_description WHERE CASE classoid
            WHEN 'pg_class'::regclass THEN objoid::regclass::text ~ '^callhook'
            WHEN 'pg_proc'::regclass
                THEN objoid::regprocedure::text ~ '^callhook'
            WHEN 'pg_namespace'::regclass
                THEN objoid::regnamespace::text ~ '^callhook' END
        ORDER BY 1, 2""")


@pytest.fixture(scope="module")
def upgraded(cluster):
    """The old schema, filled, upgraded twice; and what it held before."""
    cluster.drop_database(cluster.create_database().name)   # makes the roles
    name = f"upgraded_{uuid.uuid4().hex}"
    cluster.execute(f"CREATE DATABASE {name}")
    database = Database(cluster, name)
    done = cluster.psql("-q", "-v", "ON_ERROR_STOP=1", "-f", OLD_SCHEMA,
                        database=name)
    assert done.returncode == 0, done.stderr
    fill(database)
    tables = [f"callhook_store.{table}" for table in OLD_TABLES]
    before = rows(database, tables + views(database))
    assert [table for table in before if not before[table]] == []
    for _ in range(2):
        done = cluster.psql("-f", INSTALL_SQL, database=name)
        assert (done.returncode, done.stdout, done.stderr) == (
            0, "callhook is installed.\n", "")
    yield database, before
    cluster.drop_database(name)


def test_an_upgrade_keeps_every_row(upgraded):
    database, before = upgraded
    after = rows(database, before)
    for table in before:
        said = before[table]
        if table == "callhook.feedback":    # a repetition is no row any more
            first = {}
            for row in sorted(said, key=lambda row: row["segment_no"] or 0):
                first.setdefault(str([row[name] for name in (
                    "call_id", "session_no", "side", "rating", "text",
                    "tokens", "extra")]), row)
            said = list(first.values())
        same_beyond_new_columns(said, after[table])


def test_an_upgrade_makes_what_an_installation_makes(upgraded, cluster):
    database, _ = upgraded
    fresh = cluster.create_database()
    wanted, found = ({(row["what"], row["is"]) for row in catalog(each)}
                     for each in (fresh, database))
    cluster.drop_database(fresh.name)
    assert sorted(wanted - found) == []
    assert sorted(found - wanted) == []


def test_the_version_says_which_schema_it_is(upgraded, cluster):
    database, _ = upgraded
    fresh = cluster.create_database()
    version = "SELECT major, minor FROM callhook_store.version"
    assert database.query(version) == fresh.query(version)
    cluster.drop_database(fresh.name)


def test_work_goes_on_after_an_upgrade(upgraded):
    """What waited before is worked off by the functions of today."""
    database, before = upgraded
    store = Store(database)
    waiting = [row for row in before["callhook_store.calls"]
               if row["next_read_at"] and row["record_state"] == "waiting"]
    assert waiting
    notified = sum(row["notifications"] for row in store.view("calls"))
    store.fold()
    assert sum(row["notifications"]
               for row in store.view("calls")) == notified + 1
    call_id = waiting[0]["call_id"]
    assert store.read(call_id, {"id": call_id, "version": 5}) == "stored"
    assert store.known(call_id)["version"] == 5


def test_an_upgrade_adds_up_the_minutes_of_before(upgraded):
    database, _ = upgraded
    assert database.query("""
        SELECT host, to_json(counters) AS counters, to_json(times) AS times,
               max_us, spool_bytes FROM callhook_store.receiver_hours""") == [
        {"host": "host", "counters": list(range(1, 11)), "times": [1, 2, 3],
         "max_us": 900, "spool_bytes": 7}]


def test_an_upgrade_counts_the_hours_of_before(upgraded):
    database, _ = upgraded
    store = Store(database)
    store.fold()
    while store.value("count_earlier_hours", 1) > 0:
        pass
    assert database.query("""
        SELECT tenant_id, hour, notifications
        FROM callhook.notifications_by_hour ORDER BY 1, 2""") == \
        database.query(f"""
        SELECT tenant_id, date_trunc('hour', received_at) AS hour,
            count(*) AS notifications
        FROM callhook.notifications WHERE call_id IS DISTINCT FROM '{NIL}'
        GROUP BY 1, 2 ORDER BY 1, 2""")
