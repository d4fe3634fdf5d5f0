/* Runs the tests of the file that it is linked with, in their order there. */
#include "unit.h"

enum { MOST_TESTS = 200 };

static struct CMUnitTest tests[MOST_TESTS];
static size_t test_count;

void unit_add(const char *name, CMUnitTestFunction run, const void *row)
{
    if (test_count == MOST_TESTS)
        abort();
    tests[test_count++] = (struct CMUnitTest){
        .name = name,
        .test_func = run,
        .initial_state = (void *)(uintptr_t)row,
    };
}

__attribute__((weak)) int unit_setup(void **state)
{
    (void)state;
    return 0;
}

__attribute__((weak)) int unit_teardown(void **state)
{
    (void)state;
    return 0;
}

int main(void)
{
    return _cmocka_run_group_tests("tests", tests, test_count, unit_setup,
                                   unit_teardown);
}
