"""The forms of `status` are made of one state: they never disagree.

Each situation is made in the database or beside it; then every form is read
and held against the JSON."""

import datetime
import html.parser
import json
import re
import shutil
import subprocess
import uuid

import pytest

from support.database import literal
from support.project import RENEWER
from support.renewer import Renewer

HOSTILE = 'a"b\\c\n<script>alert(1)</script>|\u202e' + "x" * 160
STRANGE = "\u00e9\033[2J\u009b2J\n\u00e9|x" + "\u00e9" * 400


@pytest.fixture
def renewer(folder, database, double):
    made = Renewer(folder, double, database,
                   notification_url="https://calls.example.com/callhook?s=1")
    made.add("contoso")
    return made


def entered(renewer, tenant="contoso", *, left="2 days", failed=None,
            renewed="5 min"):
    """A tenant as a run leaves it, with a subscription that lives so long."""
    made = renewer.tenants[tenant]
    failed_at = "now() - interval '2 h'" if failed else "NULL"
    renewer.database.execute(f"""
        INSERT INTO callhook_store.tenants
            (tenant, tenant_id, last_run_at, failed_at, failure)
        VALUES ('{tenant}', '{made.tenant_id}', now(), {failed_at},
                {literal(failed)});
        SELECT callhook_store.note_listing('{made.tenant_id}', 'calls',
            now() - interval '30 days', now(), 0, 0, 0);
        INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
            subscription_id, resource, change_type, notification_url,
            secret_sha256, announced_at, renewed_at, expires_at)
        VALUES ('{tenant}', '{made.tenant_id}', gen_random_uuid(),
            'communications/callRecords', 'updated',
            'https://calls.example.com/callhook?s=1',
            decode(repeat('ab', 32), 'hex'), now() - interval '330 s',
            now() - interval '{renewed}', now() + interval '{left}')""")


def minute(renewer, host="edge1", *, ago="1 min", stored=7, refused=2,
           over_3s=0, spool=0, waits=None):
    renewer.database.execute(f"""
        SELECT callhook_store.add_minute(
            date_trunc('minute', now() - interval '{ago}'), {literal(host)},
            '{{10,0,{stored},{refused},0,0,0,0,0,{over_3s}}}', '{{5,5}}',
            900, {spool}, 1, {spool}, now() - {literal(waits)}::interval)
        """, "test_receiver")


# -- the situations: made by a function; what is expected ------------------

def fine(renewer):
    entered(renewer)
    minute(renewer)


def empty(renewer):
    del renewer


def expired(renewer):
    entered(renewer, left="-3 h")


def dying(renewer):
    entered(renewer, left="5 h")


def gap(renewer):
    entered(renewer)
    renewer.database.execute(f"""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at)
        VALUES ('contoso', '{renewer.tenants['contoso'].tenant_id}',
            'communications/callrecords', 'updated', 'it was gone',
            now() - interval '2 h')""")


def silent(renewer):
    fine(renewer)
    renewer.database.execute(f"""
        INSERT INTO callhook_store.notification_hours
        SELECT '{renewer.tenants["contoso"].tenant_id}', h, 200, 200,
            least(h + interval '59 min', now() - interval '5 hours')
        FROM generate_series(date_trunc('hour', now()) - interval '1400 h',
                             now() - interval '5 hours', '1 h') AS h""")


def spooling(renewer):
    entered(renewer)
    minute(renewer, spool=12345678, waits="2 min")


def spooling_for_long(renewer):
    entered(renewer)
    minute(renewer, spool=12345678, waits="20 min")


def dead(renewer):
    fine(renewer)
    minute(renewer, "edge2")
    minute(renewer, "edge3")
    renewer.database.execute("""
        UPDATE callhook_store.receivers
        SET last_seen_at = now() - interval '5 min' WHERE host <> 'edge1';
        UPDATE callhook_store.receivers
        SET stopped = true WHERE host = 'edge3'""")


def slow(renewer):
    entered(renewer)
    minute(renewer, over_3s=3)


def away(renewer):
    entered(renewer)
    renewer.database = None


def read_only(renewer):
    entered(renewer)
    minute(renewer)
    renewer.database.execute(
        f'ALTER DATABASE "{renewer.database.name}" '
        "SET default_transaction_read_only = on")


def older_schema(renewer):
    entered(renewer)
    renewer.database.execute("""
        CREATE OR REPLACE FUNCTION callhook_store.status(
            settings json, with_last boolean) RETURNS json LANGUAGE sql
        SECURITY DEFINER AS $$ SELECT '{"ok": true, "tenants": []}'::json $$
        """)


