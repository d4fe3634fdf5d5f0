/* Which URLs have the same origin, and which may be used. */
#include "base/url.h"
#include "unit.h"

static const struct origin_case {
    const char *name;
    const char *a;
    const char *b;
    bool same;
} origin_cases[] = {
    {"path", "https://a.example/v1.0/x?y=1", "https://a.example", true},
    {"default port", "https://a.example:443/", "https://a.example", true},
    {"case", "HTTPS://A.Example/x", "https://a.example/X", true},
    {"port", "https://a.example:8443/a", "https://a.example:8443/b", true},
    {"address", "https://[::1]:8443/", "https://[::1]:8443", true},
    {"another port", "https://a.example:8443", "https://a.example", false},
    {"another scheme", "http://a.example", "https://a.example", false},
    {"port 80", "http://a.example:443", "https://a.example:443", false},
    {"another host", "https://b.example/", "https://a.example/", false},
    {"longer host", "https://a.example.evil/", "https://a.example", false},
    {"host as a name", "https://a.example@evil/", "https://a.example", false},
    {"backslash", "https://a.example\\@evil/", "https://a.example", false},
    {"backslashes", "https:\\\\a.example", "https://a.example", false},
    {"space", "https://a.example /", "https://a.example", false},
    {"line", "https://a.example/\r\nX: y", "https://a.example", false},
    {"no scheme", "a.example", "a.example", false},
    {"relative", "/v1.0/subscriptions", "https://a.example", false},
    {"no host", "https://", "https://", false},
    {"empty", "", "", false},
};

TEST_EACH(origin, origin_cases, c)
{
    assert_int_equal(url_same_origin(c->a, c->b), c->same);
    assert_int_equal(url_same_origin(c->b, c->a), c->same);
}

static const struct same_case {
    const char *name;
    const char *a;
    const char *b;
    bool same;
} same_cases[] = {
    {"itself", "https://a.example/x?y", "https://a.example/x?y", true},
    {"host in capitals", "https://A.Example/x", "https://a.example/x", true},
    {"default port", "https://a.example:443/x", "https://a.example/x", true},
    {"no path", "https://a.example", "https://a.example/", true},
    {"no path, a query", "https://a.example?x", "https://a.example/?x", true},
    {"case of the path", "https://a.example/X", "https://a.example/x", false},
    {"slash at the end", "https://a.example/x/", "https://a.example/x", false},
    {"two slashes", "https://a.example//x", "https://a.example/x", false},
    {"query", "https://a.example/x?1", "https://a.example/x?2", false},
    {"port", "https://a.example:444/x", "https://a.example/x", false},
    {"scheme", "http://a.example/x", "https://a.example/x", false},
    {"none", "", "https://a.example/x", false},
    {"neither", "", "", true},
    {"other ones", "EventHub:https://x", "EventHub:https://y", false},
};

TEST_EACH(same, same_cases, c)
{
    assert_int_equal(url_is_same(c->a, c->b), c->same);
    assert_int_equal(url_is_same(c->b, c->a), c->same);
}

static const struct url_case {
    const char *name; /* the URL */
    bool allowed;
} url_cases[] = {
    {"https://a.example/x", true},
    {"HTTPS://a.example", true},
    {"https://127.0.0.1:8443/x", true},
    {"http://127.0.0.1/", true},
    {"http://127.0.0.1:8080/callhook", true},
    {"http://127.255.255.254/", true},
    {"http://localhost:8080/", true},
    {"http://LOCALHOST/", true},
    {"http://[::1]:8080/", true},
    {"http://a.example/", false},
    {"http://128.0.0.1/", false},
    {"http://127.0.0.1.example/", false},
    {"http://127.example/", false},
    {"http://localhost.example/", false},
    {"http://localhost@a.example/", false},
    {"http://[::2]/", false},
    {"http://0.0.0.0/", false},
    {"https://user:secret@a.example/", false},
    {"https://user@a.example/", false},
    {"https://:secret@a.example/", false},
    {"ftp://127.0.0.1/", false},
    {"file:///etc/passwd", false},
    {"//a.example/", false},
    {"a.example", false},
    {"https://", false},
    {"https:///", false},
    {"https://a.example:99999/", false},
    {"https://a.example:x/", false},
    {"https://a.example/\x7f", false},
    {"https://a.example/ x", false},
    {"https://a.example/\n", false},
    {"https://\u00e4.example/", false},
    {"https://a.example\\x", false},
    {"", false},
};

TEST_EACH(url, url_cases, c)
{
    assert_int_equal(!url_fault(c->name), c->allowed);
}
