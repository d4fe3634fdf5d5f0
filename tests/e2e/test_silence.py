"""Silences: a dead subscription is found, habits are no alarm."""

import pytest

from support.call_records import new_id
from support.habits import HOUR
from support.record_store import TENANT, Store
from support.silences import Years

pytestmark = pytest.mark.no_program


# --- A year of made-up habits; `make bench-silence` tries more of them ---

@pytest.fixture(scope="module")
def year(cluster):
    database = cluster.create_database()
    yield Years(database)
    cluster.drop_database(database.name)


def test_a_year_of_habits_has_one_false_alarm_at_most(year):
    assert {name: false for name, false in year.false_alarms().items()
            if len(false) > 1} == {}


@pytest.mark.parametrize("name, within, lulls", [
    ("office-10000", 15 * 60, 0), ("office-500", 2 * HOUR, 0),
    ("office-20", 48 * HOUR, 2), ("office-20", 72 * HOUR, 0)])
def test_a_subscription_that_dies_at_noon_is_found(year, name, within, lulls):
    """On any working day of the year; where few call, a few lulls that came
    just before cost a day more."""
    noons, missed = year.missed(name, within)
    assert noons > 200
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


@pytest.mark.parametrize("until", ["30 hours", "900 hours"])
def test_what_thousands_an_hour_leave_is_no_number_too_small(store, until):
    """By chance, nothing comes for days with less than what PostgreSQL
    counts down to."""
    enter(store, "silent", TENANT, calls=5000, until=until)
    assert silence(store, "silent")["alarm"] is True


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


def test_who_is_as_busy_by_night_has_no_end_of_a_day(store):
    """Two hours of silence are two hours, also across midnight."""
    store.database.execute(f"""
        INSERT INTO callhook_store.notification_hours
        SELECT '{TENANT}', h, 200, 200, h + interval '59 minutes'
        FROM generate_series('2026-01-01T00:00Z'::timestamptz,
                             '2026-03-11T23:00Z', '1 hour') AS h""")
    found = store.database.query(f"""
        SELECT extract(hour FROM at AT TIME ZONE 'UTC')::integer AS hour,
               callhook_store.silence_alarm('{TENANT}', at,
                   at + interval '2 hours') AS alarm
        FROM generate_series('2026-03-10T00:59Z'::timestamptz,
                             '2026-03-10T23:59Z', '1 hour') AS at""")
    assert len(found) == 24
    assert [row["hour"] for row in found if not row["alarm"]] == []


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
