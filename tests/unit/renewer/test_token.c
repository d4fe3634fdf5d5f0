/* The kept token: when it is used, and when another one is asked for. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/token.h"
#include "auth/token_cache.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/private_file.h"

static char folder[] = "/tmp/callhook-unit-XXXXXX";

/* Nobody listens at port 1; the secret's file is missing until a test makes
 * it. */
static struct tenant tenant = {
    .name = "contoso",
    .tenant_id = (char[]){"11111111-1111-1111-1111-111111111111"},
    .client_id = (char[]){"22222222-2222-2222-2222-222222222222"},
    .client_secret_file = (char[]){"/nonexistent/secret"},
    .certificate_file = (char[]){""},
    .private_key_file = (char[]){""},
    .scope = (char[]){"https://graph.example/.default"},
    .login_url = (char[]){"http://127.0.0.1:1"},
    .ca_file = (char[]){""},
    .proxy = (char[]){""},
};

static char *path_of(const char *ending)
{
    return memory_print("%s/contoso.token%s", folder, ending);
}

static void write_file(const char *text, size_t length)
{
    char *path = path_of("");

    assert_true(private_file_write(path, text, length));
    free(path);
}

static void remove_file(const char *ending)
{
    char *path = path_of(ending);

    unlink(path);
    free(path);
}

/* Writes a kept token whose times are given from now. */
static void keep(const char *text, int64_t obtained, int64_t expires)
{
    struct token token = {.text = memory_copy(text),
                          .expires_at = clock_wall() + expires,
                          .obtained_at = clock_wall() + obtained};

    assert_true(token_cache_write(&token, &tenant, folder));
    access_token_free(&token);
}

static const struct time_case {
    const char *name;
    int64_t obtained; /* seconds from now */
    int64_t expires;
    bool used;
} time_cases[] = {
    {"new", 0, 3599, true},
    {"from another day", -86000, 3000, true},
    {"good for 5 minutes and a little", -3000, 310, true},
    {"good for less than 5 minutes", -3000, 299, false},
    {"expired", -3600, -1, false},
    {"expired long ago", -360000, -356400, false},
    {"from a clock that is 4 minutes ahead", 240, 3839, true},
    {"from the future", 310, 3900, false},
    {"from next year", 31536000, 31539600, false},
    {"good for 25 hours", -10, 89990, true},
    {"good for more than 25 hours", -10, 90005, false},
    {"good for ever", 0, INT32_MAX, false},
    {"ended before it began", 290, 280, false},
    {"from before 1970", INT32_MIN, 3599, false},
};

TEST_EACH(times, time_cases, c)
{
    struct token token;

    keep("kept.token", c->obtained, c->expires);
    assert_int_equal(token_cache_read(&token, &tenant, folder, clock_wall()),
                     c->used);
    if (c->used)
        assert_string_equal(token.text, "kept.token");
    else
        assert_null(token.text);
    assert_int_equal(token_kept_until(&tenant, folder) != 0, c->used);
    access_token_free(&token);
}

#define SOUND                                                                  \
    "\"client_id\":\"22222222-2222-2222-2222-222222222222\","                  \
    "\"tenant_id\":\"11111111-1111-1111-1111-111111111111\","                  \
    "\"login_url\":\"http://127.0.0.1:1\","                                    \
    "\"scope\":\"https://graph.example/.default\","
#define TIMES "\"obtained_at\":%lld,\"expires_at\":%lld"

/* `form` is given the time of day, and that in an hour. */
static const struct form_case {
    const char *name;
    const char *form;
    bool used;
} form_cases[] = {
    {"sound", "{" SOUND TIMES ",\"access_token\":\"t\"}", true},
    {"more than we know", "{" SOUND TIMES ",\"access_token\":\"t\",\"x\":1}",
     true},
    {"empty", "", false},
    {"no JSON", "token", false},
    {"a list", "[]", false},
    {"cut", "{" SOUND TIMES ",\"access_token\":\"t", false},
    {"two of them", "{" SOUND TIMES ",\"access_token\":\"t\"}{}", false},
    {"no token", "{" SOUND TIMES "}", false},
    {"empty token", "{" SOUND TIMES ",\"access_token\":\"\"}", false},
    {"token that is a number", "{" SOUND TIMES ",\"access_token\":7}", false},
    {"token with a line", "{" SOUND TIMES ",\"access_token\":\"t\\r\\nX: y\"}",
     false},
    {"token with a space", "{" SOUND TIMES ",\"access_token\":\"t t\"}", false},
    {"no times", "{" SOUND "\"access_token\":\"t\"}", false},
    {"nothing of the client", "{" TIMES ",\"access_token\":\"t\"}", false},
};

