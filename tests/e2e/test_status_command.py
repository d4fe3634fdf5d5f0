"""callhook-renewer status: what it shows, and when somebody must act."""

import contextlib
import datetime
import json
import os
import pty
import re
import resource
import subprocess
import time
import uuid

import pytest

from graph import SecureSite
from support.database import literal
from support.notification import NIL
from support.project import RENEWER
from support.renewer import Renewer
from support.service import wait_until

RED = "\033[31m"


@pytest.fixture
def renewer(folder, database, double):
    return Renewer(folder, double, database,
                   notification_url="https://calls.example.com/callhook?s=1")


@pytest.fixture
def contoso(renewer):
    return renewer.add("contoso")


def enter(database, tenant, *, id=None, renewed="5 min", left="51 h 30 min",
          ran=True, **columns):
    """What a run would have left behind; the id of the subscription."""
    subscription_id = id or str(uuid.uuid4())
    values = {
        "tenant": f"'{tenant.name}'", "tenant_id": f"'{tenant.tenant_id}'",
        "subscription_id": f"'{subscription_id}'",
        "resource": "'communications/callRecords'",
        "change_type": "'updated'",
        "notification_url": "'https://calls.example.com/callhook?s=1'",
        "secret_sha256": "decode(repeat('ab', 32), 'hex')",
        "announced_at": "now() - interval '330 s'",
        "renewed_at": f"now() - interval '{renewed}'",
        "expires_at": f"now() + interval '{left}'", **columns}
    database.execute(
        f"INSERT INTO callhook_store.subscriptions ({', '.join(values)}) "
        f"VALUES ({', '.join(values.values())})")
    if ran:
        past(database, tenant)
    return subscription_id


def past(database, tenant, failed="NULL", failure=None, retry="NULL"):
    database.execute(f"""
        INSERT INTO callhook_store.tenants
        VALUES ('{tenant.name}', '{tenant.tenant_id}', now(), {failed},
                {literal(failure)}, {retry})""")
    listed(database, tenant, "30 days", "0 s")


def listed(database, tenant, begins, ends):
    """Graph's calls between these ages, listed now."""
    database.execute(f"""
        SELECT callhook_store.note_listing('{tenant.tenant_id}', 'calls',
            now() - interval '{begins}', now() - interval '{ends}', 0, 0,
            0)""", "test_renewer")


def notified(database, subscription_id, ago, **columns):
    values = {"notification_id": f"'{uuid.uuid4()}'",
              "received_at": f"now() - interval '{ago}'",
              "tenant_id": f"'{NIL}'",
              "subscription_id": f"'{subscription_id}'", **columns}
    database.execute(
        f"INSERT INTO callhook_store.notifications ({', '.join(values)}) "
        f"VALUES ({', '.join(values.values())})")


def shown(renewer, status=0):
    """The table's text and the object of --json, which must agree."""
    table = renewer.run("status")
    assert (table.status, table.stderr) == (status, "")
    assert max(map(len, table.stdout.splitlines())) <= 80
    assert RED not in table.stdout
    found = renewer.run("status", "--json")
    assert (found.status, found.stderr) == (status, "")
    assert found.stdout.count("\n") == 1
    content = json.loads(found.stdout)
    assert content["ok"] is (status == 0)
    return table.stdout, content


def needs(renewer, status=1):
    """The one tenant's needs, which the table must hold as well."""
    table, content = shown(renewer, status)
    [tenant] = content["tenants"]
    assert tenant["ok"] is (status == 0)
    plain = " ".join(table.split())
    for sentence in tenant["needs"] + tenant["notes"]:
        assert sentence in plain
    return tenant["needs"]


