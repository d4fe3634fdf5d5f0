"""Which spans of time are listed at Graph, and when again: next_window()."""

import uuid

import pytest

from support.call_records import new_id
from support.record_store import TENANT, Store

pytestmark = pytest.mark.no_program

HOUR, DAY = 3600, 86400
MONTH = 30 * DAY


class Lists:
    """The lists of one tenant; times are ages in seconds."""

    def __init__(self, database):
        self.database = database
        # None whose hour is over while a test runs.
        while True:
            self.tenant = str(uuid.uuid4())
            if 300 < self.number(
                    "extract(epoch FROM now() - upper(callhook_store."
                    f"listable('{self.tenant}')))") < 3000:
                break

    def number(self, expression):
        [row] = self.database.query(f"SELECT {expression} AS n")
        return row["n"]

    def window(self, most=MONTH, asked=0, started=0):
        """A row of next_window(), or None."""
        rows = self.database.query(
            f"SELECT * FROM callhook_store.next_window('{self.tenant}', "
            f"'calls', {most}, {asked}, {started})", "test_renewer")
        return rows[0] if rows else None

    def next(self, **details):
        """How old the next window's beginning and its end are; or None."""
        row = self.window(**details)
        return row and (row["now"] - row["begins_at"],
                        row["now"] - row["ends_at"])

    def note(self, begins, ends, calls=0):
        now = self.number("floor(extract(epoch FROM now()))::bigint")
        self._note(now - begins, now - ends, calls)

    def _note(self, begins_at, ends_at, calls=0):
        self.database.execute(f"""
            SELECT callhook_store.note_listing('{self.tenant}', 'calls',
                to_timestamp({begins_at}), to_timestamp({ends_at}), {calls},
                0, 0)""", "test_renewer")

    def list_all(self, **details):
        """Lists all that is due; how long each of the windows was."""
        lengths = []
        while row := self.window(**details):
            assert row["now"] - MONTH < row["begins_at"] < row["ends_at"] \
                <= row["now"] - 59
            self._note(row["begins_at"], row["ends_at"])
            lengths.append(row["ends_at"] - row["begins_at"])
            assert len(lengths) < 100
        return lengths

    def pass_time(self, seconds):
        self.database.execute(f"""
            UPDATE callhook_store.listings
            SET begins_at = begins_at - interval '{seconds} s',
                ends_at = ends_at - interval '{seconds} s',
                listed_at = listed_at - interval '{seconds} s'""")

    def gap(self, begins, ends):
        self.database.execute(f"""
            INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
                change_type, reason, begins_at, ends_at)
            VALUES ('contoso', '{self.tenant}', 'communications/callrecords',
                'updated', 'outage', now() - interval '{begins} s',
                now() - interval '{ends} s')""")

    def close_gaps(self):
        [row] = self.database.query(
            f"SELECT gaps FROM callhook_store.close_listed_gaps("
            f"'{self.tenant}')", "test_renewer")
        return row["gaps"]


@pytest.fixture
def lists(database):
    return Lists(database)


@pytest.mark.parametrize("most, count", [(MONTH, 1), (DAY, 30)])
def test_at_first_all_is_listed(lists, most, count):
    lengths = lists.list_all(most=most)
    assert len(lengths) == count
    assert MONTH - 2 * HOUR < sum(lengths) < MONTH
    assert lists.next() is None


def test_the_last_day_is_listed_hourly(lists):
    lists.list_all()
    lists.pass_time(HOUR)
    midnight = lists.number(f"""
        date_bin('1 day', upper(callhook_store.listable('{lists.tenant}')),
            callhook_store.an_hour('{lists.tenant}'))
        > now() - interval '1 hour'""")
    length = 7 * DAY if midnight else DAY
    assert length - 60 <= sum(lists.list_all()) < length + 2 * HOUR


@pytest.mark.parametrize("days, least, most", [
    (1, 7, 8), (6, 7, 8), (7, 29, 30)])
def test_a_week_is_listed_daily_a_month_weekly(lists, days, least, most):
    lists.list_all()
    lists.pass_time(days * DAY)
    assert least * DAY - 60 <= sum(lists.list_all()) < most * DAY


def test_parts_count_together(lists):
    for age in range(0, MONTH, 12 * HOUR):
        lists.note(age + 13 * HOUR, age)
    assert lists.next() is None


