/* Graph's times, read and written. */
#include "base/datetime.h"

#include "unit.h"

#define TEN 1795341600 /* 2026-11-22T10:00:00Z */

static const struct good {
    const char *name; /* what is read */
    int64_t seconds;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-22T10:00:00Z", TEN},
    {"2026-11-22T10:00:00.1234567Z", TEN},
    {"2026-11-22T10:00:00.9999999Z", TEN},
    {"2026-11-22T10:00:00.Z", TEN},
    {"2026-11-22T10:00Z", TEN},
    {"2026-11-22t10:00:00z", TEN},
    {"2026-11-22T11:30+01:30", TEN},
    {"2026-11-22T10:00:00+00:00", TEN},
    {"2026-11-22T10:00:00.000+00:00", TEN},
    {"2026-11-22T11:30:00+01:30", TEN},
    {"2026-11-22T02:00:00-08:00", TEN},
    {"2024-02-29T00:00:00Z", 1709164800},
    {"2038-01-19T03:14:08Z", 2147483648},
    {"9999-12-31T23:59:59Z", 253402300799},
};

TEST_EACH(is_read, good, row)
{
    int64_t seconds = -1;

    assert_true(datetime_read(row->name, &seconds));
    assert_int_equal(seconds, row->seconds);
}

static const struct bad {
    const char *name;
} bad[] = {
    {""},
    {"x"},
    {"2026-11-22"},
    {"2026-11-22 10:00:00Z"},
    {"2026-11-22T10:00:00"},
    {"2026-11-22T10:00:00.123"},
    {"2026-11-22T10:00"},
    {"2026-11-22T10:00.5Z"},
    {"2026-11-22T10Z"},
    {"2026-11-22T10:00:Z"},
    {"2026-02-29T10:00:00Z"},
    {"2026-04-31T10:00:00Z"},
    {"2026-11-22T10:00:00Zx"},
    {"2026-11-22T10:00:00 Z"},
    {"2026-13-22T10:00:00Z"},
    {"2026-11-32T10:00:00Z"},
    {"2026-11-22T25:00:00Z"},
    {"2026-11-22T10:61:00Z"},
    {"2026-11-22T10:00:00+1:00"},
    {"2026-11-22T10:00:00+01"},
    {"2026-11-22T10:00:00+0100"},
    {"2026-11-22T10:00:00+16:00"},
    {"2026-11-22T10:00:00+01:60"},
    {"2026-11-22T10:00:00+01:000"},
    {"2026-11-22T10:00:00+ 1:00"},
    {"2026-11-22T10:00:00+-1:00"},
    {"2026-11-22T10:00:00+01:-1"},
};

TEST_EACH(is_refused, bad, row)
{
    int64_t seconds;

    assert_false(datetime_read(row->name, &seconds));
}

TEST(nothing_is_no_time)
{
    int64_t seconds;

    assert_false(datetime_read(NULL, &seconds));
}

TEST(is_written_as_it_is_read)
{
    char text[DATETIME_SIZE];
    int64_t seconds;

    datetime_write(text, TEN);
    assert_string_equal(text, "2026-11-22T10:00:00Z");
    assert_true(datetime_read(text, &seconds));
    assert_int_equal(seconds, TEN);
    datetime_write(text, 0);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}
