/* JSON answers: what is taken, what is refused, and how members are read. */
#include "unit.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

#define BYTES(pg_list) (pg_list), sizeof(pg_list) - 1

static const struct parse_case {
    const char *name;
    const char *text;
    size_t length;
    bool taken;
} parse_cases[] = {
    {"object", BYTES("{\"a\":[1,2.5e3,true,null,\"b\"]}"), true},
    {"space around", BYTES(" \r\n\t{} \n"), true},
    {"text alone", BYTES("\"a\""), true},
    {"brackets in a string", BYTES("\"[[[{{{]\\\"[[[\""), true},
    {"slashes in a string", BYTES("\"https:\\/\\/a//b/*c*/\""), true},
    {"escaped backslash before u0000", BYTES("\"\\\\u0000\""), true},
    {"all lengths of UTF-8", BYTES("\"a\u00e9\u20ac\U0001f600\""), true},
    {"nothing", BYTES(""), false},
    {"only space", BYTES("  \n"), false},
    {"HTML", BYTES("<html></html>"), false},
    {"cut", BYTES("{\"a\":[1,2"), false},
    {"cut in a string", BYTES("{\"a"), false},
    {"cut in an escape", BYTES("{\"a\\"), false},
    {"trailing garbage", BYTES("{} x"), false},
    {"two values", BYTES("{}{}"), false},
    {"trailing comma", BYTES("[1,]"), false},
    {"comment", BYTES("{\"a\":1 /* b */}"), false},
    {"comment to the line's end", BYTES("{} // b"), false},
    {"single quotes", BYTES("{'a':1}"), false},
    {"closed too often", BYTES("[]]"), false},
    {"NUL behind", BYTES("{}\0"), false},
    {"NUL in a string", BYTES("\"a\0b\""), false},
    {"escaped NUL", BYTES("\"a\\u0000b\""), false},
    {"escaped NUL in a name", BYTES("{\"a\\u0000\":1}"), false},
    {"overlong UTF-8", BYTES("\"\xc0\x80\""), false},
    {"UTF-8 of a surrogate", BYTES("\"\xed\xa0\x80\""), false},
    {"above U+10FFFF", BYTES("\"\xf4\x90\x80\x80\""), false},
    {"cut UTF-8", BYTES("\"\xe2\x82\""), false},
    {"cut UTF-8 at the end", BYTES("\"a\xf0\x9f\x98"), false},
    {"byte order mark", BYTES("\xef\xbb\xbf{}"), false},
};

TEST_EACH(parse, parse_cases, c)
{
    yajl_val tree = json_parse(c->text, c->length);

    if (c->taken)
        assert_non_null(tree);
    else
        assert_null(tree);
    yajl_tree_free(tree);
}

/* Bytes behind the given length are not looked at. */
TEST(length_counts)
{
    yajl_val tree = json_parse("{\"a\":1}garbage", 7);

    assert_non_null(tree);
    yajl_tree_free(tree);
}

