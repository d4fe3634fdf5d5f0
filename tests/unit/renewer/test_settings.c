/* renewer.conf: what is read from it. */
#include "settings_fixture.h"

static void read_good(struct settings *settings, const char *text)
{
    char said[4096];

    put_file(CONF, text, strlen(text), 0600);
    size_t faults = read_settings(settings, said, sizeof(said));
    assert_string_equal(said, "");
    assert_int_equal(faults, 0);
}

TEST(defaults)
{
    struct settings settings;

    read_good(&settings, GOOD);
    assert_string_equal(settings.database, "");
    assert_string_equal(settings.state_dir, "/var/lib/callhook");
    assert_int_equal(settings.retention_days, 0);
    assert_int_equal(settings.tenant_count, 1);
    const struct tenant *a = settings_tenant(&settings, "a");
    assert_ptr_equal(a, &settings.tenants[0]);
    assert_null(settings_tenant(&settings, "A"));
    assert_string_equal(a->name, "a");
    assert_string_equal(a->tenant_id, A_GUID);
    assert_string_equal(a->client_id, "11234567-89ab-cdef-0123-456789abcdef");
    assert_string_equal(a->client_secret_file, "secret");
    assert_string_equal(a->certificate_file, "");
    assert_string_equal(a->private_key_file, "");
    assert_string_equal(a->scope, "https://graph.microsoft.com/.default");
    assert_string_equal(a->login_url, "https://login.microsoftonline.com");
    assert_string_equal(a->graph_url, "https://graph.microsoft.com");
    assert_string_equal(a->ca_file, "");
    assert_string_equal(a->proxy, "");
    assert_string_equal(a->resource, "communications/callRecords");
    assert_string_equal(a->change_type, "updated");
    assert_string_equal(a->notification_url, "https://calls.example.com/"
                                             "callhook");
    assert_string_equal(a->lifecycle_url, a->notification_url);
    assert_int_equal(a->lifetime_minutes, 4200);
    assert_int_equal(a->renew_every_minutes, 120);
    assert_false(a->records);
    assert_true(a->reconcile);
    assert_false(a->pstn);
    assert_true(a->quota);
    settings_reader_free(&settings);
    assert_int_equal(settings.tenant_count, 0);
}

/* A tenant of its own mind first, one that inherits, and then [callhook]. */
static const char everything[] =
    "\xef\xbb\xbf# comment " X150 X150 X150 "\r\n"
    "[tenant own.A_b-1]\r\n"
    "tenant_id = " A_GUID "\r\n"
    "client_id = " A_GUID "\r\n"
    "certificate_file = certificate\r\n"
    "private_key_file = key\r\n"
    "cloud = dod\r\n"
    "login_url = https://127.0.0.1:8443/\r\n"
    "ca_file = certificate\r\n"
    "resource = communications/callRecords/\r\n"
    "change_type = updated , created\r\n"
    "notification_url = http://localhost:8080/own?x=1\r\n"
    "lifetime_minutes = 60\r\n"
    "renew_every_minutes = 30\r\n"
    "records = off\r\n"
    "reconcile = Yes\r\n"
    "pstn = 0\r\n"
    "proxy =\r\n"
    "[tenant heir] ; comment\r\n"
    "tenant_id = " A_GUID "\r\n"
    "client_id = " A_GUID "\r\n"
    "client_secret_file=secret ; a comment ; \" and another\r\n"
    "cloud = usgov\r\n"
    "[ callhook ]\r\n"
    "   ; an indented comment\r\n"
    "\r\n"
    "database = service=callhook ;not this ; nor this\r\n"
    "state_dir = /srv/a state\t\r\n"
    "status_page = /srv/www/a page.html\r\n"
    "metrics_file = /srv/callhook.prom\r\n"
    "retention_days = 36500\r\n"
    "notification_url = https://calls.example.com/callhook\r\n"
    "lifecycle_url = https://calls.example.com/life\r\n"
    "lifetime_minutes = 4230\r\n"
    "renew_every_minutes = 2115\r\n"
    "records = on\r\n"
    "reconcile = false\r\n"
    "pstn = TRUE\r\n"
    "proxy = http://proxy.example.com:3128/";

