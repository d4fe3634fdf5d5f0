/* The query string and Graph's handshake in it. */
#include "unit.h"

#include "web/handshake.h"
#include "web/query.h"

#define TOKEN "validationToken="

static const struct find_case {
    const char *name;
    const char *query;
    enum query_result result;
    const char *value; /* if it is found */
} find_cases[] = {
    {"no query", NULL, QUERY_ABSENT, NULL},
    {"empty", "", QUERY_ABSENT, NULL},
    {"only separators", "&&&", QUERY_ABSENT, NULL},
    {"alone", TOKEN "abc", QUERY_FOUND, "abc"},
    {"last", "a=1&b=2&" TOKEN "abc", QUERY_FOUND, "abc"},
    {"first", TOKEN "abc&a=1", QUERY_FOUND, "abc"},
    {"in the middle", "a=1&" TOKEN "abc&b=2", QUERY_FOUND, "abc"},
    {"between empty parameters", "&&" TOKEN "abc&&", QUERY_FOUND, "abc"},
    {"empty value", TOKEN, QUERY_FOUND, ""},
    {"no equals sign", "validationToken", QUERY_FOUND, ""},
    {"no equals sign, others follow", "validationToken&a=1", QUERY_FOUND, ""},
    {"equals sign in the value", TOKEN "a=b=", QUERY_FOUND, "a=b="},
    {"semicolon in the value", TOKEN "a;b", QUERY_FOUND, "a;b"},
    {"question mark in the value", TOKEN "a?b", QUERY_FOUND, "a?b"},
    {"plus is a space", TOKEN "a+b++", QUERY_FOUND, "a b  "},
    {"an escaped plus is a plus", TOKEN "a%2Bb", QUERY_FOUND, "a+b"},
    {"hexadecimal in lower case", TOKEN "%c3%a9%2f", QUERY_FOUND, "\u00e9/"},
    {"hexadecimal in upper case", TOKEN "%C3%A9%2F", QUERY_FOUND, "\u00e9/"},
    {"hexadecimal in both cases", TOKEN "%c3%A9%2f%2F", QUERY_FOUND,
     "\u00e9//"},
    {"escapes are decoded once", TOKEN "%2541", QUERY_FOUND, "%41"},
    {"escaped separators are data", TOKEN "a%26b%3Dc", QUERY_FOUND, "a&b=c"},
    {"escapes in the name", "%76alidation%54oken=abc", QUERY_FOUND, "abc"},
    {"a longer name", TOKEN "abc&validationToken2=x", QUERY_FOUND, "abc"},
    {"a name that ends so", "xvalidationToken=abc", QUERY_ABSENT, NULL},
    {"a name that begins so", "validationTokens=abc", QUERY_ABSENT, NULL},
    {"a name in another case", "validationtoken=abc", QUERY_ABSENT, NULL},
    {"the name as a value", "a=validationToken", QUERY_ABSENT, NULL},
    {"the name within a value", "a=b=validationToken=c", QUERY_ABSENT, NULL},
    {"the name after an escaped &", "a=1%26" TOKEN "b", QUERY_ABSENT, NULL},
    {"a broken escape elsewhere", "a=%zz&%zz=1&" TOKEN "abc", QUERY_FOUND,
     "abc"},
    {"twice", TOKEN "abc&" TOKEN "abc", QUERY_TWICE, NULL},
    {"twice, empty first", TOKEN "&" TOKEN "abc", QUERY_TWICE, NULL},
    {"twice, with others", "a=1&" TOKEN "a&b=2&" TOKEN "b&c=3", QUERY_TWICE,
     NULL},
    {"twice, once escaped", TOKEN "abc&%76alidationToken=abc", QUERY_TWICE,
     NULL},
    {"escape without digits", TOKEN "a%", QUERY_BROKEN, NULL},
    {"escape with one digit", TOKEN "a%4", QUERY_BROKEN, NULL},
    {"escape that is cut by &", TOKEN "a%4&1=b", QUERY_BROKEN, NULL},
    {"first digit is none", TOKEN "%g1", QUERY_BROKEN, NULL},
    {"second digit is none", TOKEN "%1g", QUERY_BROKEN, NULL},
    {"digits with a sign", TOKEN "%+1", QUERY_BROKEN, NULL},
    {"percent twice", TOKEN "%%41", QUERY_BROKEN, NULL},
    {"broken after good ones", TOKEN "%41%42%4", QUERY_BROKEN, NULL},
};

TEST_EACH(find, find_cases, c)
{
    struct buffer value = {0};

    assert_int_equal(query_find(c->query, "validationToken", &value),
                     c->result);
    if (c->value) {
        assert_int_equal(value.length, strlen(c->value));
        if (value.length)
            assert_memory_equal(value.data, c->value, value.length);
    }
    buffer_free(&value);
}

