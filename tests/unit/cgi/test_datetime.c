/* Dates as Graph writes them. */
#include "unit.h"

#include <stdlib.h>

#include "base/datetime.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

/* Values as PostgreSQL 15 gives them for the same text. */
static const struct sound_case {
    const char *name; /* the text */
    int64_t us;
} sound_cases[] = {
    {"2000-01-01T00:00:00Z", 0},
    {"2000-01-01t00:00:00z", 0},
    {"2000-01-01T00:00:00+00:00", 0},
    {"2000-01-01T00:00:00-00:00", 0},
    {"2000-01-01T00:00:01Z", SECOND},
    {"2000-01-01T00:01:00Z", 60 * SECOND},
    {"2000-01-01T01:00:00Z", 3600 * SECOND},
    /* OData lets the seconds be absent */
    {"2000-01-01T01:00Z", 3600 * SECOND},
    {"2000-01-01t01:00+01:00", 0},
    {"1999-12-31T23:59:59Z", -SECOND},
    {"1970-01-01T00:00:00Z", INT64_C(-946684800) * SECOND},
    {"2021-11-13T21:44:18.9037958-08:00", INT64_C(690183858903796)},
    {"2019-09-18T00:52:45.9696658+00:00", INT64_C(622083165969666)},
    {"2023-02-28T00:00:00.000+00:00", INT64_C(730857600000000)},
    /* the calendar */
    {"2000-02-29T00:00:00Z", 59 * DAY},
    {"2000-03-01T00:00:00Z", 60 * DAY},
    {"2000-12-31T00:00:00Z", 365 * DAY},
    {"2001-01-01T00:00:00Z", 366 * DAY},
    {"2024-02-29T00:00:00Z", 8825 * DAY},
    {"2100-03-01T00:00:00Z", 36584 * DAY},
    {"1900-03-01T00:00:00Z", -36465 * DAY},
    {"1600-02-29T00:00:00Z", -146038 * DAY},
    /* offsets */
    {"2000-01-01T01:00:00+01:00", 0},
    {"1999-12-31T23:00:00-01:00", 0},
    {"2000-01-01T05:45:00+05:45", 0},
    {"1999-12-31T20:30:00-03:30", 0},
    {"2000-01-01T15:59:00+15:59", 0},
    {"1999-12-31T08:01:00-15:59", 0},
    /* fractions */
    {"2000-01-01T00:00:00.5Z", 500000},
    {"2000-01-01T00:00:00.000001Z", 1},
    {"2000-01-01T00:00:00.123456Z", 123456},
    {"2000-01-01T00:00:00.1234564Z", 123456},
    {"2000-01-01T00:00:00.1234567Z", 123457},
    {"2000-01-01T00:00:00.0000004Z", 0},
    {"2000-01-01T00:00:00.0000006Z", 1},
    {"2000-01-01T00:00:00.0000005Z", 0},
    {"2000-01-01T00:00:00.0000015Z", 2},
    {"2000-01-01T00:00:00.0000025Z", 2},
    {"2000-01-01T00:00:00.9999999Z", SECOND},
    {"1999-12-31T23:59:59.9999999Z", 0},
    {"2000-01-01T00:00:00.12345600000000000000000000000000000000001Z", 123456},
    {"2000-01-01T00:00:00.99999999999999999999999999999999999999999Z", SECOND},
    /* a leap second is the next second */
    {"2016-12-31T23:59:60Z", INT64_C(536544000) * SECOND},
    /* the ends: .NET's smallest and largest dates among them */
    {"0001-01-01T00:00:00Z", INT64_C(-63082281600) * SECOND},
    {"9999-12-31T23:59:59Z", INT64_C(252455615999) * SECOND},
    {"9999-12-31T23:59:59.9999999Z", INT64_C(252455615999999999)},
    {"9999-12-31T23:59:59.9999999+00:00", INT64_C(252455615999999999)},
};

TEST_EACH(sound, sound_cases, c)
{
    int64_t us = -1;

    assert_true(datetime_read(&us, c->name, strlen(c->name)));
    assert_int_equal(us, c->us);
}

