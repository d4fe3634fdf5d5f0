/* UTF-8, JSON's escapes, numbers. */
#include "unit.h"

#include <stdlib.h>

#include "base/text.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct utf8_case {
    const char *name;
    const char *text;
    size_t length;
    bool sound;
} utf8_cases[] = {
    {"empty", BYTES(""), true},
    {"ASCII", BYTES("callhook"), true},
    {"NUL", BYTES("a\0b"), true},
    {"all lengths", BYTES("a\u00e9\u20ac\U0001f600"), true},
    {"U+007F and U+0080", BYTES("\x7f\xc2\x80"), true},
    {"U+07FF and U+0800", BYTES("\xdf\xbf\xe0\xa0\x80"), true},
    {"U+D7FF and U+E000", BYTES("\xed\x9f\xbf\xee\x80\x80"), true},
    {"U+FFFF and U+10000", BYTES("\xef\xbf\xbf\xf0\x90\x80\x80"), true},
    {"U+10FFFF", BYTES("\xf4\x8f\xbf\xbf"), true},
    {"byte order mark", BYTES("\xef\xbb\xbf"), true},
    {"long ASCII", BYTES("0123456789abcdef0123456789abcdef0"), true},
    {"continuation alone", BYTES("\x80"), false},
    {"last continuation alone", BYTES("\xbf"), false},
    {"one continuation too many", BYTES("\xc3\xa9\xa9"), false},
    {"cut, of two", BYTES("\xc3"), false},
    {"cut, of three", BYTES("\xe2\x82"), false},
    {"cut, of four", BYTES("\xf0\x9f\x98"), false},
    {"cut by ASCII", BYTES("\xe2\x82z"), false},
    {"cut by another", BYTES("\xf0\x9f\xf0\x9f\x98\x80"), false},
    {"overlong NUL", BYTES("\xc0\x80"), false},
    {"overlong slash", BYTES("\xc0\xaf"), false},
    {"overlong, C1", BYTES("\xc1\xbf"), false},
    {"overlong of three", BYTES("\xe0\x9f\xbf"), false},
    {"overlong of four", BYTES("\xf0\x8f\xbf\xbf"), false},
    {"first surrogate", BYTES("\xed\xa0\x80"), false},
    {"last surrogate", BYTES("\xed\xbf\xbf"), false},
    {"surrogate pair", BYTES("\xed\xa0\xbd\xed\xb8\x80"), false},
    {"U+110000", BYTES("\xf4\x90\x80\x80"), false},
    {"F5", BYTES("\xf5\x80\x80\x80"), false},
    {"F7", BYTES("\xf7\xbf\xbf\xbf"), false},
    {"five bytes", BYTES("\xf8\x88\x80\x80\x80"), false},
    {"six bytes", BYTES("\xfc\x84\x80\x80\x80\x80"), false},
    {"FE", BYTES("\xfe"), false},
    {"FF", BYTES("\xff"), false},
    {"Latin-1", BYTES("caf\xe9 au lait"), false},
};

/* At every place of a machine word, at the end and with more behind. */
TEST_EACH(utf8, utf8_cases, c)
{
    for (size_t before = 0; before <= 9; before++) {
        for (size_t behind = 0; behind <= 9; behind += 9) {
            size_t length = before + c->length + behind;
            char *text = malloc(length + 1);

            assert_non_null(text);
            memset(text, 'x', length + 1);
            memcpy(text + 1 + before, c->text, c->length);
            assert_int_equal(text_is_utf8(text + 1, length), c->sound);
            free(text);
        }
    }
}

/* RFC 3629, by the value of the character and not by tables of bytes. */
static bool is_three_bytes(const unsigned char *s)
{
    unsigned value = (s[0] & 0x0fU) << 12 | (s[1] & 0x3fU) << 6 | (s[2] & 0x3f);

    return (s[0] & 0xf0) == 0xe0 && (s[1] & 0xc0) == 0x80 &&
           (s[2] & 0xc0) == 0x80 && value >= 0x800 &&
           (value < 0xd800 || value > 0xdfff);
}

static bool is_two_bytes(const unsigned char *s)
{
    unsigned value = (s[0] & 0x1fU) << 6 | (s[1] & 0x3f);

    return (s[0] & 0xe0) == 0xc0 && (s[1] & 0xc0) == 0x80 && value >= 0x80;
}

TEST(all_sequences_of_three_bytes)
{
    unsigned char s[3];

    for (unsigned n = 0x800000; n <= 0xffffff; n++) {
        s[0] = (unsigned char)(n >> 16);
        s[1] = (unsigned char)(n >> 8);
        s[2] = (unsigned char)n;
        bool sound = is_three_bytes(s) || (is_two_bytes(s) && s[2] < 0x80);
        if (text_is_utf8((const char *)s, 3) != sound)
            fail_msg("%02x %02x %02x", s[0], s[1], s[2]);
    }
}

TEST(all_characters_of_four_bytes)
{
    char s[4];

    for (unsigned value = 0; value <= 0x1fffff; value++) {
        s[0] = (char)(0xf0 | value >> 18);
        s[1] = (char)(0x80 | (value >> 12 & 0x3f));
        s[2] = (char)(0x80 | (value >> 6 & 0x3f));
        s[3] = (char)(0x80 | (value & 0x3f));
        bool sound = value >= 0x10000 && value <= 0x10ffff;
        if (text_is_utf8(s, 4) != sound)
            fail_msg("U+%X", value);
    }
}