TEST(all_of_them)
{
    struct settings settings;

    read_good(&settings, everything);
    assert_string_equal(settings.database, "service=callhook");
    assert_string_equal(settings.state_dir, "/srv/a state");
    assert_string_equal(settings.status_page, "/srv/www/a page.html");
    assert_string_equal(settings.metrics_file, "/srv/callhook.prom");
    assert_int_equal(settings.retention_days, 36500);
    assert_int_equal(settings.tenant_count, 2);
    const struct tenant *own = settings_tenant(&settings, "own.A_b-1");
    assert_non_null(own);
    assert_string_equal(own->client_secret_file, "");
    assert_string_equal(own->certificate_file, "certificate");
    assert_string_equal(own->private_key_file, "key");
    assert_string_equal(own->scope, "https://dod-graph.microsoft.us/.default");
    assert_string_equal(own->login_url, "https://127.0.0.1:8443");
    assert_string_equal(own->graph_url, "https://dod-graph.microsoft.us");
    assert_string_equal(own->ca_file, "certificate");
    assert_string_equal(own->proxy, "");
    assert_string_equal(own->resource, "communications/callRecords/");
    assert_string_equal(own->change_type, "created,updated");
    assert_string_equal(own->notification_url, "http://localhost:8080/own?x=1");
    assert_string_equal(own->lifecycle_url, "https://calls.example.com/life");
    assert_int_equal(own->lifetime_minutes, 60);
    assert_int_equal(own->renew_every_minutes, 30);
    assert_false(own->records);
    assert_true(own->reconcile);
    assert_false(own->pstn);
    const struct tenant *heir = settings_tenant(&settings, "heir");
    assert_non_null(heir);
    assert_string_equal(heir->client_secret_file, "secret");
    assert_string_equal(heir->scope, "https://graph.microsoft.us/.default");
    assert_string_equal(heir->login_url, "https://login.microsoftonline.us");
    assert_string_equal(heir->graph_url, "https://graph.microsoft.us");
    assert_string_equal(heir->proxy, "http://proxy.example.com:3128");
    assert_string_equal(heir->notification_url, "https://calls.example.com/"
                                                "callhook");
    assert_string_equal(heir->lifecycle_url, "https://calls.example.com/life");
    assert_int_equal(heir->lifetime_minutes, 4230);
    assert_int_equal(heir->renew_every_minutes, 2115);
    assert_true(heir->records);
    assert_false(heir->reconcile);
    assert_true(heir->pstn);
    settings_reader_free(&settings);
}

TEST(a_tenant_takes_its_own_url_for_lifecycles)
{
    struct settings settings;

    read_good(&settings, GOOD "notification_url = https://own.example.com/\n");
    assert_string_equal(settings.tenants[0].lifecycle_url, "https://"
                                                           "own.example.com/");
    settings_reader_free(&settings);
}

/* libpq takes these as they are meant: an installation may have them. */
TEST(a_uri_that_libpq_reads_as_it_is_meant)
{
    static const char *const uris[] = {
        "postgresql://u:a%2Fb%40c@host/db",
        "postgresql://u:a?b@host/db",
        "postgresql://host/db?user=me@there&password=a@b",
        "postgresql:///db?host=/run/postgresql&user=me@there",
        "postgresql://u:a@host1:5432,host2:5433/db?application_name=a@b",
    };

    for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
        struct settings settings;
        char text[500];

        snprintf(text, sizeof(text),
                 GENERAL "database = %s\n" TENANT("a", A_GUID), uris[i]);
        read_good(&settings, text);
        assert_string_equal(settings.database, uris[i]);
        settings_reader_free(&settings);
    }
}

TEST(a_short_lifetime_is_renewed_at_half)
{
    struct settings settings;

    read_good(&settings, GOOD "lifetime_minutes = 181\n");
    assert_int_equal(settings.tenants[0].renew_every_minutes, 90);
    settings_reader_free(&settings);
}

TEST(many_tenants)
{
    static char text[400 * 300] = GENERAL;
    struct settings settings;
    char name[16];

    size_t at = strlen(text);
    for (int i = 0; i < 300; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "[tenant t%d]\ntenant_id = "
                               "%08d-0000-0000-0000-000000000000\n"
                               "client_id = " A_GUID "\nclient_secret_file = "
                               "secret\n",
                               i, i);
    read_good(&settings, text);
    assert_int_equal(settings.tenant_count, 300);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        assert_ptr_equal(settings_tenant(&settings, name),
                         &settings.tenants[i]);
    }
    settings_reader_free(&settings);
}

/* A line of `length` bytes, with this key. */
static void put_long_line(const char *key, size_t length)
{
    char text[8192] = GOOD;
    size_t begin = strlen(text);

    memset(text + begin, 'x', length);
    memcpy(text + begin, key, strlen(key));
    text[begin + length - 1] = '!';
    put_file(CONF, text, begin + length, 0600);
}