def failing_of_three(renewer):
    for name in ("fabrikam", "tailspin"):
        renewer.add(name)
    for name in renewer.tenants:
        entered(renewer, name, failed='token: HTTP 401, code invalid_client, '
                '"AADSTS7000215 | <b>"' if name == "fabrikam" else None)


def hostile(renewer):
    entered(renewer, failed=HOSTILE)
    minute(renewer, host=HOSTILE)


def strange(renewer):
    """Where a text is cut it is not cut within a letter."""
    entered(renewer, failed=STRANGE)
    minute(renewer, host=STRANGE[:60])


def boasting(renewer):
    """Who has a receiver's rights may count what he likes."""
    most = 2 ** 63 - 1
    entered(renewer)
    minute(renewer)
    counters = "{" + ",".join([str(most)] * 10) + "}"
    for when in "now()", "now()", "'infinity'", "'-infinity'":
        renewer.database.execute(f"""
            SELECT callhook_store.add_minute({when}, 'edge1', '{counters}',
                '{{2147483647}}', {most}, {most}, 1, {most}, '-infinity')
            """, "test_receiver")
    renewer.database.execute(f"""
        SELECT callhook_store.add_refusals(
            ARRAY[gen_random_uuid(), gen_random_uuid()],
            ARRAY[gen_random_uuid(), gen_random_uuid()],
            ARRAY['unknown', 'secret'], ARRAY[{most}, {most}])""",
        "test_receiver")


def thousand(renewer):
    first = renewer.tenants["contoso"]
    for number in range(999):
        keys = {**first.keys, "tenant_id": str(uuid.uuid4())}
        renewer.tenants[f"t{number}"] = type(first)(
            f"t{number}", keys["tenant_id"], first.client_id, keys)
    entered(renewer)


SITUATIONS = [      # verdict, what one of the sentences says
    (fine, "OK", None),
    (empty, "CRITICAL", "there has been no run"),
    (expired, "CRITICAL", "the subscription ended 3 h ago"),
    (dying, "CRITICAL", None),
    (gap, "WARNING", "changes may be missing for 2 h"),
    (silent, "WARNING", "nothing has been delivered for 5 h"),
    (spooling, "OK", "12 MB wait in its spool"),
    (spooling_for_long, "WARNING", "the oldest came 20 min ago"),
    (dead, "CRITICAL", "receiver edge2 is dead, it was last seen 5 min ago"),
    (slow, "OK", "3 answers since 00:00 UTC took over 3 s"),
    (away, "CRITICAL", "the database cannot be used"),
    (read_only, "CRITICAL", "the database is read-only"),
    (older_schema, "UNKNOWN", "older schema than this program"),
    (failing_of_three, "WARNING", "AADSTS7000215"),
    (hostile, "WARNING", "runs have failed for 2 h"),
    (strange, "WARNING", "runs have failed for 2 h"),
    (boasting, "OK", None),
    (thousand, "CRITICAL", None),
]
EXIT = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).timestamp())


def sentences(state):
    """All that the state says, as the forms may cut or break it."""
    said = list(state["faults"]) + (state["needs"] or [])
    for tenant in state["tenants"]:
        said += tenant["needs"]
    return said + [state["database_fault"]] * bool(state["database_fault"])


def plain(text):
    """As `status` shows it: ASCII, each blank a single one."""
    cleaned = "".join(c if " " <= c <= "~" else "?" * len(c.encode())
                      for c in text)
    return " ".join(cleaned.split())


def check_text(renewer, state):
    shown = renewer.run("status")
    assert shown.status == (0 if state["ok"] else 1)
    assert "\033" not in shown.stdout
    # A word that is longer than a line has a line of its own.
    for line in shown.stdout.splitlines():
        assert len(line) <= 80 or " " not in line.strip()[2:]
    words = plain(shown.stdout.replace("\n", " "))
    for sentence in sentences(state) + (state["notes"] or []):
        assert plain(sentence) in words
    for tenant in state["tenants"]:
        assert tenant["tenant"] in words
    for receiver in state["receivers"] or []:
        assert "\n" + plain(receiver["host"])[:18] in shown.stdout


