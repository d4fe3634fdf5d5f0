"""The page of `status --html`: each figure on it is that of the view it names."""

import datetime
import json
import re

import pytest

from support.notification import NIL
from support.renewer import Renewer
from test_status_forms import Page, entered

UTC = datetime.timezone.utc
MONTH = 30

# One tenant's days whose figures are older than their facts.
DIRTY = """
    INSERT INTO callhook_store.report_dirty_days
    SELECT %(nil)s, current_date - n FROM unnest('{0,0,1,40}'::int[]) AS n;
    SELECT callhook_store.make_report_month(current_date - n)
    FROM unnest('{0,1,2,40}'::int[]) AS n;
    CREATE TEMPORARY TABLE happened AS
    SELECT day, n, gen_random_uuid() AS call_id, t::uuid AS tenant_id,
           day + n * interval '1 min' AS at, n %% 9 = 0 AS is_test,
           (ARRAY['d', 'm', 'p'])[1 + n %% 3]::"char" AS kind,
           (ARRAY['a', 'm', 'f'])[1 + n %% 4]::"char" AS disposition
    FROM generate_series(1, 60) AS n,
         (SELECT current_date - d FROM unnest('{0,1,2,40}'::int[]) AS d)
             AS d (day),
         (VALUES ('11111111-1111-1111-1111-111111111111'), (%(nil)s))
             AS t (t);
    UPDATE happened SET disposition = 'u' WHERE disposition IS NULL;
    INSERT INTO callhook_store.report_calls (started_at, call_id, tenant_id,
        day, people, kind, disposition, is_test)
    SELECT at, call_id, tenant_id, day, 2, kind, disposition, is_test
    FROM happened;
    INSERT INTO callhook_store.report_phones (started_at, tenant_id, call_id,
        id, own_charge, day, source, direction, disposition)
    SELECT at, tenant_id, CASE WHEN n %% 2 = 0 THEN call_id END,
           call_id::text, false, day, 'p', 'o', disposition FROM happened;
    INSERT INTO callhook_store.report_legs (started_at, call_id, tenant_id,
        day, stage_no, reason_no, modalities, kind, direction, disposition,
        is_test)
    SELECT at, call_id, tenant_id, day, term_no,
           CASE WHEN n %% 2 = 0 THEN term_no + 1 END, 1, kind, 'o',
           disposition, is_test
    FROM happened, generate_series(1, 2),
         (SELECT min(term_no) FROM callhook_store.report_terms
          WHERE term LIKE 'reason %%') AS t (term_no)
    WHERE n %% 5 > 0;
    INSERT INTO callhook_store.report_streams (started_at, call_id, tenant_id,
        day, session_no, segment_no, media_no, stream_no, media, kind, verdict,
        is_test)
    SELECT at, call_id, tenant_id, day, 1, 1, 1, s,
           (ARRAY['a', 'v'])[1 + s %% 2]::"char", kind,
           (ARRAY['g', 'p', 'u'])[1 + (n + s) %% 3]::"char", is_test
    FROM happened, generate_series(1, 4) AS s""" % {"nil": f"'{NIL}'"}

