/* What the unit tests share: cmocka, and tests that need no list. */
#ifndef CALLHOOK_UNIT_H
#define CALLHOOK_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For the macros below: adds a test to those that unit.c runs. */
void unit_add(const char *name, CMUnitTestFunction run, const void *row);

/* Before the first and after the last test; defined where it is needed. */
int unit_setup(void **state);
int unit_teardown(void **state);

/* TEST(it_does_so) { ... } is a test. */
#define TEST(name)                                                             \
    static void name(void);                                                    \
    static void name##_run(void **state_)                                      \
    {                                                                          \
        (void)state_;                                                          \
        name();                                                                \
    }                                                                          \
    __attribute__((constructor)) static void name##_add(void)                  \
    {                                                                          \
        unit_add(#name, name##_run, NULL);                                     \
    }                                                                          \
    static void name(void)

/*
 * TEST_EACH(it_does_so, table, row) { ... } is a test for each row of a table;
 * the rows have a member `name`.
 */
#define TEST_EACH(name_, table, row)                                           \
    static void name_(const __typeof__(*(table)) *);                           \
    static void name_##_run(void **state_)                                     \
    {                                                                          \
        name_(*state_);                                                        \
    }                                                                          \
    __attribute__((constructor)) static void name_##_add(void)                 \
    {                                                                          \
        for (size_t i_ = 0; i_ < COUNT(table); i_++)                           \
            unit_add((table)[i_].name, name_##_run, &(table)[i_]);             \
    }                                                                          \
    static void name_(const __typeof__(*(table)) *row)

/* Compares bytes with a literal, which may hold NUL. */
#define assert_bytes(bytes, length, literal)                                   \
    do {                                                                       \
        assert_int_equal((length), sizeof(literal) - 1);                       \
        assert_memory_equal((bytes), (literal), sizeof(literal) - 1);          \
    } while (0)

#endif