def check_plugin(renewer, state, verdict):
    shown = renewer.run("status", "--plugin")
    assert shown.status == EXIT[verdict]
    line, nothing = shown.stdout.split("\n")
    assert nothing == "" and "\ufffd" not in line
    assert not re.search("[\0-\x1f\x7f-\x9f]", line)
    words, *data = line.split(" | ")
    assert words.startswith(f"CALLHOOK {verdict} - ")
    assert "|" not in words
    if state["receivers"] is None:
        assert data == []
        return
    values = dict(re.findall(r"'([^']+)'=(\S+)", data[0]))
    assert re.fullmatch(
        r"( ?'[a-z ]+'=[0-9]+(s|B|)(;[0-9:]*){0,4})+", data[0])
    assert values["tenants in need"].split(";")[0] == str(
        sum(not tenant["ok"] for tenant in state["tenants"]))
    assert values["spool"].split("B")[0] == str(
        sum(receiver["spool_bytes"] for receiver in state["receivers"]))
    ends = [subscription["expires_at"] for tenant in state["tenants"]
            for subscription in tenant["subscriptions"]]
    if verdict == "OK":
        left = min(map(seconds, ends)) - seconds(state["at"])
        assert abs(int(values["first end"].split("s")[0]) - left) < 20


def samples(text):
    """{name: {label: value}}"""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, label, value = re.fullmatch(
            r'([a-z0-9_]+)(?:\{[a-z]+="((?:[^"\\]|\\.)*)"\})? (-?\d+)',
            line).groups()
        label = label and re.sub(
            r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], label)
        found.setdefault(name, {})[label] = int(value)
    return found


def check_metrics(renewer, state):
    shown = renewer.run("status", "--metrics")
    assert shown.status == (0 if state["ok"] else 1)
    if shutil.which("promtool"):
        linted = subprocess.run(["promtool", "check", "metrics"], text=True,
                                input=shown.stdout, capture_output=True)
        assert (linted.returncode, linted.stderr) == (0, "")
    found = samples(shown.stdout)
    assert found["callhook_database_up"] == {
        None: int(state["database"] == "live")}
    there = state["receivers"] is not None
    for tenant in state["tenants"]:
        name = tenant["tenant"]
        ends = max((seconds(s["expires_at"]) for s in tenant["subscriptions"]
                    if s["state"] == "live"), default=0)
        expected = {
            "subscription_expiry_timestamp_seconds": there and [ends],
            "gap_open": there and [int(tenant["gap_since"] is not None)],
            "records_waiting": there and [tenant["records_waiting"]],
            "calls_missing": there and [tenant["calls_missing"]],
            "last_run_timestamp_seconds": tenant["last_run_at"]
            and [seconds(tenant["last_run_at"])],
            "silence_alarm": tenant["silence"]
            and [int(tenant["silence"]["alarm"])],
        }
        for metric, values in expected.items():
            got = found.get(f"callhook_{metric}", {})
            assert got.get(name) == (values[0] if values else None), metric
    for receiver in state["receivers"] or []:
        host = receiver["host"]
        assert found["callhook_spool_bytes"][host] == receiver["spool_bytes"]
        assert found.get("callhook_receiver_up", {}).get(host) == {
            "live": 1, "dead": 0}.get(receiver["state"])
        for counter in ("stored", "refused", "over_3s"):
            name = {"over_3s": "over_3s"}.get(counter, f"items_{counter}")
            assert found[f"callhook_{name}_total"][host] == \
                receiver[f"{counter}_today"]


class Page(html.parser.HTMLParser):
    """What a page says, by element; a fault of its form is an error."""

    EMPTY = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.attributes = [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, *pair) for pair in attributes]
        assert len({name for name, _ in attributes}) == len(attributes)
        self.texts.setdefault(tag, [])
        if tag not in self.EMPTY:
            self.texts[tag].append("")
            self.open.append((tag, len(self.texts[tag]) - 1))

    def handle_startendtag(self, tag, attributes):
        self.attributes += [(tag, *pair) for pair in attributes]
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for tag, number in self.open:
            self.texts[tag][number] += data


def printable(text):
    return re.sub(r"[\n\033]", " ", text)


def without_quotes(sentence, tenant):
    """The page leaves to `status` what a peer said."""
    for quote in (tenant["failure"], tenant["failure_of_calls"]):
        if quote and quote in sentence:
            sentence = sentence.replace(
                quote, "callhook-renewer status says at what")
    return sentence