# Two receivers of a week, and kept figures of 100 days.
FILL = """
    INSERT INTO callhook_store.receiver_minutes
    SELECT m, host, ARRAY[2,0,n,0,0,0,0,0,0,0]::bigint[],
           ARRAY[0, 0, n %% 5, n %% 3, 1]::integer[], 5000 + n, n %% 7 * 1000
    FROM generate_series(now(), now() - interval '8 days', '-7 min') AS m,
         (VALUES ('edge1'), ('edge2')) AS h (host),
         LATERAL (SELECT extract(epoch FROM m)::bigint %% 11 AS n) AS n;
    INSERT INTO callhook_store.receiver_hours
    SELECT * FROM callhook_store.hours_of_minutes('-infinity');
    INSERT INTO callhook_store.notification_hours
        (tenant_id, hour, notifications, changes)
    SELECT t::uuid, h, extract(hour FROM h) * 3 + 1, 1
    FROM generate_series(date_trunc('hour', now(), 'UTC') - interval '9 days',
                         now(), '1 h') AS h,
         (VALUES ('11111111-1111-1111-1111-111111111111'), (%(nil)s))
             AS t (t);
    INSERT INTO callhook_store.day_call_hours (tenant_id, day, hour, kind,
        calls, missed, answered, declined, failed, people)
    SELECT t::uuid, d, d + interval '9 h', kind, n, n / 3, 0, 0, 0, 0
    FROM generate_series(current_date - 100, current_date, '1 day') AS d,
         (VALUES ('d', 5), ('m', 3), ('p', 2)) AS k (kind, weight),
         (VALUES ('11111111-1111-1111-1111-111111111111'), (%(nil)s))
             AS t (t),
         LATERAL (SELECT extract(day FROM d)::int * weight AS n) AS n;
    INSERT INTO callhook_store.day_networks (tenant_id, day, media, kind,
        streams, classified, poor)
    SELECT %(nil)s::uuid, d, media, 'd', 100, 80, extract(day FROM d)::int
    FROM generate_series(current_date - 100, current_date, '1 day') AS d,
         (VALUES ('a'), ('v')) AS m (media)
    WHERE extract(isodow FROM d) < 6;
    INSERT INTO callhook_store.day_kinds
    SELECT c.tenant_id, c.day, c.kind, c.calls, c.missed,
           coalesce(n.classified, 0), coalesce(n.poor, 0)
    FROM callhook_store.day_call_hours AS c
    LEFT JOIN (SELECT * FROM callhook_store.day_networks WHERE media = 'a')
        AS n USING (tenant_id, day, kind);
    INSERT INTO callhook_store.report_terms (term)
    SELECT 'reason ' || n FROM generate_series(1, 12) AS n;
    INSERT INTO callhook_store.day_failures (tenant_id, day, reason_no, calls)
    SELECT %(nil)s::uuid, d, term_no, 20 - term_no
    FROM generate_series(current_date - 40, current_date, '1 day') AS d,
         callhook_store.report_terms WHERE term LIKE 'reason %%';
    INSERT INTO callhook_store.calls (call_id, tenant_id, filed_at,
        started_at, record_state, version, listed_version)
    SELECT gen_random_uuid(), %(nil)s::uuid, now(),
           now() - n * interval '5 h', state, 1, 1 + n %% 2
    FROM generate_series(1, 200) AS n,
         (VALUES ('stored'), ('waiting'), ('gone'), ('none')) AS s (state);
    INSERT INTO callhook_store.gaps (tenant, tenant_id, resource, change_type,
        reason, begins_at, ends_at)
    VALUES ('contoso', %(nil)s, 'communications/callrecords', 'updated',
            'gone', date_trunc('day', now()) - interval '50 h',
            date_trunc('day', now()) - interval '47 h')
""" % {"nil": f"'{NIL}'"}


@pytest.fixture
def renewer(folder, database, double):
    made = Renewer(folder, double, database,
                   notification_url="https://calls.example.com/callhook?s=1")
    made.add("contoso")
    entered(made)
    database.execute(FILL)
    return made


def read_charts(database):
    [row] = database.query("SELECT callhook_store.status_charts() AS charts")
    charts = row["charts"]
    return json.loads(charts) if isinstance(charts, str) else charts


def view(database, sql):
    """{first column: the others}, numbers as such."""
    return {str(one[0]): [value and float(value) for value in one[1:]]
            for one in (list(row.values()) for row in database.query(
                sql, "test_reader"))}


def take_over(database):
    """As from an older schema, which lacks what the page alone reads."""
    database.execute("""
        DROP TABLE callhook_store.day_kinds CASCADE;
        ALTER TABLE callhook_store.report_calls DROP COLUMN audio_classified,
            DROP COLUMN audio_poor, DROP COLUMN failures""")
    database.cluster.install(database.name)


@pytest.mark.parametrize("dirty", [False, True], ids=["clean", "dirty"])
def test_figures_are_those_of_the_views(renewer, database, dirty):
    if dirty:
        database.execute(DIRTY)
    take_over(database)
    charts = read_charts(database)
    since = "(now() AT TIME ZONE 'UTC')::date - 89"
    calls = view(database, f"""
        SELECT day::text, sum(calls) FILTER (WHERE kind = 'peer_to_peer') AS a,
               sum(calls) FILTER (WHERE kind = 'meeting') AS b,
               sum(calls) FILTER (WHERE kind = 'phone') AS c,
               sum(missed) AS d
        FROM callhook.calls_by_hour WHERE day >= {since} GROUP BY day""")
    assert len(charts["calls"]["points"]) == 90
    for n, day in enumerate(charts["calls"]["points"]):
        assert [charts["calls"][key][n] for key in (
            "peer_to_peer", "meeting", "phone", "missed")] == calls[day]
    quality = view(database, f"""
        SELECT day::text, sum(poor) AS a, sum(classified) AS b,
               round(100.0 * sum(poor) / sum(classified), 2) AS c
        FROM callhook.quality_by_day
        WHERE media = 'audio' AND day >= {since} GROUP BY day""")
    for n, day in enumerate(charts["quality"]["points"]):
        assert [charts["quality"][key][n] for key in (
            "poor", "classified", "rate")] == quality.get(day, [0, 0, None])
    failures = view(database, f"""
        SELECT coalesce(failure_reason, failure_stage), sum(calls)
        FROM callhook.failures_by_day
        WHERE day >= {since} + 60 GROUP BY 1 ORDER BY 2 DESC""")
    shown = dict(zip(charts["failures"]["points"],
                     charts["failures"]["calls"]))
    others = shown.pop("others")
    assert len(shown) == 7
    for reason, count in shown.items():
        assert failures.pop(reason) == [count]
    assert others == sum(count for [count] in failures.values())
    missing = view(database, f"""
        SELECT day::text, sum(missing) FROM callhook.completeness
        WHERE day >= {since} + 60 GROUP BY day""")
    for n, day in enumerate(charts["completeness"]["points"]):
        assert charts["completeness"]["missing"][n] == missing.get(
            day, [0])[0]
    assert charts["completeness"]["gap_minutes"][-4:] == [120, 60, 0, 0]


