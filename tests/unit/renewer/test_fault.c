/* What is taken of a peer's sentence, and how a fault is written. */
#include "base/fault.h"
#include "unit.h"

#define X10 "xxxxxxxxxx"
#define TEN "ten bytes "
#define LONG                                                                   \
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct quote_case {
    const char *name;
    const char *text;
    const char *quoted;
} quote_cases[] = {
    {"a sentence", "Access is denied.", "Access is denied."},
    {"the first line", "\r\n One.\r\nTwo.", "One."},
    {"control characters", "a\tb\x1b[2J\x7f", "a b [2J "},
    {"a known secret", "not 'hidden-word' nor hidden-word",
     "not '***' nor ***"},
    {"a token", "it is " X10 X10 X10 X10 ", sir", "it is ***, sir"},
    {"a GUID", "call 01234567-89ab-cdef-0123-456789abcdef",
     "call 01234567-89ab-cdef-0123-456789abcdef"},
    {"a query", "<https://h.example/x?code=1&x=2> fails",
     "<https://h.example/x?***> fails"},
    {"a question", "Is it there? No.", "Is it there? No."},
    {"200 bytes", LONG "and 10 at end", LONG "and 10 at "},
    {"half a character", LONG "and 10 at\xc3\xa4", LONG "and 10 at"},
    {"nothing", "", ""},
};

TEST_EACH(quote, quote_cases, c)
{
    static const char *const secrets[] = {"hidden-word", NULL};
    struct fault fault = {0};

    fault_quote(&fault, c->text, secrets);
    assert_string_equal(fault.sentence, c->quoted);
}

TEST(it_is_written_with_all_that_is_known)
{
    struct fault fault = {.status = 403};
    char line[FAULT_SIZE];

    fault_say(&fault, "token", "%s", "not now");
    fault_print(&fault, line);
    assert_string_equal(line, "token: not now, HTTP 403");
    memcpy(fault.code, "Forbidden", 10);
    memcpy(fault.sentence, "No.", 4);
    memcpy(fault.request_id, "r1", 3);
    memcpy(fault.client_request_id, "c1", 3);
    fault_print(&fault, line);
    assert_string_equal(line, "token: not now, HTTP 403, code Forbidden, "
                              "\"No.\", request-id r1, client-request-id c1");
    fault_print_key(&fault, line);
    assert_string_equal(line, "token: not now, HTTP 403, code Forbidden");
}
