/* What the unit tests share: cmocka, and tables whose rows are its tests. */
#ifndef CALLHOOK_UNIT_H
#define CALLHOOK_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The first parameter of a test that is given a row of a table. */
#define ROW_OF(state) (*(const void *const *)(state))

/*
 * Runs `function` once for each row of `table`, whose rows have a member
 * `name`, and adds to `failed`.
 */
#define RUN_TABLE(failed, table, function)                                     \
    do {                                                                       \
        struct CMUnitTest tests_[COUNT(table)];                                \
        for (size_t i_ = 0; i_ < COUNT(table); i_++)                           \
            tests_[i_] = (struct CMUnitTest){                                  \
                .name = (table)[i_].name,                                      \
                .test_func = (function),                                       \
                .initial_state = (void *)(uintptr_t) & (table)[i_],            \
            };                                                                 \
        (failed) +=                                                            \
            cmocka_run_group_tests_name(#function, tests_, NULL, NULL);        \
    } while (0)

/* Compares bytes with a literal, which may hold NUL. */
#define assert_bytes(bytes, length, literal)                                   \
    do {                                                                       \
        assert_int_equal((length), sizeof(literal) - 1);                       \
        assert_memory_equal((bytes), (literal), sizeof(literal) - 1);          \
    } while (0)

#endif