def test_what_was_not_listed_to_now(lists):
    half = 2 * HOUR + 1800
    lists.note(MONTH, half)
    begins, ends = lists.next()
    assert begins == pytest.approx(half, abs=2) or begins > half
    assert ends == pytest.approx(60, abs=2)


def test_how_long_a_window_is(lists):
    """About 600 calls, as the newest list had them."""
    def length(**details):
        begins, ends = lists.next(**details)
        return begins - ends

    assert DAY <= length(most=0) < DAY + HOUR
    lists.note(40 * HOUR, 30 * HOUR, 6000)
    assert HOUR <= length(most=0) < 2 * HOUR
    assert 1800 <= length(most=1800) < 2 * HOUR
    lists.note(40 * HOUR, 30 * HOUR, 600000)
    assert 30 <= length(most=0) < HOUR + 30
    assert 30 <= length(most=1) < HOUR + 30
    lists.note(29 * HOUR, 28 * HOUR, 0)
    assert 8 * HOUR <= length(most=0) < 9 * HOUR


def test_a_gap_is_listed_at_once(lists):
    """With a day before it: calls that it swallowed may have begun then."""
    lists.list_all()
    lists.gap(3 * DAY, 2 * DAY)
    assert lists.close_gaps() == 0
    assert lists.list_all() == [pytest.approx(2 * DAY, abs=2)]
    assert lists.close_gaps() == 1
    assert lists.close_gaps() == 0


def test_a_gap_that_ends_now_reaches_to_now(lists):
    lists.list_all()
    lists.gap(60, 0)
    [length] = lists.list_all()
    assert length == pytest.approx(DAY, abs=2)
    assert lists.close_gaps() == 1


def test_a_gap_of_which_nothing_is_left(lists):
    lists.gap(MONTH + DAY, MONTH)
    assert lists.close_gaps() == 1


def test_a_gap_that_lasts_is_not_closed(lists):
    lists.list_all()
    lists.gap(HOUR, 0)
    lists.database.execute("UPDATE callhook_store.gaps SET ends_at = NULL")
    assert (lists.next(), lists.close_gaps()) == (None, 0)


def test_asked_for_instead_of_the_plan(lists):
    """All since then, also what was listed before it was asked for."""
    lists.list_all()
    lists.pass_time(60)
    now = lists.number("floor(extract(epoch FROM now()))::bigint")
    asked = {"asked": now - 3 * DAY, "started": now}
    [length] = lists.list_all(**asked)
    assert length == pytest.approx(3 * DAY - 60, abs=3)
    lists.pass_time(60)
    assert lists.next(**asked)[0] == pytest.approx(3 * DAY, abs=3)
    assert lists.next(asked=now - 3 * DAY) is not None


# -- what completeness says ------------------------------------------------

def test_a_day_that_is_listed_in_parts(database):
    """Since the oldest part is listed; a newer list takes its place."""
    store = Store(database)
    store.call("file_listed_calls", TENANT, [
        {"id": new_id(), "startDateTime": "2026-03-01T10:00:00Z"}])

    def list_span(begins, ends):
        store.call("note_listing", TENANT, "calls", f"2026-03-{begins}Z",
                   f"2026-03-{ends}Z", 0, 0, 0)

    def listed_since():
        [day] = store.view("completeness")
        return day["last_listed_at"]

    list_span("01T18:00", "02T03:00")
    list_span("01T00:00", "01T06:00")
    list_span("01T12:00", "01T18:00")
    assert listed_since() is None                   # 06:00 to 12:00 is not
    list_span("01T05:00", "01T13:00")
    spans = store.database.query("""
        SELECT begins_at::time || '-' || ends_at::time AS span, listed_at
        FROM callhook_store.listings ORDER BY begins_at""")
    assert [row["span"] for row in spans] == [
        "00:00:00-05:00:00", "05:00:00-13:00:00", "13:00:00-18:00:00",
        "18:00:00-03:00:00"]
    times = [row["listed_at"] for row in spans]
    assert times[3] < times[0] < times[2] < times[1]
    assert listed_since() == times[3]
    list_span("01T18:00", "02T00:00")
    assert listed_since() == times[0]
    list_span("01T00:00", "02T00:00")
    assert listed_since() > times[1]