static bool takes_depth(size_t depth)
{
    char *text = memory_new(2 * depth + 1, 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    yajl_val tree = json_parse(text, 2 * depth);
    bool taken = tree;
    yajl_tree_free(tree);
    free(text);
    return taken;
}

TEST(depth)
{
    assert_true(takes_depth(1));
    assert_true(takes_depth(64));
    assert_false(takes_depth(65));
    assert_false(takes_depth(1000000));
}

static yajl_val parse_text(const char *text)
{
    yajl_val tree = json_parse(text, strlen(text));

    assert_non_null(tree);
    return tree;
}

TEST(members)
{
    yajl_val tree = parse_text("{\"a\":\"first\",\"a\":\"second\",\"n\":null,"
                               "\"o\":{\"b\":\"inner\"},\"l\":[\"x\"]}");

    assert_string_equal(json_text(tree, "a"), "first");
    assert_string_equal(json_text(json_member(tree, "o"), "b"), "inner");
    assert_null(json_text(tree, "n"));
    assert_non_null(json_member(tree, "n"));
    assert_null(json_text(tree, "o"));
    assert_null(json_member(tree, "b"));
    assert_null(json_member(json_member(tree, "l"), "x"));
    assert_null(json_member(NULL, "a"));
    assert_null(json_text(NULL, "a"));
    json_free_secret(tree, "a");
    json_free_secret(NULL, "a");
}

/* yajl makes no valid UTF-8 of half a pair. */
TEST(half_a_pair_is_no_text)
{
    yajl_val tree = parse_text("{\"low\":\"\\udc00\","
                               "\"pair\":\"\\ud83d\\ude00\"}");

    assert_null(json_text(tree, "low"));
    assert_string_equal(json_text(tree, "pair"), "\U0001f600");
    yajl_tree_free(tree);
}

static const struct number_case {
    const char *name; /* the value */
    bool sound;
    int64_t number;
} number_cases[] = {
    {"0", true, 0},
    {"3599", true, 3599},
    {"-1", true, -1},
    {"9223372036854775807", true, INT64_MAX},
    {"\"3599\"", true, 3599},
    {"\"-7\"", true, -7},
    {"\"999999999999999999\"", true, 999999999999999999},
    {"\"1000000000000000000\"", false, 0},
    {"9223372036854775808", false, 0},
    {"3599.0", false, 0},
    {"1e3", false, 0},
    {"null", false, 0},
    {"true", false, 0},
    {"[1]", false, 0},
    {"\"\"", false, 0},
    {"\"-\"", false, 0},
    {"\"+1\"", false, 0},
    {"\" 1\"", false, 0},
    {"\"1 \"", false, 0},
    {"\"0x10\"", false, 0},
    {"\"--1\"", false, 0},
};

TEST_EACH(number, number_cases, c)
{
    char *text = memory_print("{\"n\":%s}", c->name);
    yajl_val tree = parse_text(text);
    int64_t read = 0;

    assert_int_equal(json_number(tree, "n", &read), c->sound);
    if (c->sound)
        assert_int_equal(read, c->number);
    assert_false(json_number(tree, "m", &read));
    yajl_tree_free(tree);
    free(text);
}

/* As the standard's table of well-formed sequences has it. */
static bool three_are_sound(unsigned a, unsigned b, unsigned c)
{
    bool second = b >= 0x80 && b <= 0xbf;

    if (a < 0x80)
        return (b < 0x80 && c < 0x80) ||
               (b >= 0xc2 && b <= 0xdf && c >= 0x80 && c <= 0xbf);
    if (a >= 0xc2 && a <= 0xdf)
        return second && c < 0x80;
    if (a < 0xe0 || a > 0xef || !second || c < 0x80 || c > 0xbf)
        return false;
    return !(a == 0xe0 && b < 0xa0) && !(a == 0xed && b > 0x9f);
}

TEST(all_sequences_of_three_bytes)
{
    for (unsigned n = 0; n < 1U << 24; n++) {
        char text[3] = {(char)(n >> 16), (char)(n >> 8), (char)n};

        if (utf8_is_sound(text, 3) !=
            three_are_sound(n >> 16, n >> 8 & 255, n & 255))
            fail_msg("%06x", n);
    }
}

static const struct whole_case {
    const char *name;
    bool sound;
} whole_cases[] = {
    {"{\"a\":[1,2.5e3,null,\"\\u0000\\ud800\"]}", true},
    {"[]", true},
    {"", false},
    {"{\"a\":", false},
    {"{\"a\":1} {", false},
    {"{\"a\":\"\xff\"}", false},
    {"{a:1}", false},
    {"<html>", false},
};

TEST_EACH(whole, whole_cases, c)
{
    assert_int_equal(json_is_sound(c->name, strlen(c->name)), c->sound);
}

TEST(a_nul_is_no_json)
{
    assert_false(json_is_sound("[1]\0[2]", 7));
}
