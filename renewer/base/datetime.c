/* Graph's times. */
#include "base/datetime.h"

#include <ctype.h>

/* strptime knows no month of less than 31 days. */
static bool is_day(const struct tm *tm)
{
    struct tm day = {
        .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday};

    timegm(&day);
    return day.tm_mday == tm->tm_mday;
}

/* Reads "hh:mm:ss.fraction", of which OData lets the seconds be absent. Returns
 * what stands behind it; NULL: it is none. */
static const char *read_time(const char *text, struct tm *tm)
{
    const char *rest = strptime(text, "%H:%M", tm);

    if (!rest || *rest != ':')
        return rest;
    rest = strptime(rest + 1, "%S", tm);
    if (rest && *rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    return rest;
}

/* Reads "Z" or "+hh:mm" and what must be the end of the text. */
static bool read_offset(const char *text, int64_t *offset)
{
    static const char form[] = "dd:dd";
    struct tm tm = {0};

    *offset = 0;
    if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0')
        return true;
    if (*text != '+' && *text != '-')
        return false;
    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[1 + i])
                           : text[1 + i] != form[i])
            return false;
    /* It stops before the 0 of 60. */
    if (strptime(text + 1, "%H:%M", &tm) != text + sizeof(form) ||
        tm.tm_hour > 15)
        return false;
    *offset = (tm.tm_hour * 60 + tm.tm_min) * 60 * (*text == '-' ? -1 : 1);
    return true;
}

bool datetime_read(const char *text, int64_t *seconds)
{
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%d", &tm) : NULL;
    int64_t offset;

    if (!rest || (*rest != 'T' && *rest != 't') || !is_day(&tm))
        return false;
    rest = read_time(rest + 1, &tm);
    if (!rest || !read_offset(rest, &offset))
        return false;
    *seconds = timegm(&tm) - offset;
    return true;
}

void datetime_write(char text[DATETIME_SIZE], int64_t seconds)
{
    struct tm tm;
    time_t t = (time_t)seconds;

    gmtime_r(&t, &tm);
    strftime(text, DATETIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