static const struct faulty_case {
    const char *name; /* the text */
} faulty_cases[] = {
    {""},
    {"soon"},
    {"2000-01-01"},
    {"2000-01-01T00:00:00"},
    {"2000-01-01T00:00"},
    {"2000-01-01T00:00.5Z"},
    {"2000-01-01T00::00Z"},
    {"2000-01-01T00Z"},
    {"2000-01-01 00:00:00Z"},
    {"2000-01-01T00:00:00 Z"},
    {" 2000-01-01T00:00:00Z"},
    {"2000-01-01T00:00:00Z "},
    {"2000-01-01T00:00:00ZZ"},
    {"2000-01-01T00:00:00Z+00:00"},
    {"20000101T000000Z"},
    {"00-01-01T00:00:00Z"},
    {"02000-01-01T00:00:00Z"},
    {"+2000-01-01T00:00:00Z"},
    {"-2000-01-01T00:00:00Z"},
    {"20 0-01-01T00:00:00Z"},
    {"2000-1-01T00:00:00Z"},
    {"2000-01-1T00:00:00Z"},
    {"2000/01/01T00:00:00Z"},
    {"2000-01-01T0:00:00Z"},
    {"2000-01-01T00.00.00Z"},
    /* no such day */
    {"2000-00-01T00:00:00Z"},
    {"2000-13-01T00:00:00Z"},
    {"2000-01-00T00:00:00Z"},
    {"2000-01-32T00:00:00Z"},
    {"2000-04-31T00:00:00Z"},
    {"2000-02-30T00:00:00Z"},
    {"2001-02-29T00:00:00Z"},
    {"1900-02-29T00:00:00Z"},
    {"2100-02-29T00:00:00Z"},
    /* no such time */
    {"2000-01-01T24:00:00Z"},
    {"2000-01-01T00:60:00Z"},
    {"2000-01-01T00:00:61Z"},
    /* fractions */
    {"2000-01-01T00:00:00.Z"},
    {"2000-01-01T00:00:00,5Z"},
    {"2000-01-01T00:00:00.5.5Z"},
    {"2000-01-01T00:00:00.-5Z"},
    {"2000-01-01T00:00:00.1e3Z"},
    /* offsets */
    {"2000-01-01T00:00:00+16:00"},
    {"2000-01-01T00:00:00-16:00"},
    {"2000-01-01T00:00:00+99:00"},
    {"2000-01-01T00:00:00+01:60"},
    {"2000-01-01T00:00:00+0100"},
    {"2000-01-01T00:00:00+01"},
    {"2000-01-01T00:00:00+1:00"},
    {"2000-01-01T00:00:00+01:0"},
    {"2000-01-01T00:00:00+-1:00"},
    {"2000-01-01T00:00:00UTC"},
    /* outside of the years 1 to 9999 */
    {"0000-12-31T23:59:59Z"},
    {"0001-01-01T00:00:00+00:01"},
    {"10000-01-01T00:00:00Z"},
    {"9999-12-31T23:59:59-00:01"},
    {"9999-12-31T23:59:60Z"},
};

TEST_EACH(faulty, faulty_cases, c)
{
    int64_t us;

    assert_false(datetime_read(&us, c->name, strlen(c->name)));
}

TEST(a_date_that_is_cut_is_none)
{
    static const char text[] = "2021-11-13T21:44:18.9037958-08:00";

    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        char *copy = malloc(length + 1); /* its end is watched by ASan */
        int64_t us;

        assert_non_null(copy);
        memcpy(copy + 1, text, length);
        assert_false(datetime_read(&us, copy + 1, length));
        free(copy);
    }
}

TEST(a_date_that_goes_on_is_none)
{
    static const char text[] = "2000-01-01T00:00:00Z\0";
    int64_t us;

    assert_true(datetime_read(&us, text, sizeof(text) - 2));
    assert_false(datetime_read(&us, text, sizeof(text) - 1));
}

/* Every day of the calendar, against counting. */
TEST(days_follow_each_other)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int64_t expected = INT64_C(-63082281600) * SECOND, us;
    char text[64];

    for (int year = 1; year <= 9999; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        for (int month = 1; month <= 12; month++) {
            int days = lengths[month - 1] + (month == 2 && leap);

            snprintf(text, sizeof(text), "%04d-%02d-01T00:00:00Z", year, month);
            assert_true(datetime_read(&us, text, strlen(text)));
            assert_int_equal(us, expected);
            snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year,
                     month, days);
            assert_true(datetime_read(&us, text, strlen(text)));
            assert_int_equal(us, expected + (days - 1) * DAY);
            snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year,
                     month, days + 1);
            assert_false(datetime_read(&us, text, strlen(text)));
            expected += days * DAY;
        }
    }
}
