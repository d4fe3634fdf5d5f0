/* What may stand in a text. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define NUMERIC_DIGITS_BEFORE 131072
#define NUMERIC_DIGITS_AFTER 16383
#define EXPONENT_LIMIT 1000000

const int8_t text_hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
    ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/*
 * The length of the character at `s` that begins with a byte above 0x7f, or
 * 0 if it is none. Table 3-7 of the Unicode Standard: only the second byte
 * has bounds that depend on the first.
 */
static size_t character_length(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (left < n || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool text_is_utf8(const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;

    while (i < length) {
        uint64_t eight;

        if (length - i >= sizeof(eight)) {
            memcpy(&eight, s + i, sizeof(eight));
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof(eight);
                continue;
            }
        }
        if (s[i] < 0x80) {
            i++;
            continue;
        }
        size_t n = character_length(s + i, length - i);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

static unsigned hex4(const char *s)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)text_hex_value(s[i]);
    return value;
}

bool text_escapes_are_sound(const char *json, size_t length)
{
    const char *end = json + length;
    const char *s = json;

    while (s < end && (s = memchr(s, '\\', (size_t)(end - s)))) {
        if (end - s < 6 || s[1] != 'u') {
            s += 2;
            continue;
        }
        unsigned unit = hex4(s + 2);
        s += 6;
        if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
            return false;
        if (unit < 0xd800 || unit > 0xdbff)
            continue;
        if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
            return false;
        unit = hex4(s + 2);
        if (unit < 0xdc00 || unit > 0xdfff)
            return false;
        s += 6;
    }
    return true;
}

/* An exponent, kept within bounds that no number of ours comes near. */
static long exponent_value(const char *s, const char *end)
{
    bool negative = s < end && *s == '-';
    long value = 0;

    if (s < end && (*s == '-' || *s == '+'))
        s++;
    for (; s < end && value < EXPONENT_LIMIT; s++)
        value = value * 10 + (*s - '0');
    return negative ? -value : value;
}

bool text_number_fits(const char *number, size_t length)
{
    const char *end = number + length;
    const char *s = number;
    long before = 0, after = 0, exponent = 0;

    if (length < 300 && !memchr(number, 'e', length) &&
        !memchr(number, 'E', length))
        return true;
    if (s < end && *s == '-')
        s++;
    for (; s < end && *s >= '0' && *s <= '9'; s++)
        before++;
    if (s < end && *s == '.')
        for (s++; s < end && *s >= '0' && *s <= '9'; s++)
            after++;
    if (s < end)
        exponent = exponent_value(s + 1, end);
    return before + exponent <= NUMERIC_DIGITS_BEFORE &&
           after - exponent <= NUMERIC_DIGITS_AFTER;
}