TEST(the_longest_line)
{
    static const char key[] = "resource = ";
    struct settings settings;
    char said[4096];

    put_long_line(key, 4000);
    assert_int_equal(read_settings(&settings, said, sizeof(said)), 0);
    assert_string_equal(said, "");
    assert_int_equal(strlen(settings.tenants[0].resource), 4001 - sizeof(key));
    assert_string_equal(settings.tenants[0].resource + 4000 - sizeof(key), "!");
    settings_reader_free(&settings);
    put_long_line(key, 4001);
    assert_int_equal(read_settings(&settings, said, sizeof(said)), 1);
    assert_string_equal(said, "callhook-renewer: " CONF ":8: the line is "
                              "longer than 4000 bytes\n");
    settings_reader_free(&settings);
    put_long_line("; comment ", 4001);
    assert_int_equal(read_settings(&settings, said, sizeof(said)), 0);
    settings_reader_free(&settings);
}

/* What three users in a filter take, and a comment behind them. */
TEST(a_filter_of_three_users)
{
#define USER "participants/any(p:p/id eq '" A_GUID "')"
    static const char filter[] =
        "communications/callRecords?$filter=" USER " or " USER " or " USER;
    struct settings settings;
    char text[1024];

    snprintf(text, sizeof(text), GOOD "resource = %s ; three\n", filter);
    read_good(&settings, text);
    assert_string_equal(settings.tenants[0].resource, filter);
    settings_reader_free(&settings);
}

TEST(quotas_are_lifted_on_loopback_alone)
{
    static const struct {
        const char *url;
        bool lifted;
    } urls[] = {
        {"http://127.0.0.1:8443", true},
        {"https://127.8.0.1:8443", true},
        {"https://localhost", true},
        {"https://[::1]:1", true},
        {"https://graph.microsoft.com", false},
        {"https://127.0.0.1.example", false},
        {"https://128.0.0.1", false},
        {"", false},
    };
    struct settings settings;
    char text[512], said[4096];

    for (size_t i = 0; i < COUNT(urls); i++) {
        snprintf(text, sizeof(text),
                 "[callhook]\nnotification_url = https://example.com\n"
                 "quota = off\n%sgraph_url = %s\n",
                 TENANT("a", A_GUID), urls[i].url);
        put_file(CONF, text, strlen(text), 0600);
        assert_int_equal(read_settings(&settings, said, sizeof(said)),
                         !urls[i].lifted);
        assert_false(settings.tenants[0].quota);
        if (!urls[i].lifted)
            assert_string_equal(said, "callhook-renewer: " CONF ":3: quota: "
                                      "off is for a graph_url on a loopback "
                                      "address only, that of [tenant a] is "
                                      "not\n");
        settings_reader_free(&settings);
    }
}

TEST(no_file)
{
    struct settings settings;
    char said[4096];

    unlink(CONF);
    assert_int_equal(read_settings(&settings, said, sizeof(said)), 1);
    assert_string_equal(said, "callhook-renewer: " CONF ": cannot be opened: "
                              "No such file or "
                              "directory\n");
    settings_reader_free(&settings);
}

TEST(a_nul_byte)
{
    struct settings settings;
    char said[4096];

    PUT(CONF, GOOD "pstn = on\0off\n# \0\n", 0600);
    assert_int_equal(read_settings(&settings, said, sizeof(said)), 2);
    assert_string_equal(said, "callhook-renewer: " CONF ":8: a NUL byte in the "
                              "line\n"
                              "callhook-renewer: " CONF ":9: a NUL byte in the "
                              "line\n");
    settings_reader_free(&settings);
}

/* It says where secrets are sent to. */
TEST(a_file_that_others_can_change)
{
    static const struct {
        mode_t mode;
        const char *why; /* NULL: it is read */
    } modes[] = {
        {0600, NULL},
        {0400, NULL},
        {0640, NULL},
        {0644, "is open to others (mode 0644)"},
        {0602, "is open to others (mode 0602)"},
        {0660, "is more than readable by its group (mode 0660)"},
    };
    struct settings settings;
    char said[4096], expected[256];

    for (size_t i = 0; i < COUNT(modes); i++) {
        PUT(CONF, GOOD "pstn = 5\n", modes[i].mode);
        assert_int_equal(read_settings(&settings, said, sizeof(said)), 1);
        snprintf(expected, sizeof(expected), "callhook-renewer: " CONF "%s%s\n",
                 modes[i].why ? ": " : ":8: pstn: \"5\" is neither on nor off",
                 modes[i].why ? modes[i].why : "");
        assert_string_equal(said, expected);
        settings_reader_free(&settings);
    }
}

TEST(a_file_of_another_user)
{
    struct settings settings;
    char said[4096];

    if (geteuid() != 0)
        skip();
    PUT(CONF, GOOD, 0600);
    assert_int_equal(chown(CONF, 65534, 65534), 0);
    assert_int_equal(read_settings(&settings, said, sizeof(said)), 1);
    assert_string_equal(said, "callhook-renewer: " CONF ": belongs to neither "
                              "root nor this user\n");
    settings_reader_free(&settings);
    unlink(CONF);
}
