/* The query string of a request. */
#include "web/query.h"

#include <string.h>

#include "base/text.h"

/* Adds the decoded form of `text`; false if an escape is broken. */
static bool decode(struct buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = length - i > 2 ? text_hex_value(text[i + 1]) : -1;
            int low = high < 0 ? -1 : text_hex_value(text[i + 2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        buffer_add(out, &c, 1);
    }
    return true;
}

static bool name_is(const char *text, size_t length, const char *name)
{
    struct buffer decoded = {0};
    bool same = decode(&decoded, text, length) &&
                decoded.length == strlen(name) &&
                memcmp(decoded.data, name, decoded.length) == 0;

    buffer_free(&decoded);
    return same;
}

enum query_result query_find(const char *query, const char *name,
                             struct buffer *value)
{
    enum query_result result = QUERY_ABSENT;

    for (const char *s = query; s && *s;) {
        size_t length = strcspn(s, "&");
        const char *equals = memchr(s, '=', length);
        size_t name_length = equals ? (size_t)(equals - s) : length;

        if (name_length && name_is(s, name_length, name)) {
            if (result != QUERY_ABSENT)
                return QUERY_TWICE;
            result = QUERY_FOUND;
            if (equals && !decode(value, equals + 1, length - name_length - 1))
                result = QUERY_BROKEN;
        }
        s += length;
        if (*s == '&')
            s++;
    }
    return result;
}