TEST_EACH(forms, form_cases, c)
{
    long long now = (long long)clock_wall();
    char text[1000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), c->form, now, now + 3600);
#pragma GCC diagnostic pop
    write_file(text, strlen(text));
    assert_int_equal(token_kept_until(&tenant, folder),
                     c->used ? now + 3600 : 0);
}

TEST(another_client)
{
    char **texts[] = {&tenant.client_id, &tenant.tenant_id, &tenant.login_url,
                      (char **)(void *)&tenant.scope};

    keep("kept", 0, 3599);
    assert_true(token_kept_until(&tenant, folder) > 0);
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *own = *texts[i];

        *texts[i] = memory_print("%sx", own);
        assert_int_equal(token_kept_until(&tenant, folder), 0);
        free(*texts[i]);
        *texts[i] = own;
    }
    assert_true(token_kept_until(&tenant, folder) > 0);
}

TEST(the_file_is_private)
{
    char *path = path_of("");
    struct stat status;

    keep("kept", 0, 3599);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(token_kept_until(&tenant, folder), 0);
    unlink(path);
    assert_int_equal(token_kept_until(&tenant, folder), 0);
    free(path);
}

/* Every printable character comes back. */
TEST(odd_tokens)
{
    char text['~' - ' ' + 1];
    struct token token;

    for (char c = '!'; c <= '~'; c++)
        text[c - '!'] = c;
    text['~' - ' '] = '\0';
    keep(text, 0, 3599);
    assert_true(token_cache_read(&token, &tenant, folder, clock_wall()));
    assert_string_equal(token.text, text);
    access_token_free(&token);
}

TEST(the_longest_token)
{
    char *text = memory_new(16386, 1);

    memset(text, 'x', 16384);
    keep(text, 0, 3599);
    assert_true(token_kept_until(&tenant, folder) > 0);
    text[16384] = 'x';
    keep(text, 0, 3599);
    assert_int_equal(token_kept_until(&tenant, folder), 0);
    free(text);
}

static enum outcome get(struct token *token, const char *refused,
                        struct fault *fault)
{
    struct http *http = http_open();
    enum outcome outcome = token_get(token, &tenant, folder, http,
                                     clock_ms() + 200, refused, fault);

    http_close(http);
    return outcome;
}

/* Without any request: there is no secret to send. */
TEST(the_kept_token_is_used)
{
    struct token token;
    struct fault fault;

    keep("kept", 0, 3599);
    assert_int_equal(get(&token, NULL, &fault), DONE);
    assert_string_equal(token.text, "kept");
    access_token_free(&token);
    assert_int_equal(get(&token, "other", &fault), DONE);
    access_token_free(&token);
}

TEST(a_refused_token_is_not)
{
    struct token token;
    struct fault fault;

    keep("kept", 0, 3599);
    assert_int_equal(get(&token, "kept", &fault), BROKEN);
    assert_null(token.text);
    assert_string_equal(fault.step, "token");
    assert_string_equal(fault.text, "client_secret_file cannot be opened: No "
                                    "such file or directory");
}