def check_page(renewer, state, verdict):
    shown = renewer.run("status", "--html")
    assert shown.status == (0 if state["ok"] else 1)
    assert len(shown.stdout.encode()) < 200_000
    page = Page(shown.stdout)
    assert page.texts["title"][0].startswith(f"callhook: {verdict}, ")
    assert page.texts["style"] and "script" not in page.texts
    assert not [value for _, name, value in page.attributes
                if name in ("src", "href", "style") or name.startswith("on")]
    assert "https://" not in shown.stdout and "http://" not in shown.stdout
    [band] = [value for tag, name, value in page.attributes
              if (tag, name) == ("section", "class")]
    assert band == "verdict " + {"OK": "ok", "WARNING": "warn",
                                 "CRITICAL": "bad", "UNKNOWN": "dull"}[verdict]
    said = page.texts.get("li", [])
    for tenant in state["tenants"]:
        for sentence in tenant["needs"]:
            assert any(without_quotes(sentence, tenant) in one
                       for one in said) or len(state["tenants"]) > 60
    for sentence in (state["needs"] or []) + (state["notes"] or []):
        assert any(printable(sentence) in one for one in said)
    names = " ".join(page.texts["th"])
    for tenant in state["tenants"]:
        assert tenant["tenant"] in names or len(state["tenants"]) > 60
    for receiver in state["receivers"] or []:
        assert printable(receiver["host"]) in names
    for tenant in state["tenants"]:
        assert not tenant["failure"] or tenant["failure"] not in shown.stdout


@pytest.mark.parametrize("situation, verdict, words", SITUATIONS,
                         ids=lambda value: getattr(value, "__name__", ""))
def test_the_forms_agree(renewer, situation, verdict, words):
    situation(renewer)
    shown = renewer.run("status", "--json")
    state = json.loads(shown.stdout)
    assert shown.status == (0 if state["ok"] else 1)
    assert state["ok"] is (verdict == "OK" or situation is dying)
    if words:
        assert any(words in sentence
                   for sentence in sentences(state) + (state["notes"] or []))
    check_text(renewer, state)
    check_plugin(renewer, state, verdict)
    check_metrics(renewer, state)
    check_page(renewer, state, verdict)


def test_each_sentence_that_needs_a_hand_says_what_to_do(renewer):
    """By a command, or by what to change."""
    for situation in (expired, gap, failing_of_three):
        renewer.database.execute("""
            TRUNCATE callhook_store.tenants, callhook_store.subscriptions,
                callhook_store.gaps""")
        situation(renewer)
        state = json.loads(renewer.run("status", "--json").stdout)
        for sentence in sentences(state):
            assert re.search("callhook-renewer|cron|: ", sentence), sentence


def test_who_holds_up_folding(renewer):
    """The oldest open transaction of a writer; then a prepared one."""
    fine(renewer)
    database = renewer.database
    with database.session("test_receiver") as session:
        session.run("BEGIN; SELECT callhook_store.schema_major()")
        database.execute("""
            CREATE OR REPLACE FUNCTION callhook_store.writers()
            RETURNS TABLE (pid integer, virtualxid text,
                           xact_start timestamptz) LANGUAGE sql AS $$
                SELECT a.pid, '', a.xact_start - interval '1 h'
                FROM pg_stat_activity AS a
                WHERE a.usename = 'test_receiver'
                  AND a.datname = current_database() $$;
            CREATE OR REPLACE FUNCTION callhook_store.oldest_transaction()
            RETURNS timestamptz LANGUAGE sql AS $$
                SELECT min(xact_start) FROM callhook_store.writers() $$""")
        shown = renewer.run("status", "--json")
        state = json.loads(shown.stdout)
        assert shown.status == 1
        pid = state["holds_up"]["pid"]
        assert f"pg_terminate_backend({pid})" in state["needs"][0]
        assert "it began 1 h ago" in state["needs"][0]
        check_text(renewer, state)
        check_plugin(renewer, state, "WARNING")


def test_a_plugin_whose_settings_are_at_fault(renewer):
    renewer.settings["surprise"] = "1"
    shown = renewer.run("status", "--plugin")
    assert shown.status == 3
    assert shown.stdout.startswith("CALLHOOK UNKNOWN - the settings")
    assert renewer.run("status").status == 78


def test_a_plugin_whose_state_dir_is_at_fault(renewer):
    """-n, which looks at the settings alone, would find nothing."""
    renewer.state_dir.chmod(0o755)
    shown = renewer.run("status", "--plugin")
    renewer.state_dir.chmod(0o700)
    assert shown.status == 3
    assert shown.stdout == (
        "CALLHOOK UNKNOWN - state_dir cannot be used: callhook-renewer status "
        "says why\n")


def test_what_cannot_be_written_is_no_success(renewer):
    """Also where nothing is left for the last write to fail at."""
    entered(renewer)
    for number in range(40):
        minute(renewer, f"edge{number}")
    assert renewer.run("status").status == 0
    for option in ([], ["--json"], ["--plugin"], ["--metrics"], ["--html"]):
        shown = subprocess.run(
            ["sh", "-c", '"$@" > /dev/full', "sh", RENEWER, "-c",
             renewer.path, "status", *option], env=renewer.environment())
        assert shown.returncode == 74, option