/* Within JSON: what a C compiler would unescape is written twice. */
static const struct escape_case {
    const char *name;
    const char *json;
    bool sound;
} escape_cases[] = {
    {"empty", "", true},
    {"none", "{\"a\":\"b\"}", true},
    {"short ones", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", true},
    {"a character", "\"\\u00e9\"", true},
    {"the first that is no NUL", "\"\\u0001\"", true},
    {"the last before the surrogates", "\"\\ud7ff\"", true},
    {"the first after the surrogates", "\"\\ue000\"", true},
    {"the last", "\"\\uffff\"", true},
    {"a pair", "\"\\ud83d\\ude00\"", true},
    {"a pair in upper case", "\"\\uD83D\\uDE00\"", true},
    {"the first pair", "\"\\ud800\\udc00\"", true},
    {"the last pair", "\"\\udbff\\udfff\"", true},
    {"two pairs", "\"\\ud83d\\ude00\\ud83d\\ude01\"", true},
    {"an escaped backslash before u0000", "\"\\\\u0000\"", true},
    {"an escaped backslash before ud800", "\"\\\\ud800\"", true},
    {"two of them", "\"\\\\\\\\u0000\"", true},
    {"an escape right before the end", "\"\\n\"", true},
    {"NUL", "\"\\u0000\"", false},
    {"NUL within", "{\"a\":[\"b\\u0000c\"]}", false},
    {"NUL in a key", "{\"a\\u0000\":1}", false},
    {"NUL behind an escaped backslash", "\"\\\\\\u0000\"", false},
    {"NUL behind another", "\"\\u0001\\u0000\"", false},
    {"NUL behind a pair", "\"\\ud83d\\ude00\\u0000\"", false},
    {"a high half alone", "\"\\ud83d\"", false},
    {"a high half, text behind", "\"\\ud83d and more text\"", false},
    {"a high half, a character behind", "\"\\ud83d\\u0041\"", false},
    {"a high half, a short escape behind", "\"\\ud83d\\n12345\"", false},
    {"a high half, a backslash and udc00 behind", "\"\\ud83d\\\\udc00\"",
     false},
    {"a high half twice", "\"\\ud83d\\ud83d\\ude00\"", false},
    {"a high half that ends its string", "[\"\\ud83d\",\"\\ude00\"]", false},
    {"a low half alone", "\"\\ude00\"", false},
    {"a low half first", "\"\\ude00\\ud83d\"", false},
    {"a low half behind a pair", "\"\\ud83d\\ude00\\ude00\"", false},
    {"the first low half", "\"\\udc00\"", false},
    {"the last low half", "\"\\udfff\"", false},
    {"the first high half", "\"\\ud800\"", false},
    {"the last high half", "\"\\udbff\"", false},
};

TEST_EACH(escapes, escape_cases, c)
{
    size_t length = strlen(c->json);
    char *copy = malloc(length + 1); /* its end is watched by ASan */

    assert_non_null(copy);
    memcpy(copy + 1, c->json, length);
    assert_int_equal(text_escapes_are_sound(copy + 1, length), c->sound);
    free(copy);
}

TEST(every_escaped_unit)
{
    char json[16];

    for (unsigned unit = 0; unit <= 0xffff; unit++) {
        bool sound = unit != 0 && (unit < 0xd800 || unit > 0xdfff);

        snprintf(json, sizeof(json), unit % 2 ? "\"\\u%04x\"" : "\"\\u%04X\"",
                 unit);
        if (text_escapes_are_sound(json, strlen(json)) != sound)
            fail_msg("%s", json);
    }
}

static const struct number_case {
    const char *name; /* the number */
    bool fits;
} number_cases[] = {
    {"0", true},
    {"-0", true},
    {"12.5", true},
    {"-12.5e3", true},
    {"9223372036854775808", true},
    {"1E400", true},
    {"1e+400", true},
    {"1e-400", true},
    {"1e131071", true},
    {"-1e131071", true},
    {"1.5e131071", true},
    {"1e131072", false},
    {"-1e131072", false},
    {"10e131071", false},
    {"1e+131072", false},
    {"1e-16383", true},
    {"1e-16384", false},
    {"1.5e-16382", true},
    {"1.5e-16383", false},
    {"1E999999999999999999999999999999", false},
    {"1e-999999999999999999999999999999", false},
    {"1e18446744073709551616", false},
    {"1e-18446744073709551616", false},
    {"1e00000000000000000000000000000005", true},
};

TEST_EACH(number, number_cases, c)
{
    assert_int_equal(text_number_fits(c->name, strlen(c->name)), c->fits);
}

/* `before` digits, and behind the point `after`; then the exponent. */
static bool long_number_fits(size_t before, size_t after, const char *rest)
{
    size_t length = before + (after ? after + 1 : 0) + strlen(rest);
    char *text = malloc(length + 1);
    bool fits;

    assert_non_null(text);
    memset(text, '7', length);
    if (after)
        text[before] = '.';
    memcpy(text + length - strlen(rest), rest, strlen(rest));
    fits = text_number_fits(text, length);
    free(text);
    return fits;
}

TEST(long_numbers)
{
    assert_true(long_number_fits(131072, 0, ""));
    assert_false(long_number_fits(131073, 0, ""));
    assert_true(long_number_fits(131072, 16383, ""));
    assert_false(long_number_fits(131073, 16383, ""));
    assert_false(long_number_fits(131072, 16384, ""));
    assert_true(long_number_fits(1, 16383, ""));
    assert_false(long_number_fits(1, 16384, ""));
    assert_true(long_number_fits(1, 16384, "e1"));
    assert_false(long_number_fits(1, 16384, "e-1"));
    assert_true(long_number_fits(131073, 0, "e-1"));
    assert_false(long_number_fits(131072, 0, "e1"));
    assert_true(long_number_fits(131072, 16383, "e0"));
}
