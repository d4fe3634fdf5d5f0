/* Reading small JSON answers of a trusted peer. */
#include "base/json.h"

#include <yajl/yajl_parse.h>

#include "base/memory.h"
#include "base/utf8.h"

#define DEPTH_MAX 64
#define DIGITS_MAX 18 /* any such number fits into 64 bits */

/*
 * What is behind the string that begins at `s`, or NULL if it has no end or
 * holds U+0000, at which yajl's tree would cut it.
 */
static const char *skip_string(const char *s)
{
    for (s++; *s != '"'; s++) {
        if (*s == '\\' && strncmp(s, "\\u0000", 6) == 0)
            return NULL;
        if (*s == '\\')
            s++;
        if (!*s)
            return NULL;
    }
    return s + 1;
}

/*
 * What yajl's tree would take, but must not: it frees by recursion, so depth
 * has to end somewhere, and it takes comments.
 */
static bool fits_yajl(const char *s)
{
    size_t depth = 0;

    while (*s) {
        if (*s == '"') {
            s = skip_string(s);
            if (!s)
                return false;
            continue;
        }
        if (*s == '/')
            return false;
        if ((*s == '{' || *s == '[') && ++depth > DEPTH_MAX)
            return false;
        if ((*s == '}' || *s == ']') && depth)
            depth--;
        s++;
    }
    return true;
}

yajl_val json_parse(const char *text, size_t length)
{
    yajl_val tree = NULL;

    if (!length || memchr(text, '\0', length) || !utf8_is_sound(text, length))
        return NULL;
    char *copy = memory_copy_bytes(text, length);
    if (fits_yajl(copy))
        tree = yajl_tree_parse(copy, NULL, 0);
    memory_wipe(copy); /* it may hold an access token */
    return tree;
}

bool json_is_sound(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    bool sound = parser && utf8_is_sound(text, length) &&
                 yajl_parse(parser, bytes, length) == yajl_status_ok &&
                 yajl_complete_parse(parser) == yajl_status_ok;

    if (parser)
        yajl_free(parser);
    return sound;
}

yajl_val json_member(yajl_val object, const char *name)
{
    if (!YAJL_IS_OBJECT(object))
        return NULL;
    for (size_t i = 0; i < object->u.object.len; i++)
        if (strcmp(object->u.object.keys[i], name) == 0)
            return object->u.object.values[i];
    return NULL;
}

const char *json_text(yajl_val object, const char *name)
{
    const char *text = YAJL_GET_STRING(json_member(object, name));

    return text && utf8_is_sound(text, strlen(text)) ? text : NULL;
}

static bool read_digits(const char *text, int64_t *number)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn(digits, "0123456789");

    if (!n || n > DIGITS_MAX || digits[n])
        return false;
    *number = strtoll(text, NULL, 10);
    return true;
}

bool json_number(yajl_val object, const char *name, int64_t *number)
{
    yajl_val member = json_member(object, name);

    if (YAJL_IS_STRING(member))
        return read_digits(YAJL_GET_STRING(member), number);
    if (!YAJL_IS_INTEGER(member))
        return false;
    *number = YAJL_GET_INTEGER(member);
    return true;
}

void json_free_secret(yajl_val tree, const char *name)
{
    char *text = YAJL_GET_STRING(json_member(tree, name));

    if (text)
        explicit_bzero(text, strlen(text));
    yajl_tree_free(tree);
}
