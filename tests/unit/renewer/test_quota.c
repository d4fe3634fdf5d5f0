/* Graph's quotas: never more in a window, and nearly all of what is allowed. */
#include "graph/lanes.h"
#include "graph/quota.h"

#include "unit.h"

/* As Graph documentation has them, for a sliding window. */
static const struct quota_row {
    const char *name;
    enum quota_kind kind;
    int64_t most;
    int64_t window;
    int64_t least; /* percent, over a long time */
} quotas[] = {
    {"records of a tenant", QUOTA_RECORDS, 1500, 20000, 95},
    {"one record", QUOTA_RECORD, 40, 20000, 90},
    {"list", QUOTA_LIST, 40, 20000, 95},
    {"log of phone calls", QUOTA_PSTN, 50, 60000, 95},
};

#define RUN_MS 600000
#define TIMES_MOST 100000

static int64_t times[TIMES_MOST];

/* Requests one after the other, up to `late` after the quota lets them. */
static size_t run_for(struct quota *quota, int64_t from, int64_t until,
                      size_t count, int64_t late)
{
    for (int64_t now = from; now < until;) {
        int64_t wait = quota_wait(quota, now);

        now += wait;
        if (late && count % 7 == 0)
            now += (int64_t)count * 31 % late;
        if ((wait && !late) || now >= until)
            continue;
        assert_true(count < TIMES_MOST);
        quota_take(quota, now);
        times[count++] = now;
    }
    return count;
}

static int64_t most_in_window(size_t count, int64_t window)
{
    size_t first = 0;
    int64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        while (times[i] - times[first] >= window)
            first++;
        if ((int64_t)(i - first + 1) > most)
            most = (int64_t)(i - first + 1);
    }
    return most;
}

TEST_EACH(is_kept_and_used, quotas, row)
{
    struct quota quota;
    size_t count;

    quota_open(&quota, row->kind, true);
    count = run_for(&quota, 1000, 1000 + RUN_MS, 0, 0);
    assert_true(most_in_window(count, row->window) <= row->most);
    assert_true((int64_t)count * row->window * 100 >=
                row->most * RUN_MS * row->least);
}

TEST_EACH(is_kept_by_who_is_late, quotas, row)
{
    for (int64_t late = 1; late < 3000; late = late * 3 + 1) {
        struct quota quota;
        size_t count;

        quota_open(&quota, row->kind, true);
        count = run_for(&quota, 1000, 1000 + RUN_MS, 0, late);
        assert_true(most_in_window(count, row->window) <= row->most);
    }
}

/* The next program knows nothing of the one before it. */
TEST_EACH(is_kept_by_two_in_turn, quotas, row)
{
    struct quota quota;
    size_t count;

    if (row->kind == QUOTA_RECORD)
        return; /* a record is read by one of them */
    quota_open(&quota, row->kind, true);
    count = run_for(&quota, 0, row->window * 2, 0, 0);
    quota_open(&quota, row->kind, true);
    count = run_for(&quota, row->window * 2, row->window * 4, count, 0);
    assert_true(most_in_window(count, row->window) <= row->most);
}

TEST(a_pause_holds)
{
    struct quota quota;

    quota_open(&quota, QUOTA_RECORDS, true);
    assert_int_equal(quota_wait(&quota, 5), 0);
    quota_close(&quota, 1000);
    quota_close(&quota, 500); /* a shorter one changes nothing */
    assert_int_equal(quota_wait(&quota, 5), 995);
    assert_int_equal(quota_wait(&quota, 1000), 0);
}

TEST(it_rests_until_all_is_forgotten)
{
    struct quota quota;

    quota_open(&quota, QUOTA_RECORD, true);
    assert_int_equal(quota_rest(&quota, 0), 0);
    for (int64_t now = 0; now < 100 * QUOTA_MOST; now += 100)
        quota_take(&quota, now);
    int64_t last = 100 * (QUOTA_MOST - 1);
    assert_int_equal(quota_rest(&quota, last), quota.window);
    assert_int_equal(quota_rest(&quota, last + quota.window), 0);
}

TEST(a_lane_has_so_many_places)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        size_t places = 0;

        while (lanes_take(lane))
            places++;
        assert_true(places > 0);
        assert_true(places * lanes_limit(lane) <= 16 << 20);
        for (; places; places--)
            lanes_give(lane);
        assert_true(lanes_take(lane));
        lanes_give(lane);
    }
}

TEST(without_one_only_graphs_own_word_holds)
{
    struct quota quota;

    quota_open(&quota, QUOTA_LIST, false);
    quota_take(&quota, 1);
    assert_int_equal(quota_wait(&quota, 1), 0);
    quota_close(&quota, 10);
    assert_true(quota_wait(&quota, 1) >= 9);
}