def test_consumers_as_status_tells_of_them(renewer, database):
    """A dropped one has no figures; of a great backlog only a part is
    counted; and of many rows the page says how many it leaves out."""
    database.execute("""
        CREATE OR REPLACE FUNCTION callhook_store.most_counted()
        RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 3';
        SELECT callhook.make_consumer('all', '-infinity'),
               callhook.make_consumer('none', 'infinity');
        INSERT INTO callhook_store.consumers_dropped
        VALUES ('gone', now() - interval '31 days');
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id)
        SELECT gen_random_uuid(), now(), gen_random_uuid()
        FROM generate_series(1, 5)""")
    text = renewer.run("status").stdout
    assert "consumer all: 3 to settle or more" in text
    shown = renewer.run("status", "--html").stdout
    table = shown[shown.index('aria-label="Consumers"'):]
    rows = re.findall("<tr>.*?</tr>", table[:table.index("</table>")], re.S)
    read = {re.search("<bdi>(.*?)</bdi>", row)[1]:
            re.findall("<td[^>]*>(.*?)</td>", row) for row in rows[1:]}
    assert read["all"][0] == "3 or more"
    assert read["none"] == ["0", "\u2013", "never", "0"]
    assert read["gone"] == ["dropped", "\u2013", "\u2013", "\u2013"]
    assert "more: callhook-renewer status" not in shown
    database.execute("""
        SELECT callhook.make_consumer('c' || n, 'infinity')
        FROM generate_series(1, 60) AS n;
        INSERT INTO callhook_store.receivers
        SELECT 'edge' || n, 1, now(), false, 0
        FROM generate_series(10, 70) AS n""")
    shown = renewer.run("status", "--html").stdout
    assert re.findall(r"and (\d+) more: callhook-renewer status", shown) == [
        "1", "3"]


def test_figures_of_the_receivers(renewer, database):
    charts = read_charts(database)
    hours = view(database, """
        SELECT to_char(hour AT TIME ZONE 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS"Z"'), sum(notifications)
        FROM callhook.notifications_by_hour GROUP BY 1""")
    notifications = charts["notifications"]
    assert len(notifications["points"]) == 7 * 24
    now = datetime.datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for hour, count in zip(notifications["points"],
                           notifications["notifications"]):
        assert count == (hours[hour][0] if hour <= now else None)
    spool = view(database, """
        SELECT to_char(hour AT TIME ZONE 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS"Z"'), sum(bytes)
        FROM (SELECT date_trunc('hour', minute) AS hour, host,
                     max(spool_bytes) AS bytes
              FROM callhook.receiver_minutes GROUP BY 1, 2) AS s
        GROUP BY 1""")
    for hour, bytes_ in zip(charts["spool"]["points"],
                            charts["spool"]["bytes"]):
        assert bytes_ == spool[hour][0]
    longest = view(database, """
        SELECT to_char(date_trunc('hour', minute) AT TIME ZONE 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS"Z"'), max(max_ms) AS a,
               min(p50_ms) AS b, max(p50_ms) AS c, min(p99_ms) AS d,
               max(p99_ms) AS e
        FROM callhook.receiver_minutes GROUP BY 1""")
    answers = charts["answers"]
    for n, hour in enumerate(answers["points"]):
        most, *bounds = longest[hour]
        assert answers["longest"][n] == most
        assert bounds[0] <= answers["p50"][n] <= bounds[1]
        assert bounds[2] <= answers["p99"][n] <= bounds[3]