TEST(the_secret)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *fault; /* NULL: it is sound */
    } secrets[] = {
        {"secret\r\n", 8, NULL},
        {"a b\n\n", 5, NULL},
        {"", 0, "is empty"},
        {"\r\n", 2, "is empty"},
        {"a\0b\n", 4, "is not one line of text"},
    };
    char *own = tenant.client_secret_file;
    struct token token;
    struct fault fault;
    char text[80];

    tenant.client_secret_file = memory_print("%s/secret", folder);
    remove_file("");
    for (size_t i = 0; i < COUNT(secrets); i++) {
        assert_true(private_file_write(tenant.client_secret_file,
                                       secrets[i].bytes, secrets[i].length));
        assert_int_equal(get(&token, NULL, &fault),
                         secrets[i].fault ? BROKEN : LATER);
        assert_null(token.text);
        snprintf(text, sizeof(text), "client_secret_file %s",
                 secrets[i].fault ? secrets[i].fault : "");
        assert_string_equal(fault.text, secrets[i].fault ? text
                                                         : "127.0.0.1:1: "
                                                           "cannot connect: "
                                                           "Connection "
                                                           "refused");
    }
    unlink(tenant.client_secret_file);
    free(tenant.client_secret_file);
    tenant.client_secret_file = own;
}

TEST(the_lock)
{
    int lock = token_cache_lock(&tenant, folder, 0);
    struct token token;
    struct fault fault;

    assert_true(lock >= 0);
    assert_true(fcntl(lock, F_GETFD) & FD_CLOEXEC);
    remove_file("");
    int64_t before = clock_ms();
    assert_int_equal(get(&token, NULL, &fault), LATER);
    assert_in_range(clock_ms() - before, 200, 5000);
    assert_string_equal(fault.text, "another program has been asking for it");
    keep("kept", 0, 3599);
    assert_int_equal(get(&token, NULL, &fault), DONE);
    access_token_free(&token);
    close(lock);
    assert_int_equal(get(&token, "kept", &fault), BROKEN);
}

static const struct role_case {
    const char *name;
    const char *claims;
    bool has;
} role_cases[] = {
    {"alone", "{\"roles\":[\"CallRecords.Read.All\"]}", true},
    {"among others", "{\"roles\":[\"A\",1,\"CallRecords.Read.All\"]}", true},
    {"no claim", "{\"aud\":\"x\"}", false},
    {"none", "{\"roles\":[]}", false},
    {"longer", "{\"roles\":[\"CallRecords.Read.All.Not\"]}", false},
    {"shorter", "{\"roles\":[\"CallRecords.Read\"]}", false},
    {"no list", "{\"roles\":\"CallRecords.Read.All\"}", false},
    {"delegated", "{\"scp\":\"CallRecords.Read.All\"}", false},
    {"no JSON", "roles", false},
};

TEST_EACH(role, role_cases, c)
{
    char *claims = base64url_encode(c->claims, strlen(c->claims));
    char *token = memory_print("e30.%s.c2ln", claims);

    assert_int_equal(access_token_has_role(token, "CallRecords.Read.All"),
                     c->has);
    free(token);
    token = memory_print("e30.%s", claims);
    assert_int_equal(access_token_has_role(token, "CallRecords.Read.All"),
                     c->has);
    free(token);
    free(claims);
}

TEST(no_jwt)
{
    assert_false(access_token_has_role("", "x"));
    assert_false(access_token_has_role("opaque", "x"));
    assert_false(access_token_has_role("a.", "x"));
    assert_false(access_token_has_role("a.!!!.b", "x"));
    assert_false(access_token_has_role("...", "x"));
}

/* RFC 4648, section 10, without the padding. */
TEST(base64url)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"\xfb\xff", "-_8"},
        {"foobar", "Zm9vYmFy"},
    };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        char *text = base64url_encode(pairs[i][0], strlen(pairs[i][0]));
        size_t length;
        char *bytes = base64url_decode(text, strlen(text), &length);

        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(length, strlen(pairs[i][0]));
        assert_string_equal(bytes, pairs[i][0]);
        free(text);
        free(bytes);
    }
    size_t length;
    assert_null(base64url_decode("Zg==", 4, &length));
    assert_null(base64url_decode("Zm+v", 4, &length));
    assert_null(base64url_decode("Zm\0v", 4, &length));
}

int unit_setup(void **state)
{
    (void)state;
    return !mkdtemp(folder);
}

int unit_teardown(void **state)
{
    (void)state;
    remove_file("");
    remove_file("-lock");
    return rmdir(folder);
}
