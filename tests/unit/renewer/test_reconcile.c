/* Which spans of time are listed, and when again. */
#include "windows.h"

#include "unit.h"

#define MONTH ((int64_t)WINDOWS_DAYS * WINDOWS_DAY)
#define NOW (1795341600 + 1234) /* 2026-11-22T10:20:34Z */
#define SHIFT 500

static struct windows windows;

/* Lists all that is due at `now`; how many windows, the seconds of all. */
static int list_all(int64_t now, int64_t width, int64_t *seconds)
{
    struct listing span;
    int count = 0;

    *seconds = 0;
    while (windows_next(&windows, width, &span)) {
        assert_true(span.begins_at < span.ends_at);
        assert_true(span.ends_at <= now);
        assert_true(span.begins_at > now - MONTH);
        span.listed_at = now;
        windows_add(&windows, &span);
        *seconds += span.ends_at - span.begins_at;
        assert_true(++count <= WINDOWS_CELLS);
    }
    return count;
}

static void at_first_all_is_listed(void **state)
{
    int64_t seconds;

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    assert_int_equal(list_all(NOW, MONTH, &seconds), 1);
    assert_true(seconds > MONTH - 2 * WINDOWS_HOUR);
    windows_open(&windows, NOW, SHIFT);
    assert_int_equal(list_all(NOW, WINDOWS_DAY, &seconds), 30);
    assert_true(seconds > MONTH - 2 * WINDOWS_HOUR);
    windows_open(&windows, NOW, SHIFT);
    assert_in_range(list_all(NOW, 1, &seconds), WINDOWS_CELLS - 7,
                    WINDOWS_CELLS);
    assert_true(seconds > MONTH - 2 * WINDOWS_HOUR);
}

/* All was listed at NOW, up to then; what is due `later` seconds after? */
static int64_t due_after(int64_t later)
{
    const struct listing all = {NOW - MONTH, NOW, NOW};
    int64_t seconds;

    windows_open(&windows, NOW + later, SHIFT);
    windows_add(&windows, &all);
    list_all(NOW + later, MONTH, &seconds);
    return seconds;
}

static void the_last_day_is_listed_hourly(void **state)
{
    (void)state;
    assert_int_equal(due_after(0), 0);
    assert_int_equal(due_after(60), 0);
    int64_t seconds = due_after(WINDOWS_HOUR);
    assert_true(seconds >= WINDOWS_DAY);
    assert_true(seconds <= WINDOWS_DAY + 2 * WINDOWS_HOUR);
}

static void a_week_is_listed_daily(void **state)
{
    (void)state;
    int64_t seconds = due_after(WINDOWS_DAY);
    assert_true(seconds >= 7 * WINDOWS_DAY);
    assert_true(seconds <= 7 * WINDOWS_DAY + 2 * WINDOWS_HOUR);
}

static void a_month_is_listed_weekly(void **state)
{
    (void)state;
    assert_true(due_after(6 * WINDOWS_DAY) <= 8 * WINDOWS_DAY);
    assert_true(due_after(7 * WINDOWS_DAY) > 29 * WINDOWS_DAY);
}

static void parts_count_together(void **state)
{
    int64_t seconds;

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    for (int64_t at = NOW - MONTH; at < NOW; at += WINDOWS_HOUR) {
        const struct listing part = {at - WINDOWS_HOUR, at + WINDOWS_HOUR, NOW};

        windows_add(&windows, &part);
    }
    assert_int_equal(list_all(NOW, MONTH, &seconds), 0);
}

static void half_an_hour_does_not_count(void **state)
{
    const struct listing half = {NOW - MONTH, NOW - 2 * WINDOWS_HOUR - 1800,
                                 NOW};
    struct listing span;

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    windows_add(&windows, &half);
    assert_true(windows_next(&windows, MONTH, &span));
    assert_true(span.begins_at <= half.ends_at);
    assert_int_equal(span.ends_at, NOW);
}

static void a_gap_is_listed_at_once(void **state)
{
    const struct listing all = {NOW - MONTH, NOW, NOW - 10};
    const struct hole gap = {NOW - 3 * WINDOWS_DAY, NOW - 2 * WINDOWS_DAY,
                             NOW - 5};
    int64_t seconds;

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    windows_add(&windows, &all);
    assert_int_equal(list_all(NOW, MONTH, &seconds), 0);
    windows_want(&windows, &gap);
    assert_false(windows_has(&windows, &gap));
    assert_int_equal(list_all(NOW, MONTH, &seconds), 1);
    assert_true(seconds <= WINDOWS_DAY + 2 * WINDOWS_HOUR);
    assert_true(windows_has(&windows, &gap));
}

static void a_gap_that_ends_now_reaches_the_newest_hour(void **state)
{
    const struct listing all = {NOW - MONTH, NOW, NOW - 10};
    const struct hole gap = {NOW - 60, NOW, NOW};
    struct listing span;

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    windows_add(&windows, &all);
    windows_want(&windows, &gap);
    assert_false(windows_has(&windows, &gap));
    assert_true(windows_next(&windows, MONTH, &span));
    assert_int_equal(span.ends_at, NOW);
}

static void a_gap_that_nothing_is_left_of_is_had(void **state)
{
    const struct hole gap = {NOW - MONTH - WINDOWS_DAY, NOW - MONTH, NOW};

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    assert_true(windows_has(&windows, &gap));
}

static void without_the_plan_nothing_is_due(void **state)
{
    struct listing span;

    (void)state;
    windows_open(&windows, NOW, SHIFT);
    windows_forget_plan(&windows);
    assert_false(windows_next(&windows, MONTH, &span));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_all_is_listed),
        cmocka_unit_test(the_last_day_is_listed_hourly),
        cmocka_unit_test(a_week_is_listed_daily),
        cmocka_unit_test(a_month_is_listed_weekly),
        cmocka_unit_test(parts_count_together),
        cmocka_unit_test(half_an_hour_does_not_count),
        cmocka_unit_test(a_gap_is_listed_at_once),
        cmocka_unit_test(a_gap_that_ends_now_reaches_the_newest_hour),
        cmocka_unit_test(a_gap_that_nothing_is_left_of_is_had),
        cmocka_unit_test(without_the_plan_nothing_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
