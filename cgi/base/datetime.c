/* Dates as Graph writes them. */
#include "base/datetime.h"

#include "base/clock.h"

#define SECONDS_A_DAY 86400
#define YEAR_1 (INT64_C(-62135596800) - CLOCK_EPOCH_SHIFT)
#define YEAR_10000 (INT64_C(253402300800) - CLOCK_EPOCH_SHIFT)

struct cursor {
    const char *at;
    const char *end;
};

/* Reads exactly `digits` decimal digits; -1 if they are not there. */
static int number(struct cursor *c, int digits)
{
    int value = 0;

    for (; digits > 0; digits--, c->at++) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9')
            return -1;
        value = value * 10 + (*c->at - '0');
    }
    return value;
}

static bool literal(struct cursor *c, char want)
{
    if (c->at == c->end || *c->at != want)
        return false;
    c->at++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days from 2000-01-01 to a day of the Gregorian calendar. */
static int64_t days_since_2000(int year, int month, int day)
{
    /* Years that begin in March, so that a leap day ends its year. */
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
           730425;
}

static bool read_date(struct cursor *c, int64_t *seconds)
{
    int year = number(c, 4);
    int month = literal(c, '-') ? number(c, 2) : -1;
    int day = literal(c, '-') ? number(c, 2) : -1;

    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return false;
    *seconds = days_since_2000(year, month, day) * SECONDS_A_DAY;
    return true;
}

/*
 * Microseconds of a fraction; `us` stays if there is none. PostgreSQL rounds
 * the double nearest to the text, halves to even: the same here, so that a
 * value read by either is the same. 15 digits are what a double holds.
 */
static bool read_fraction(struct cursor *c, int64_t *us)
{
    double value = 0, scale = 1;
    int digits = 0;

    if (!literal(c, '.'))
        return true;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (digits++ >= 15)
            continue;
        value = value * 10 + (*c->at - '0');
        scale *= 10;
    }
    value = value / scale * 1000000;
    *us = (int64_t)value;
    double rest = value - (double)*us;
    if (rest > 0.5 || (rest == 0.5 && (*us & 1)))
        *us += 1;
    return digits > 0;
}

/*
 * Seconds may be absent, as OData allows, and a fraction with them. A second of
 * 60 is a leap second: PostgreSQL counts it as the next one.
 */
static bool read_time(struct cursor *c, int64_t *seconds, int64_t *us)
{
    int hour = number(c, 2);
    int minute = literal(c, ':') ? number(c, 2) : -1;
    bool has_second = literal(c, ':');
    int second = has_second ? number(c, 2) : 0;

    *us = 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return false;
    *seconds += hour * 3600 + minute * 60 + second;
    return !has_second || read_fraction(c, us);
}

static bool read_offset(struct cursor *c, int64_t *seconds)
{
    if (literal(c, 'Z') || literal(c, 'z'))
        return true;
    int sign = literal(c, '+') ? 1 : literal(c, '-') ? -1 : 0;
    int hours = sign ? number(c, 2) : -1;
    int minutes = literal(c, ':') ? number(c, 2) : -1;

    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59)
        return false;
    *seconds -= sign * (hours * 3600 + minutes * 60);
    return true;
}

bool datetime_read(int64_t *us, const char *text, size_t length)
{
    struct cursor c = {text, text + length};
    int64_t seconds, fraction;

    if (!read_date(&c, &seconds) || !(literal(&c, 'T') || literal(&c, 't')) ||
        !read_time(&c, &seconds, &fraction) || !read_offset(&c, &seconds) ||
        c.at != c.end)
        return false;
    if (seconds < YEAR_1 || seconds >= YEAR_10000)
        return false;
    /* .NET's largest date must not be rounded into the year 10000. */
    if (seconds == YEAR_10000 - 1 && fraction > 999999)
        fraction = 999999;
    *us = seconds * 1000000 + fraction;
    return true;
}
