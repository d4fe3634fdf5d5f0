/* Whether bytes are UTF-8. */
#include "base/utf8.h"

/*
 * The length of the character at `s` that begins with a byte above 0x7f, or 0
 * if it is none. Only the second byte has bounds that depend on the first:
 * they keep out overlong forms, surrogates and what is above U+10FFFF.
 */
static size_t character_length(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

    if (s[0] < 0xc2 || s[0] > 0xf4 || left < n)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool utf8_is_sound(const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;

    while (i < length) {
        size_t n = s[i] < 0x80 ? 1 : character_length(s + i, length - i);

        if (!n)
            return false;
        i += n;
    }
    return true;
}