static const struct handshake_case {
    const char *name;
    const char *query;
    enum handshake result;
    const char *token; /* if it is sound */
} handshake_cases[] = {
    {"no query", NULL, HANDSHAKE_NONE, NULL},
    {"another parameter", "a=1", HANDSHAKE_NONE, NULL},
    {"as Graph sends it",
     "validationToken=Validation%3a+Testing+client+application+reachability"
     "+for+subscription+Request-Id%3a+5731e5c5-3a40-4a2d-9f4b-3a6f6d0e6a52",
     HANDSHAKE_SOUND,
     "Validation: Testing client application reachability for subscription "
     "Request-Id: 5731e5c5-3a40-4a2d-9f4b-3a6f6d0e6a52"},
    {"a space", TOKEN "+", HANDSHAKE_SOUND, " "},
    {"quotes and ampersands", TOKEN "%22'%26", HANDSHAKE_SOUND, "\"'&"},
    {"text of two bytes", TOKEN "%c3%a9", HANDSHAKE_SOUND, "\u00e9"},
    {"text of three bytes", TOKEN "%e2%82%ac", HANDSHAKE_SOUND, "\u20ac"},
    {"text of four bytes", TOKEN "%f0%9f%98%80", HANDSHAKE_SOUND, "\U0001f600"},
    {"bytes that are not escaped", TOKEN "\xc3\xa9", HANDSHAKE_SOUND, "\u00e9"},
    {"after the C1 controls", TOKEN "%c2%a0", HANDSHAKE_SOUND, "\u00a0"},
    {"the byte 80 elsewhere", TOKEN "%c3%80", HANDSHAKE_SOUND, "\u00c0"},
    {"before DEL", TOKEN "~", HANDSHAKE_SOUND, "~"},
    {"empty", TOKEN, HANDSHAKE_REFUSED, NULL},
    {"no value", "validationToken", HANDSHAKE_REFUSED, NULL},
    {"twice", TOKEN "a&" TOKEN "a", HANDSHAKE_REFUSED, NULL},
    {"broken escape", TOKEN "%4", HANDSHAKE_REFUSED, NULL},
    {"NUL", TOKEN "a%00b", HANDSHAKE_REFUSED, NULL},
    {"line feed", TOKEN "a%0ab", HANDSHAKE_REFUSED, NULL},
    {"carriage return", TOKEN "a%0Db", HANDSHAKE_REFUSED, NULL},
    {"DEL", TOKEN "a%7fb", HANDSHAKE_REFUSED, NULL},
    {"the first of C1", TOKEN "%c2%80", HANDSHAKE_REFUSED, NULL},
    {"next line", TOKEN "%c2%85", HANDSHAKE_REFUSED, NULL},
    {"the last of C1", TOKEN "%c2%9f", HANDSHAKE_REFUSED, NULL},
    {"opens a tag", TOKEN "%3cscript", HANDSHAKE_REFUSED, NULL},
    {"opens a tag, not escaped", TOKEN "<script", HANDSHAKE_REFUSED, NULL},
    {"closes a tag", TOKEN "a%3E", HANDSHAKE_REFUSED, NULL},
    {"UTF-8 that is cut", TOKEN "a%c3", HANDSHAKE_REFUSED, NULL},
    {"C1 that is cut", TOKEN "a%c2", HANDSHAKE_REFUSED, NULL},
    {"overlong", TOKEN "%c0%bc", HANDSHAKE_REFUSED, NULL},
    {"a surrogate", TOKEN "%ed%a0%80", HANDSHAKE_REFUSED, NULL},
    {"Latin-1", TOKEN "%e9", HANDSHAKE_REFUSED, NULL},
};

TEST_EACH(shake, handshake_cases, c)
{
    struct buffer token = {0};
    const char *why = NULL;

    assert_int_equal(handshake_read(c->query, &token, &why), c->result);
    if (c->result == HANDSHAKE_SOUND) {
        assert_int_equal(token.length, strlen(c->token));
        assert_memory_equal(token.data, c->token, token.length);
    }
    assert_int_equal(why != NULL, c->result == HANDSHAKE_REFUSED);
    buffer_free(&token);
}

static enum handshake shake_bytes(const char *bytes, size_t count,
                                  size_t *length)
{
    struct buffer query = {0}, token = {0};
    const char *why;
    enum handshake result;

    buffer_add(&query, TOKEN, strlen(TOKEN));
    for (size_t i = 0; i < count; i++)
        buffer_add(&query, bytes, strlen(bytes));
    buffer_add(&query, "", 1);
    result = handshake_read(query.data, &token, &why);
    *length = token.length;
    buffer_free(&query);
    buffer_free(&token);
    return result;
}

TEST(the_limit_is_of_decoded_bytes)
{
    static const char *const forms[] = {"a", "%61"};
    size_t length;

    for (size_t i = 0; i < COUNT(forms); i++) {
        assert_int_equal(shake_bytes(forms[i], 2048, &length), HANDSHAKE_SOUND);
        assert_int_equal(length, 2048);
        assert_int_equal(shake_bytes(forms[i], 2049, &length),
                         HANDSHAKE_REFUSED);
    }
    assert_int_equal(shake_bytes("%c3%a9", 1024, &length), HANDSHAKE_SOUND);
    assert_int_equal(shake_bytes("%c3%a9", 1025, &length), HANDSHAKE_REFUSED);
}

TEST(no_ascii_control_and_no_tag_is_sent_back)
{
    for (int c = 0; c < 0x80; c++) {
        bool unsafe = c < 0x20 || c == 0x7f || c == '<' || c == '>';
        char escape[4];
        size_t length;

        snprintf(escape, sizeof(escape), "%%%02x", (unsigned)c);
        assert_int_equal(shake_bytes(escape, 1, &length),
                         unsafe ? HANDSHAKE_REFUSED : HANDSHAKE_SOUND);
    }
}
