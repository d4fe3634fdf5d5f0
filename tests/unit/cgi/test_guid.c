/* GUIDs: reading Graph's, making our own. */
#include "unit.h"

#include <stdlib.h>

#include "base/guid.h"

#define SOUND "01234567-89ab-cdef-0123-456789abcdef"

static const struct read_case {
    const char *name;
    const char *text;
    bool sound;
} read_cases[] = {
    {"lower case", SOUND, true},
    {"upper case", "01234567-89AB-CDEF-0123-456789ABCDEF", true},
    {"both cases", "01234567-89aB-CdEf-0123-456789AbCdEf", true},
    {"empty", "", false},
    {"one digit short", "01234567-89ab-cdef-0123-456789abcde", false},
    {"one digit more", SOUND "0", false},
    {"a byte more", SOUND "00", false},
    {"a space behind", SOUND " ", false},
    {"a space before", " " SOUND, false},
    {"in braces", "{" SOUND "}", false},
    {"braces instead of digits", "{1234567-89ab-cdef-0123-456789abcde}", false},
    {"without hyphens", "0123456789abcdef0123456789abcdef", false},
    {"without hyphens, 36 long", "0123456789abcdef0123456789abcdef0123", false},
    {"a hyphen too early", "0123456-789ab-cdef-0123-456789abcdef", false},
    {"a hyphen too late", "012345678-9ab-cdef-0123-456789abcdef", false},
    {"other signs for hyphens", "01234567_89ab_cdef_0123_456789abcdef", false},
    {"a hyphen for a digit", "01234567-89ab-cdef-0123-45678-abcdef", false},
    {"g", "01234567-89ab-cdef-0123-456789abcdeg", false},
    {"a sign", "+1234567-89ab-cdef-0123-456789abcdef", false},
    {"0x", "0x234567-89ab-cdef-0123-456789abcdef", false},
    {"wide digits", "\uff10\uff11234-89ab-cdef-0123-456789abcdef", false},
    {"a placeholder", "{Organization/Tenant id}", false},
};

TEST_EACH(read_one, read_cases, c)
{
    static const struct guid expected = {{0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
                                          0xcd, 0xef, 0x01, 0x23, 0x45, 0x67,
                                          0x89, 0xab, 0xcd, 0xef}};
    struct guid guid = GUID_NIL;

    assert_int_equal(guid_read(&guid, c->text, strlen(c->text)), c->sound);
    assert_memory_equal(&guid, c->sound ? &expected : &GUID_NIL, sizeof(guid));
}

TEST(every_digit_is_read_at_its_place)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0, nibble = 0; i < 36; i++) {
        char text[] = "00000000-0000-0000-0000-000000000000";

        if (text[i] == '-')
            continue;
        for (unsigned digit = 0; digit < 16; digit++) {
            struct guid guid, expected = GUID_NIL;

            text[i] = digits[digit];
            expected.bytes[nibble / 2] =
                (uint8_t)(nibble % 2 ? digit : digit << 4);
            assert_true(guid_read(&guid, text, 36));
            assert_memory_equal(&guid, &expected, sizeof(guid));
        }
        nibble++;
    }
}

TEST(text_need_not_end_with_a_nul)
{
    static const char text[36] = "01234567-89ab-cdef-0123-456789abcdef";
    char *copy = malloc(sizeof(text));
    struct guid guid;

    assert_non_null(copy);
    memcpy(copy, text, sizeof(text));
    assert_true(guid_read(&guid, copy, sizeof(text)));
    assert_false(guid_read(&guid, copy, sizeof(text) - 1));
    free(copy);
}

TEST(equality_looks_at_every_byte)
{
    struct guid a = {{1, 2, 3}}, b = a;

    assert_true(guid_equal(&a, &b));
    for (size_t i = 0; i < sizeof(a.bytes); i++) {
        b = a;
        b.bytes[i] ^= 0x80;
        assert_false(guid_equal(&a, &b));
    }
}

/* 2022-02-22T19:22:22Z, the example of RFC 9562, A.6; in microseconds. */
#define WALL INT64_C(1645557742000000)

TEST(a_made_one_is_version_7)
{
    static const uint8_t milliseconds[] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0};

    for (unsigned index = 0; index <= UINT16_MAX; index += 51) {
        struct guid guid;

        guid_make(&guid, WALL + index % 1000, (uint16_t)index);
        assert_memory_equal(guid.bytes, milliseconds, sizeof(milliseconds));
        assert_int_equal(guid.bytes[6] >> 4, 7);
        assert_int_equal(guid.bytes[8] >> 6, 2);
    }
}

static void assert_ordered(const struct guid *a, const struct guid *b)
{
    assert_true(memcmp(a, b, sizeof(*a)) < 0);
}

TEST(they_are_ordered_by_microsecond)
{
    struct guid previous, next;

    guid_make(&previous, WALL - 1, UINT16_MAX);
    for (int64_t us = 0; us < 3000; us++) {
        guid_make(&next, WALL + us, UINT16_MAX);
        assert_ordered(&previous, &next);
        guid_make(&next, WALL + us, 0);
        assert_ordered(&previous, &next);
        guid_make(&previous, WALL + us, UINT16_MAX);
    }
}

TEST(they_are_ordered_by_index)
{
    struct guid previous, next;

    guid_make(&previous, WALL, 0);
    for (unsigned index = 1; index <= UINT16_MAX; index++) {
        guid_make(&next, WALL, (uint16_t)index);
        assert_ordered(&previous, &next);
        previous = next;
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct guid));
}

TEST(no_two_are_the_same)
{
    static struct guid made[10000];

    for (size_t i = 0; i < COUNT(made); i++)
        guid_make(&made[i], WALL, 7);
    qsort(made, COUNT(made), sizeof(made[0]), compare);
    for (size_t i = 1; i < COUNT(made); i++)
        assert_false(guid_equal(&made[i - 1], &made[i]));
}
