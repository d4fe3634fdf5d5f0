"""Silences: a dead subscription is found, habits are no alarm."""

import datetime

import pytest

from support.call_records import new_id
from support.habits import FIRST, HABITS, HOUR, WEEKS_BEFORE, Year
from support.record_store import TENANT, Store

pytestmark = pytest.mark.no_program


# --- A year, asked of the functions that the view asks ---

def tell(database, years):
    """The years' hours, into a table of their own."""
    rows = "\n".join(
        f"{number}\t{{{','.join(map(str, year.counts))}}}"
        for number, year in enumerate(years))
    database.cluster.psql(
        "-v", "ON_ERROR_STOP=1", "-c", "CREATE TABLE public.years (no integer "
        "PRIMARY KEY, counts bigint[])", "-c", "COPY public.years FROM STDIN",
        database=database.name, given=rows + "\n")
    database.execute(f"""
        CREATE FUNCTION public.moment(seconds double precision)
        RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
            SELECT '{FIRST.isoformat()}'::timestamptz
                + seconds * interval '1 second' $$;
        CREATE TABLE public.habits AS -- as they are on each Monday
        SELECT no, week, h.* FROM public.years
        CROSS JOIN generate_series({WEEKS_BEFORE},
            cardinality(counts) / 168) AS week
        CROSS JOIN LATERAL callhook_store.silence_habits(
            public.moment((week - 8) * 168 * {HOUR}),
            counts[(week - 8) * 168 + 1:week * 168]) AS h;
        CREATE UNIQUE INDEX ON public.habits (no, week);
        CREATE TABLE public.silences (no integer, after double precision,
            until double precision, in_hour bigint)""")


def alarms(database, silences):
    """Of silences (tenant, after, until, changes in the hour before it) those
    that alarm at their end."""
    rows = "\n".join("\t".join(map(str, silence)) for silence in silences)
    database.cluster.psql(
        "-c", "TRUNCATE public.silences",
        "-c", "COPY public.silences FROM STDIN", database=database.name,
        given=rows + "\n")
    return database.query("""
        SELECT no, after, until, a_year FROM (
            SELECT s.no, after, until, callhook_store.silences_a_year(
                public.moment(after), public.moment(until),
                counts[hour - 71:hour], in_hour, usual, least_usual,
                clump, per_year, quiet, quiet_hour) AS a_year
            FROM public.silences AS s JOIN public.years AS y USING (no)
            CROSS JOIN LATERAL (SELECT floor(after / 3600)::integer) AS o (hour)
            JOIN public.habits AS h ON h.no = s.no AND h.week = hour / 168
            OFFSET 0) AS e
        WHERE callhook_store.is_silence_alarming(public.moment(after),
            public.moment(until), a_year) ORDER BY no, after""")


@pytest.fixture(scope="module")
def year(cluster):
    """The database, and the years of the tenants."""
    database = cluster.create_database()
    years = [Year(habit) for habit in HABITS]
    tell(database, years)
    yield database, years
    cluster.drop_database(database.name)


def from_first_week(silences):
    return [s for s in silences if s[0] >= WEEKS_BEFORE * 168 * HOUR]