def test_answer_times_are_those_of_all_receivers(renewer, database):
    """receiver_minutes has them by minute and host: the buckets of the hour
    are added up here once more."""
    bounds = [64] + [quarter * 2 ** octave for octave in range(4, 23)
                     for quarter in (5, 6, 7, 8)]
    hours = {}
    for row in database.query("""
            SELECT to_char(date_trunc('hour', minute) AT TIME ZONE 'UTC',
                           'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS hour,
                   to_json(times) AS times, max_us
            FROM callhook_store.receiver_minutes"""):
        times, longest = hours.setdefault(row["hour"], ([0] * 77, []))
        for n, count in enumerate(row["times"]):
            times[n] += count
        longest.append(row["max_us"])
    answers = read_charts(database)["answers"]
    assert len(answers["points"]) == 24
    for n, hour in enumerate(answers["points"]):
        times, longest = hours[hour]
        for key, part in (("p50", 0.5), ("p99", 0.99)):
            running, bucket = 0, -1
            while running < part * sum(times):
                bucket += 1
                running += times[bucket]
            assert answers[key][n] * 1000 == min(bounds[bucket], max(longest))


def test_gaps_are_those_of_the_view(renewer, database):
    spans = [tuple(datetime.datetime.fromisoformat(row[key])
                   for key in ("begins_at", "ends_at"))
             for row in database.query(
                 "SELECT begins_at, ends_at FROM callhook.gaps",
                 "test_reader")]
    assert spans
    chart = read_charts(database)["completeness"]
    for day, minutes in zip(chart["points"], chart["gap_minutes"]):
        begin = datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00")
        end = begin + datetime.timedelta(days=1)
        assert minutes == sum(
            max(0, (min(till, end) - max(since, begin)).total_seconds())
            for since, till in spans) // 60


def test_hours_of_receivers_are_their_minutes(database):
    """Several processes add to a minute, with more or fewer buckets."""
    for ago, host, times, longest, spool in (
            (0, "edge1", "{1,2}", 900, 0), (0, "edge1", "{3}", 800, 50),
            (7, "edge1", "{0,0,5}", 100, 20), (70, "edge1", "{4}", 7000, 0),
            (0, "edge2", "{2,2}", 50, 10)):
        database.execute(f"""
            SELECT callhook_store.add_minute(date_trunc('minute', now())
                - interval '{ago} min', '{host}', '{{9,8,7,6,5,4,3,2,1,{ago}}}',
                '{times}', {longest}, {spool})""")
    hours = "SELECT * FROM callhook_store.receiver_hours"
    minutes = "SELECT * FROM callhook_store.hours_of_minutes('-infinity')"
    assert len(database.query(hours)) >= 3
    assert database.query(f"{hours} EXCEPT {minutes}") == []
    assert database.query(f"{minutes} EXCEPT {hours}") == []


FIGURES = {
    "Notifications by weekday and hour": ("notifications", "notifications"),
    "Calls by day": ("calls", "peer_to_peer", "meeting", "phone"),
    "Poor audio": ("quality", "rate", "poor", "classified"),
    "Missed calls": ("calls", "missed"),
    "Answer times": ("answers", "p50", "p99", "longest"),
    "Spool": ("spool", "bytes"),
    "Failed calls by reason": ("failures", "calls"),
    "Missing records": ("completeness", "missing", "gap_minutes"),
    "Gaps": ("completeness", "gap_minutes"),
}


def cell(value):
    """A figure as the page prints it."""
    if value is None:
        return "\u2013"
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def test_each_chart_has_its_figures_in_a_table(renewer, database):
    charts = read_charts(database)
    html = renewer.run("status", "--html").stdout
    page = Page(html)
    images = [value for tag, name, value in page.attributes
              if (tag, name) == ("svg", "aria-label")]
    assert len(images) == len(page.texts["details"]) == 9
    figures = re.findall(r"<figure.*?</figure>", html, re.S)
    titles = [re.search(r"<h3>(.*?)</h3>", one)[1] for one in figures]
    assert sorted(titles) == sorted(FIGURES)
    for title, figure in zip(titles, figures):
        key, *series = FIGURES[title]
        rows = [re.findall(r"<td>(.*?)</td>", row) for row
                in re.findall(r"<tr>.*?</tr>", figure, re.S)[1:]]
        expected = [[cell(charts[key][one][n]) for one in series]
                    for n in range(len(charts[key]["points"]))]
        # The newest first, but ranks as they are.
        assert rows == expected[::1 if key == "failures" else -1], title
    assert any(image.startswith("Missed calls: highest ") for image in images)