def test_all_is_well(renewer, contoso, database):
    subscription_id = enter(database, contoso)
    notified(database, subscription_id, "12 min")
    table, content = shown(renewer)
    head, line = table.splitlines()
    assert head.split() == ["TENANT", "STATE", "EXPIRES", "RENEWED", "LAST",
                            "ITEM", "TOKEN", "ENDS"]
    assert re.split("  +", line.strip()) == [
        "contoso", "live", "in 2 d 3 h", "5 min ago", "12 min ago", "none"]
    [tenant] = content["tenants"]
    [subscription] = tenant["subscriptions"]
    assert subscription["subscription_id"] == subscription_id
    assert subscription["state"] == "live"
    assert subscription["notification_url"] == \
        "https://calls.example.com/callhook"
    assert subscription["refusals"] == 0
    assert tenant["needs"] == tenant["notes"] == []
    assert tenant["tenant_id"] == contoso.tenant_id
    assert tenant["token_expires_at"] is tenant["failure"] is None
    for text in (content["at"], tenant["last_run_at"],
                 subscription["expires_at"], subscription["renewed_at"],
                 subscription["last_notification_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)


def test_the_keys_are_the_same_without_a_database(renewer, contoso, database):
    enter(database, contoso)
    _, there = shown(renewer)
    renewer.database = None
    table, away = shown(renewer, 1)
    assert "not known" in table
    assert "the database cannot be used" in away["database_fault"]
    assert there["database_fault"] is None
    assert away.keys() == there.keys()
    assert away["tenants"][0].keys() == there["tenants"][0].keys()
    assert away["tenants"][0]["ok"] is False
    lists = {key for key in there if isinstance(there[key], list)}
    assert {key for key in lists if not isinstance(away[key], list)} == {
        "receivers", "consumers"}               # not known: null


def test_a_tenant_that_never_ran(renewer, contoso):
    [need] = needs(renewer)
    assert "no run" in need and "cron" in need


def test_no_subscription(renewer, contoso, database):
    past(database, contoso)
    [need] = needs(renewer)
    assert "there is no subscription" in need


@pytest.mark.parametrize("columns, state, words", [
    ({"subscription_id": "NULL"}, "announced", "asked for 5 min ago"),
    ({"expires_at": "now() - interval '3 h'"}, "expired", "ended 3 h ago"),
])
def test_none_that_lives(renewer, contoso, database, columns, state, words):
    enter(database, contoso, **columns)
    [need] = needs(renewer)
    assert words in need
    _, content = shown(renewer, 1)
    [subscription] = content["tenants"][0]["subscriptions"]
    assert subscription["state"] == state


def test_one_that_ended_is_not_shown(renewer, contoso, database):
    enter(database, contoso, ran=False, ended_at="now()")
    enter(database, contoso)
    table, content = shown(renewer)
    assert len(content["tenants"][0]["subscriptions"]) == 1
    assert len(table.splitlines()) == 2


def test_two_that_live(renewer, contoso, database):
    enter(database, contoso, ran=False)
    enter(database, contoso)
    assert needs(renewer, 0) == []
    table, content = shown(renewer)
    assert table.count("contoso ") == 2
    assert "there are 2" in content["tenants"][0]["notes"][0]


@pytest.mark.parametrize("renewed, left, words", [
    ("230 min", "59 min 30 s", "ends in 59 min"),
    ("5 h", "2 days", "renewed 5 h ago and should be every 120 min"),
    ("230 min", "2 days", None),
    ("5 min", "62 min", None),
    ("5 min", "40 min", None),          # of a life of 45 minutes
    ("37 min", "8 min 30 s", "ends in 8 min"),
])
def test_late(renewer, contoso, database, renewed, left, words):
    enter(database, contoso, renewed=renewed, left=left)
    found = needs(renewer, 1 if words else 0)
    assert len(found) == (1 if words else 0)
    if words:
        assert words in found[0]


def test_a_failed_run(renewer, contoso, database):
    enter(database, contoso, ran=False)
    past(database, contoso, "now() - interval '3 h'",
         "create subscription: HTTP 403, code Forbidden",
         "now() + interval '10 min 30 s'")
    [need] = needs(renewer)
    assert "failed for 3 h: create subscription: HTTP 403" in need
    _, content = shown(renewer, 1)
    [tenant] = content["tenants"]
    assert tenant["failure"].startswith("create subscription")
    assert tenant["failed_since"] and tenant["retry_at"]
    assert "next try in 10 min" in tenant["notes"][0]


def test_refusals_of_ours(renewer, contoso, database):
    subscription_id = enter(database, contoso)
    database.execute(f"""
        INSERT INTO callhook_store.refusals
            (subscription_id, tenant_id, reason, refusals, last_at)
        VALUES ('{uuid.uuid4()}', '{contoso.tenant_id}', 'unknown', 1000,
                now())""")
    assert needs(renewer, 0) == []              # strangers' are not ours
    database.execute(f"""
        INSERT INTO callhook_store.refusals
            (subscription_id, tenant_id, reason, refusals, last_at)
        VALUES ('{subscription_id}', '{contoso.tenant_id}', 'secret', 12,
                now() - interval '5 min')""")
    [need] = needs(renewer)
    assert "refused 12 items" in need and "5 min ago" in need
    _, content = shown(renewer, 1)
    [subscription] = content["tenants"][0]["subscriptions"]
    assert subscription["refusals"] == 12
    assert subscription["refusal_reason"] == "secret"
    database.execute("UPDATE callhook_store.refusals "
                     "SET last_at = now() - interval '25 h'")
    assert needs(renewer, 0) == []


def test_gaps(renewer, contoso, database):
    enter(database, contoso)
    database.execute(f"""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at, ends_at, closed_at)
        SELECT 'contoso', '{contoso.tenant_id}',
            'communications/callrecords', 'updated', reason,
            now() - age, now() - age + over, closed
        FROM (VALUES ('a', interval '5 days', interval '1 h', now()),
                     ('b', interval '2 days', interval '1 h', NULL),
                     ('c', interval '1 day', interval '1 h', NULL))
             AS gap (reason, age, over, closed)""")
    assert needs(renewer, 0) == []
    _, content = shown(renewer)
    assert content["tenants"][0]["gaps_unsearched"] == 2
    assert "2 gaps" in content["tenants"][0]["notes"][0]
    assert "2 d ago" in content["tenants"][0]["notes"][0]
    database.execute(f"""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at)
        VALUES ('contoso', '{contoso.tenant_id}',
            'communications/callrecords', 'updated',
            'the subscription was gone', now() - interval '2 h')""")
    [need] = needs(renewer)
    assert "2 h" in need and "the subscription was gone" in need


def test_lifecycle_items_that_wait(renewer, contoso, database):
    subscription_id = enter(database, contoso)
    for ago in ("4 min", "7 min", "9 min"):
        notified(database, subscription_id, ago,
                 tenant_id=f"'{contoso.tenant_id}'",
                 lifecycle_event="'missed'")
    database.execute("""
        INSERT INTO callhook_store.lifecycle_handled
        SELECT notification_id FROM callhook_store.notifications
        ORDER BY received_at LIMIT 1""")
    assert needs(renewer, 0) == []
    _, content = shown(renewer)
    [tenant] = content["tenants"]
    assert tenant["lifecycle_waiting"] == 2
    assert tenant["notes"] == ["2 lifecycle items wait for the next run, "
                               "the oldest came 7 min ago"]


def test_lifecycle_items_out_of_a_spool(renewer, contoso, database):
    """Stored now, whenever they came, as long as Graph keeps what they mean."""
    subscription_id = enter(database, contoso)
    for ago in ("20 days", "32 days"):
        notified(database, subscription_id, ago,
                 tenant_id=f"'{contoso.tenant_id}'",
                 lifecycle_event="'missed'")
    _, content = shown(renewer)
    [tenant] = content["tenants"]
    assert tenant["lifecycle_waiting"] == 1
    assert tenant["notes"] == ["1 lifecycle items wait for the next run, "
                               "the oldest came 20 d ago"]


def call(database, tenant, state, *, age="3 h", due="NULL", **columns):
    """A call that was heard of so long ago, whose record is in that state."""
    values = {"call_id": "gen_random_uuid()",
              "tenant_id": f"'{tenant.tenant_id}'",
              "filed_at": f"now() - interval '{age}'",
              "record_state": f"'{state}'", "next_read_at": due, **columns}
    database.execute(
        f"INSERT INTO callhook_store.calls ({', '.join(values)}) "
        f"VALUES ({', '.join(values.values())})")


def told(renewer, status=0):
    """The one tenant's notes, and what --json has on records and lists."""
    _, content = shown(renewer, status)
    [tenant] = content["tenants"]
    return tenant["notes"], {
        key: value for key, value in tenant.items()
        if key.startswith(("records_", "calls_"))}


def test_a_silence_needs_a_hand(renewer, contoso, database):
    """Of the one who is silent, and not where that is switched off."""
    fabrikam = renewer.add("fabrikam")
    for tenant, until in ((contoso, "5 hours"), (fabrikam, "2 minutes")):
        enter(database, tenant)
        database.execute(f"""
            INSERT INTO callhook_store.notification_hours
            SELECT '{tenant.tenant_id}', h, 200, 200,
                least(h + interval '59 min', now() - interval '{until}')
            FROM generate_series(date_trunc('hour', now())
                - interval '1400 h', now() - interval '{until}', '1 h')
                AS h""")
    table, content = shown(renewer, 1)
    silent, busy = content["tenants"]
    assert (silent["ok"], busy["ok"]) == (False, True)
    assert silent["silence"]["alarm"] is True
    assert busy["silence"]["alarm"] is False
    assert silent["silence"]["usual_per_hour"] == 200
    assert 5 * 3600 <= silent["silence"]["silent_seconds"] < 5 * 3600 + 100
    assert silent["needs"] == [
        "nothing has been delivered for 5 h, 200.0 an hour are usual now: "
        "does Graph reach the URL? callhook-renewer check tries it; "
        "callhook-renewer reconcile contoso lists what was missed"]
    assert silence_counts(renewer) == ("1", 1)
    renewer.settings["silence_alarm"] = "off"
    _, content = shown(renewer)
    assert content["tenants"][0]["silence"]["alarm"] is False
    assert content["tenants"][0]["silence"]["usual_per_hour"] == 200
    assert silence_counts(renewer) == ("0", 0)
    # The view goes on to tell it.
    assert [row["alarm"] for row in database.query(
        "SELECT alarm FROM callhook.silence WHERE tenant = 'contoso'",
        "test_reader")] == [True]


def silence_counts(renewer):
    """Of contoso in the metrics, and of all tenants in the plugin's data."""
    [value] = re.findall(r'callhook_silence_alarm\{tenant="contoso"\} (\d)',
                         renewer.run("status", "--metrics").stdout)
    [silent] = re.findall(r"'silent[^']*'=(\d+)",
                          renewer.run("status", "--plugin").stdout)
    return value, int(silent)


def test_records(renewer, contoso, database):
    """Those that wait, fail, are given up, or are behind Graph's."""
    fabrikam = renewer.add("fabrikam")
    enter(database, contoso)
    call(database, fabrikam, "waiting", due="now()")
    del renewer.tenants["fabrikam"]
    contoso.keys["records"] = "on"
    nothing = {"records_waiting": 0, "records_waiting_since": None,
               "records_failed": 0, "records_gone": 0, "calls_missing": 0}
    assert told(renewer) == ([], nothing)
    call(database, contoso, "stored", version="2", listed_version="2")
    call(database, contoso, "none")
    assert told(renewer) == ([], nothing)
    call(database, contoso, "waiting", due="now() + interval '1 h'")
    call(database, contoso, "waiting", due="now()", age="1 min",
         first_notified_at="now() - interval '5 h 1 min'")
    call(database, contoso, "stored", version="2", listed_version="3",
         due="now()")
    call(database, contoso, "failed", age="40 days")
    for _ in range(3):
        call(database, contoso, "gone", age="40 days")
    notes, numbers = told(renewer)
    assert notes == [
        "2 calls wait for their records, the oldest came 5 h ago",
        "1 records are stored in an older version than Graph's",
        "4 records are given up: 1 failed for 30 days, 3 are gone at Graph"]
    since = datetime.datetime.fromisoformat(
        numbers.pop("records_waiting_since"))
    assert -1 <= time.time() - since.timestamp() - 301 * 60 < 60
    assert numbers == {"records_waiting": 2, "records_failed": 1,
                       "records_gone": 3, "calls_missing": 4}
    [missing] = database.query(
        "SELECT sum(missing)::int AS calls FROM callhook.completeness "
        f"WHERE tenant_id = '{contoso.tenant_id}'")
    assert missing == {"calls": 4}
    contoso.keys["records"] = "off"                 # what is left of before
    assert told(renewer) == ([], nothing)


def test_records_that_fail(renewer, contoso, database):
    contoso.keys["records"] = "on"
    enter(database, contoso)
    call(database, contoso, "failed", due="now() + interval '1 day'")
    [need] = needs(renewer)
    assert need == ("1 records cannot be read: record_error in "
                    "callhook.calls says why; they are tried again for 30 "
                    "days")
    assert told(renewer, 1)[1]["records_failed"] == 1


def test_lists_of_calls(renewer, contoso, database):
    """When they were last read: up to when, and all of 30 days."""
    def lists():
        _, content = shown(renewer)
        [tenant] = content["tenants"]
        return tenant["notes"], *(
            text and round((time.time() - datetime.datetime.fromisoformat(
                text).timestamp()) / 60)
            for text in (tenant["listed_until"], tenant["last_listed_at"]))

    never = ["Graph's calls of 30 days have not been listed in full yet"]
    enter(database, contoso)
    database.execute("DELETE FROM callhook_store.listings")
    assert lists() == (never, None, None)
    listed(database, contoso, "20 days", "20 min")
    assert lists() == (never, 20, None)
    listed(database, contoso, "29 days 23 h 50 min", "20 days")
    assert lists() == ([], 20, 0)
    database.execute("UPDATE callhook_store.listings "
                     "SET listed_at = listed_at - interval '10 days 1 min'")
    listed(database, contoso, "1 day", "10 min")
    days = 10 * 24 * 60 + 1
    assert lists() == (["Graph's calls of 30 days were last listed in full "
                        "10 d ago"], 10, days)
    contoso.keys["reconcile"] = "off"
    assert lists() == ([], None, None)


def test_lists_that_fail(renewer, contoso, database):
    enter(database, contoso)
    database.execute("UPDATE callhook_store.listings "
                     "SET ends_at = ends_at - interval '7 h 1 min'")
    [need] = needs(renewer)
    assert need == ("Graph's calls were last listed 7 h ago and should be "
                    "every hour: callhook-renewer reconcile contoso says "
                    "what is wrong")
    contoso.keys["resource"] = "users"              # has no such list
    database.execute("UPDATE callhook_store.subscriptions "
                     "SET resource = 'users'")
    assert needs(renewer, 0) == []


def test_two_tenants_of_one_id(renewer, contoso, database):
    """They differ by their resource: each has its own subscription."""
    other = renewer.add(
        "a.name-that-is-just-too-long_32c", tenant_id=contoso.tenant_id,
        resource="communications/callRecords?$filter=x")
    enter(database, contoso)
    past(database, other)
    table, content = shown(renewer, 1)
    assert [len(tenant["subscriptions"]) for tenant in content["tenants"]] \
        == [1, 0]
    assert "\na.name-that-is-jus.. none" in table
    assert table.endswith("1 of 2 tenants need a hand\n")


def test_after_a_real_run(folder, database, double):
    with SecureSite(folder, database, double.authority) as site:
        renewer = Renewer(folder, double, database,
                          notification_url=site.url)
        contoso = renewer.add("contoso")
        assert renewer.run().status == 0
        [live] = double.live(contoso.tenant_id)
        assert double.notify(live) == 202
        table, content = shown(renewer)
        [tenant] = content["tenants"]
        [subscription] = tenant["subscriptions"]
        assert subscription["subscription_id"] == live.id
        assert subscription["last_notification_at"] is not None
        assert tenant["token_expires_at"] is not None
        assert "in 59 min" in table
        assert double.leaks(table) == []
        assert double.violations == []


def on_a_terminal(renewer, **environment):
    """What `status` writes to a terminal."""
    renewer.run("status")               # writes the files
    first, second = pty.openpty()
    subprocess.run([RENEWER, "-c", renewer.path, "status"], stdout=second,
                   env={**renewer.environment(), **environment}, cwd="/")
    os.close(second)
    text = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while data := os.read(first, 65536):
            text += data
    os.close(first)
    return text.decode()


def test_red_on_a_terminal_only(renewer, contoso, database):
    past(database, contoso)
    assert RED in on_a_terminal(renewer)
    assert RED not in on_a_terminal(renewer, NO_COLOR="1")
    enter(database, contoso, ran=False)
    assert RED not in on_a_terminal(renewer)


def test_another_word(renewer, contoso):
    done = renewer.run("status", "--yaml")
    assert (done.status, done.stdout) == (64, "")
    assert len(done.stderr.splitlines()) == 1


def test_the_last_delivery_is_found_however_far_back(database):
    """Among the last 20 rows, the last 50,000, or before; of one that has
    delivered nothing for a month, nothing is known."""
    ids = [str(uuid.uuid4()) for _ in range(5)]
    names = "now(), NULL, NULL, now() + interval '1 day'"
    database.execute("".join(f"""
        INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
            subscription_id, resource, change_type, secret_sha256,
            announced_at, renewed_at, alive_at, expires_at)
        VALUES ('t{n}', '{NIL}', '{one}', 'communications/callRecords',
            'updated', decode(repeat('ab', 32), 'hex'), {names});"""
        for n, one in enumerate(ids)) + f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id, subscription_id)
        SELECT gen_random_uuid(), now() - n * interval '10 s', '{NIL}'::uuid,
            CASE n WHEN 5 THEN '{ids[0]}' WHEN 1100 THEN '{ids[1]}'
                WHEN 50100 THEN '{ids[2]}' END::uuid
        FROM generate_series(1, 50200) AS n
        UNION ALL SELECT gen_random_uuid(), now() - interval '40 days',
            '{NIL}', '{ids[3]}'""")

    def ages(with_last):
        found = {row["subscription_id"]: row["age"] for row in database.query(
            f"""SELECT subscription_id, callhook_store.epoch(now())
                       - last_notification_at AS age
                FROM callhook_store.kept_subscriptions({with_last})""")}
        return [found[one] and round(found[one], -3) for one in ids]

    assert ages("true") == [0, 11000, 501000, None, None]
    assert ages("NULL") == [0, 11000, None, None, None]
    assert ages("false") == [None] * 5


def cpu_seconds(database):
    """What the programs and sessions that have ended took, whatever else the
    machine did meanwhile."""
    wait_until(lambda: not database.query(
        "SELECT FROM pg_stat_activity WHERE usename = 'test_renewer'"),
        "the session has ended")
    programs = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(f"/proc/{database.cluster.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    sessions = sum(map(int, fields[13:15]))         # cutime, cstime
    return (programs.ru_utime + programs.ru_stime
            + sessions / os.sysconf("SC_CLK_TCK"))


def test_a_thousand_tenants(renewer, database):
    first = renewer.add("t0")
    for number in range(1, 1000):
        keys = {**first.keys, "tenant_id": str(uuid.uuid4())}
        renewer.tenants[f"t{number}"] = type(first)(
            f"t{number}", keys["tenant_id"], first.client_id, keys)
    rows = ", ".join(f"('{tenant.name}', '{tenant.keys['tenant_id']}'::uuid)"
                     for tenant in renewer.tenants.values())
    database.execute(f"""
        CREATE TEMP TABLE t AS SELECT * FROM (VALUES {rows}) AS t (name, id);
        INSERT INTO callhook_store.tenants
            SELECT name, id, now() FROM t;
        INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
            subscription_id, resource, change_type, secret_sha256,
            renewed_at, expires_at)
        SELECT name, id, gen_random_uuid(), 'communications/callRecords',
            'updated', decode(repeat('ab', 32), 'hex'), now(),
            now() + interval '2 days' FROM t;
        INSERT INTO callhook_store.listings (tenant_id, begins_at, ends_at,
            listed, missing, newer)
        SELECT id, now() - n * interval '1 day',
            now() - (n - 1) * interval '1 day', 100, 0, 0
        FROM t, generate_series(1, 30) AS n""")
    renewer.run("status")
    before = cpu_seconds(database)
    done = renewer.run("status")
    assert done.status == 0
    assert len(done.stdout.splitlines()) == 1001
    assert cpu_seconds(database) - before < 3


def test_consumers_and_those_that_are_dropped(renewer, database, contoso):
    enter(database, contoso)
    for name in ("crm", "gone"):
        database.query("SELECT * FROM callhook.next_notifications("
                       f"'{name}', 10)", "test_consumer")
    database.execute(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id)
        SELECT gen_random_uuid(), now(), '{NIL}' FROM generate_series(1, 3);
        UPDATE callhook_store.consumers
        SET asked_at = now() - interval '31 days' WHERE consumer = 'gone';
        SELECT callhook_store.drop_idle_consumers()""")
    done = renewer.run("status")
    assert "- consumer crm: 3 to settle" in done.stdout
    assert "- consumer gone is dropped" in done.stdout
    crm, gone = json.loads(renewer.run("status", "--json").stdout)["consumers"]
    assert (crm["consumer"], crm["backlog"], crm["failures"]) == ("crm", 3, 0)
    assert gone["dropped"]
