/* The environment variables, and what is said of bad ones. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/settings.h"

static const char *const names[] = {
    "CALLHOOK_SPOOL",        "CALLHOOK_SPOOL_MAX",
    "CALLHOOK_CLIENT_STATE", "CALLHOOK_OPEN_SUBSCRIPTIONS",
    "CALLHOOK_MAX_BODY",     "CALLHOOK_ACK_MS",
    "CALLHOOK_REQUESTS",
};

#define SOME_GUID "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER_GUID "11234567-89AB-CDEF-0123-456789ABCDEF"

static void unset_all(void)
{
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
}

/* Reads settings; what it says goes to `said`, which ends with a NUL. */
static bool read_settings(struct settings *settings, char *said, size_t room)
{
    char path[] = "/tmp/callhook-unit-XXXXXX";
    int file = mkstemp(path);
    int saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_true(file >= 0 && saved >= 0);
    unlink(path);
    dup2(file, STDERR_FILENO);
    bool sound = settings_read(settings);
    dup2(saved, STDERR_FILENO);
    n = pread(file, said, room - 1, 0);
    assert_true(n >= 0);
    said[n] = '\0';
    close(file);
    close(saved);
    return sound;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

TEST(defaults)
{
    struct settings settings;
    char said[4096];

    unset_all();
    assert_true(read_settings(&settings, said, sizeof(said)));
    assert_string_equal(said, "");
    assert_string_equal(settings.spool, "/var/spool/callhook");
    assert_int_equal(settings.spool_max, 1073741824);
    assert_int_equal(settings.client_states_count, 0);
    assert_int_equal(settings.open_subscriptions_count, 0);
    assert_int_equal(settings.max_body, 4194304);
    assert_int_equal(settings.ack_us, 2000 * 1000);
    assert_int_equal(settings.requests, 256);
    settings_free(&settings);
}

TEST(all_of_them)
{
    struct settings settings;
    char said[4096];

    unset_all();
    setenv("CALLHOOK_SPOOL", "/srv/spool", 1);
    setenv("CALLHOOK_SPOOL_MAX", "5000000000", 1);
    setenv("CALLHOOK_CLIENT_STATE", "one", 1);
    setenv("CALLHOOK_OPEN_SUBSCRIPTIONS", SOME_GUID, 1);
    setenv("CALLHOOK_MAX_BODY", "1000", 1);
    setenv("CALLHOOK_ACK_MS", "1500", 1);
    setenv("CALLHOOK_REQUESTS", "1", 1);
    assert_true(read_settings(&settings, said, sizeof(said)));
    assert_string_equal(said, "");
    assert_string_equal(settings.spool, "/srv/spool");
    assert_int_equal(settings.spool_max, INT64_C(5000000000));
    assert_int_equal(settings.client_states_count, 1);
    assert_int_equal(settings.open_subscriptions_count, 1);
    assert_int_equal(settings.max_body, 1000);
    assert_int_equal(settings.ack_us, 1500 * 1000);
    assert_int_equal(settings.requests, 1);
    settings_free(&settings);
}

TEST(an_empty_spool_is_none)
{
    struct settings settings;
    char said[4096];

    unset_all();
    setenv("CALLHOOK_SPOOL", "", 1);
    assert_true(read_settings(&settings, said, sizeof(said)));
    assert_null(settings.spool);
    settings_free(&settings);
}

TEST(lists_may_be_empty)
{
    struct settings settings;
    char said[4096];

    unset_all();
    setenv("CALLHOOK_CLIENT_STATE", "", 1);
    setenv("CALLHOOK_OPEN_SUBSCRIPTIONS", "", 1);
    assert_true(read_settings(&settings, said, sizeof(said)));
    assert_int_equal(settings.client_states_count, 0);
    assert_int_equal(settings.open_subscriptions_count, 0);
    settings_free(&settings);
}

TEST(secrets_are_digested_and_forgotten)
{
    static const char *const expected[] = {"first", "the second", "3=3"};
    struct settings settings;
    char said[4096];

    unset_all();
    setenv("CALLHOOK_CLIENT_STATE", "first,  the second ,3=3", 1);
    const char *clear = getenv("CALLHOOK_CLIENT_STATE");
    assert_true(read_settings(&settings, said, sizeof(said)));
    assert_int_equal(settings.client_states_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        struct digest digest;

        digest_make(&digest, expected[i], strlen(expected[i]));
        assert_memory_equal(&settings.client_states[i], &digest,
                            sizeof(digest));
    }
    assert_null(getenv("CALLHOOK_CLIENT_STATE"));
    assert_int_equal(clear[0], '\0');
    assert_int_equal(clear[5], '\0');
    settings_free(&settings);
}

TEST(open_subscriptions_are_read)
{
    struct settings settings;
    struct guid expected;
    char said[4096];

    unset_all();
    setenv("CALLHOOK_OPEN_SUBSCRIPTIONS", " " SOME_GUID " , " OTHER_GUID, 1);
    assert_true(read_settings(&settings, said, sizeof(said)));
    assert_int_equal(settings.open_subscriptions_count, 2);
    assert_true(guid_read(&expected, SOME_GUID, 36));
    assert_true(guid_equal(&settings.open_subscriptions[0], &expected));
    assert_true(guid_read(&expected, OTHER_GUID, 36));
    assert_true(guid_equal(&settings.open_subscriptions[1], &expected));
    settings_free(&settings);
}

TEST(the_longest_secret)
{
    struct settings settings;
    char text[257], said[4096];

    unset_all();
    memset(text, 'x', sizeof(text));
    text[255] = '\0';
    setenv("CALLHOOK_CLIENT_STATE", text, 1);
    assert_true(read_settings(&settings, said, sizeof(said)));
    settings_free(&settings);
    text[255] = 'x';
    text[256] = '\0';
    setenv("CALLHOOK_CLIENT_STATE", text, 1);
    assert_false(read_settings(&settings, said, sizeof(said)));
    assert_null(strstr(said, "xxx"));
    settings_free(&settings);
}

static const struct bad_case {
    const char *name;
    const char *variable;
    const char *value;
} bad_cases[] = {
    {"a relative spool", "CALLHOOK_SPOOL", "spool"},
    {"a spool in the home folder", "CALLHOOK_SPOOL", "~/spool"},
    {"no number of bytes", "CALLHOOK_SPOOL_MAX", "1G"},
    {"a spool of nothing", "CALLHOOK_SPOOL_MAX", "0"},
    {"only a comma", "CALLHOOK_CLIENT_STATE", ","},
    {"a space", "CALLHOOK_CLIENT_STATE", " "},
    {"a comma at the end", "CALLHOOK_CLIENT_STATE", "hidden,"},
    {"an empty secret between others", "CALLHOOK_CLIENT_STATE",
     "hidden, ,hidden"},
    {"a word for an id", "CALLHOOK_OPEN_SUBSCRIPTIONS", "all"},
    {"a star for an id", "CALLHOOK_OPEN_SUBSCRIPTIONS", "*"},
    {"a comma behind an id", "CALLHOOK_OPEN_SUBSCRIPTIONS", SOME_GUID ","},
    {"a bad id behind a good one", "CALLHOOK_OPEN_SUBSCRIPTIONS",
     SOME_GUID ",1"},
    {"ids without a comma", "CALLHOOK_OPEN_SUBSCRIPTIONS",
     SOME_GUID " " OTHER_GUID},
    {"bodies of nothing", "CALLHOOK_MAX_BODY", "0"},
    {"more than can be", "CALLHOOK_MAX_BODY", "999999999999999999999999"},
    {"2^64 + 1", "CALLHOOK_MAX_BODY", "18446744073709551617"},
    {"a negative time", "CALLHOOK_ACK_MS", "-1"},
    {"-(2^64 - 2000)", "CALLHOOK_ACK_MS", "-18446744073709549616"},
    {"no time", "CALLHOOK_ACK_MS", "0"},
    {"empty", "CALLHOOK_ACK_MS", ""},
    {"a space before", "CALLHOOK_ACK_MS", " 2000"},
    {"a space behind", "CALLHOOK_ACK_MS", "2000 "},
    {"a sign", "CALLHOOK_ACK_MS", "+2000"},
    {"a fraction", "CALLHOOK_ACK_MS", "2000.5"},
    {"an exponent", "CALLHOOK_ACK_MS", "2e3"},
    {"hexadecimal", "CALLHOOK_ACK_MS", "0x7d0"},
    {"a unit", "CALLHOOK_ACK_MS", "2s"},
    {"no request", "CALLHOOK_REQUESTS", "0"},
    {"a word", "CALLHOOK_REQUESTS", "many"},
};

/* It is named, and nothing is told of a secret. */
TEST_EACH(bad, bad_cases, c)
{
    struct settings settings;
    char said[4096];

    unset_all();
    setenv(c->variable, c->value, 1);
    assert_false(read_settings(&settings, said, sizeof(said)));
    assert_true(count_lines(said) > 0);
    assert_non_null(strstr(said, c->variable));
    assert_null(strstr(said, "hidden"));
    settings_free(&settings);
}

TEST(every_fault_is_told)
{
    struct settings settings;
    char said[4096];

    unset_all();
    for (size_t i = 0; i < COUNT(names); i++)
        setenv(names[i], ",", 1);
    assert_false(read_settings(&settings, said, sizeof(said)));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_non_null(strstr(said, names[i]));
    assert_true(count_lines(said) >= COUNT(names));
    settings_free(&settings);
}

TEST(what_is_quoted_is_escaped)
{
    struct settings settings;
    char said[4096];

    unset_all();
    setenv("CALLHOOK_REQUESTS", "\x1b[2J\n\xff", 1);
    assert_false(read_settings(&settings, said, sizeof(said)));
    assert_int_equal(count_lines(said), 1);
    assert_null(strchr(said, '\x1b'));
    assert_null(strchr(said, '\xff'));
    settings_free(&settings);
}