def test_a_year_of_habits_has_one_false_alarm_at_most(year):
    database, years = year
    found = alarms(database, [
        (no, after, until, one.counts[int(after // HOUR)])
        for no, one in enumerate(years)
        for after, until in from_first_week(one.silences)])
    false = {}
    for alarm in found:
        began = moment(alarm["after"])
        false.setdefault(HABITS[alarm["no"]].name, []).append(
            (str(began)[:16], round((alarm["until"] - alarm["after"]) / HOUR,
                                    1), alarm["a_year"]))
    assert {name: some for name, some in false.items()
            if len(some) > 1} == {}


def moment(seconds):
    return FIRST + datetime.timedelta(seconds=seconds)


def deadline(noon, noons, within):
    """Days on which nobody works do not count."""
    if within < 24 * HOUR:
        return noon + within
    return noons[noons.index(noon) + within // (24 * HOUR)]


@pytest.mark.parametrize("name, within, lulls", [
    ("office-10000", 15 * 60, 0), ("office-500", 2 * HOUR, 0),
    ("office-20", 48 * HOUR, 5), ("office-20", 72 * HOUR, 0)])
def test_a_subscription_that_dies_at_noon_is_found(year, name, within, lulls):
    """On any working day of the year; where few call, a few lulls that came
    just before cost a day more."""
    database, years = year
    [no] = [n for n, habit in enumerate(HABITS) if habit.name == name]
    counts, noons = years[no].counts, years[no].working_noons
    dead = []
    for noon in noons[:-3]:
        if noon < WEEKS_BEFORE * 168 * HOUR:
            continue
        hour = noon // HOUR - 1
        while not counts[hour]:
            hour -= 1
        # The last one came just before noon, or in the midst of its hour.
        after = (hour + (0.99 if hour == noon // HOUR - 1 else 0.5)) * HOUR
        dead.append((no, after, deadline(noon, noons, within), counts[hour]))
    assert len(dead) > 200
    found = {round(alarm["after"]) for alarm in alarms(database, dead)}
    missed = [str(moment(after)) for _, after, _, _ in dead
              if round(after) not in found]
    assert len(missed) <= lulls, missed


# --- The view ---

@pytest.fixture
def store(database):
    return Store(database)


def enter(store, tenant, tenant_id, *, calls=20, until="30 minutes"):
    """8 weeks of so many changes an hour, at all hours, until then."""
    store.database.execute(f"""
        INSERT INTO callhook_store.tenants (tenant, tenant_id, last_run_at)
        VALUES ('{tenant}', '{tenant_id}', now());
        INSERT INTO callhook_store.notification_hours
        SELECT '{tenant_id}', h, {calls}, {calls},
            least(h + interval '59 minutes', now() - interval '{until}')
        FROM generate_series(date_trunc('hour', now())
            - interval '1400 hours', now() - interval '{until}', '1 hour')
            AS h WHERE {calls} > 0""")


def silence(store, tenant):
    return store.row("silence", f"tenant = '{tenant}'")


OTHER = "11111111-2222-3333-4444-555555555555"


def test_the_view_names_the_silence_of_the_right_one(store):
    enter(store, "silent", TENANT, calls=200, until="5 hours")
    enter(store, "busy", OTHER, calls=200, until="1 minute")
    enter(store, "never", "99999999-2222-3333-4444-555555555555", calls=0)
    row = silence(store, "silent")
    assert row["tenant_id"] == TENANT and row["alarm"] is True
    assert row["usual_per_hour"] == 200
    assert 5 * HOUR <= row["silent_seconds"] < 5 * HOUR + 60
    assert row["last_notification_at"] is not None
    assert silence(store, "busy")["alarm"] is False
    never = silence(store, "never")
    assert (never["last_notification_at"], never["silent_seconds"],
            never["usual_per_hour"], never["alarm"]) == (None, None, 0, False)


def test_what_the_renewer_has_not_counted_is_no_silence(store):
    enter(store, "late", TENANT, calls=200, until="5 hours")
    store.notify(new_id(), "now() - interval '2 minutes'")
    row = silence(store, "late")
    assert row["alarm"] is False and row["silent_seconds"] < 200
    store.fold()
    assert silence(store, "late")["alarm"] is False


def test_lifecycle_items_do_not_end_a_silence(store):
    enter(store, "silent", TENANT, calls=200, until="5 hours")
    store.database.execute(f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, tenant_id, lifecycle_event)
        VALUES (gen_random_uuid(), now(), '{TENANT}', 'missed')""")
    assert silence(store, "silent")["alarm"] is True
    store.fold()
    assert silence(store, "silent")["alarm"] is True


def test_what_has_been_silent_for_8_weeks_is_no_tenant_to_alarm_for(store):
    enter(store, "gone", TENANT, calls=200, until="1350 hours")
    row = silence(store, "gone")
    assert row["alarm"] is False and row["silent_seconds"] > 1344 * HOUR
