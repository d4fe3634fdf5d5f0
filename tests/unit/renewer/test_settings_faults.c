/* renewer.conf: what is said of each fault. */
#include "settings_fixture.h"

/* With a certificate: what follows begins with line 7. */
#define SIGNER                                                                 \
    GENERAL "\n[tenant a]\ntenant_id = " A_GUID "\nclient_id = " A_GUID "\n"

#define NAME_FAULT "the name of a tenant has 1 to 32 of A-Z a-z 0-9 . _ -"
#define REST TENANT("a", A_GUID) "notification_url = https://example.com\n"

/* put_text() makes 4,000 bytes of it. */
#define LONG "\a"

#define PATH_FAULT "the URL has more than scheme, host and port"
#define HTTPS_FAULT "is not https (http is for loopback addresses only)"

static const struct bad_case {
    const char *name;
    const char *text;
    const char *said; /* without the program's and the file's name */
} line_cases[] = {
    {"nothing", "", " there is no [tenant NAME]"},
    {"no tenant", GENERAL, " there is no [tenant NAME]"},
    {"an unknown section", GOOD "[tennant b]\npstn = 5\n",
     "8: unknown section [tennant b]; there are [callhook] and [tenant NAME]"},
    {"a section in capitals", GOOD "[CALLHOOK]\n",
     "8: unknown section [CALLHOOK]; there are [callhook] and [tenant NAME]"},
    {"an unknown key", GOOD "tenantid = 5\n", "8: unknown key \"tenantid\""},
    {"a key in capitals", GOOD "PSTN = on\n", "8: unknown key \"PSTN\""},
    {"half a PEM file", GOOD "hidden/A+==\n", "8: unknown key"},
    {"no key", GOOD "= hidden\n", "8: unknown key"},
    {"a key outside", "pstn = on\n" GOOD, "1: a key before the first section"},
    {"a tenant's key in [callhook]", GENERAL "cloud = x\n" TENANT("a", A_GUID),
     "3: cloud belongs in [tenant NAME]"},
    {"a general key in a tenant", GOOD "retention_days = 5\n",
     "8: retention_days belongs in [callhook]"},
    {"a repeated key", GOOD "pstn = on\npstn = on\n",
     "9: pstn is there already, in line 8"},
    {"repeated after a fault", GOOD "pstn = 5\npstn = on\n",
     "8: pstn: \"5\" is neither on nor off\n"
     "9: pstn is there already, in line 8"},
    {"[callhook] repeated", GOOD "[callhook]\npstn = 5\npstn = on\n",
     "8: [callhook] is there already, in line 1\n"
     "9: pstn: \"5\" is neither on nor off\n"
     "10: pstn is there already, in line 9"},
    {"a tenant repeated", GOOD "[tenant a]\ncloud = x\n",
     "8: [tenant a] is there already, in line 4\n"
     "9: cloud: \"x\" is neither global nor usgov nor dod"},
    {"a tenant without a name", GOOD "[tenant]\npstn = 5\n",
     "8: " NAME_FAULT "\n9: pstn: \"5\" is neither on nor off"},
    {"no name and no other tenant", "[tenant ]\n", "1: " NAME_FAULT},
    {"a name with a slash", GOOD "[tenant ../b]\n", "8: " NAME_FAULT},
    {"a name of two words", GOOD "[tenant b c]\n", "8: " NAME_FAULT},
    {"a name of 33", GOOD "[tenant " X10 X10 X10 "xxx]\n", "8: " NAME_FAULT},
    {"a name of 50", GOOD "[tenant " X50 "]\n", "8: " NAME_FAULT},
    {"a long line", GOOD "proxy = " LONG "\n",
     "8: the line is longer than 4000 bytes"},
    {"a very long line", GOOD "proxy = " LONG LONG "\npstn = 5\n",
     "8: the line is longer than 4000 bytes\n"
     "9: pstn: \"5\" is neither on nor off"},
    {"a byte order mark in the middle", GOOD "\xef\xbb\xbfpstn = on\n",
     "8: unknown key"},
    {"a colon for an equals sign", GOOD "pstn: on\n",
     "8: the line is no section, no comment and no key = value"},
    {"a second line of a value", GOOD "proxy =\n  http://example.com\n",
     "9: the line is indented: it must begin in the first "
     "column, and a value has one line only"},
    {"an indented key", GOOD "\tpstn = on\n",
     "8: the line is indented: it must begin in the first "
     "column, and a value has one line only"},
    {"an indented section", GOOD " [tenant b]\n",
     "8: the line is indented: it must begin in the first "
     "column, and a value has one line only"},
    {"no key = value", GOOD "pstn\n",
     "8: the line is no section, no comment and no key = value"},
    {"no key = value at the end", GOOD "pstn ; = on",
     "8: the line is no section, no comment and no key = value"},
    {"a header without its end", GOOD "[tenant b\ntenant_id = 5\n",
     "8: a section header without its ]"},
    {"keys behind a header that is too long",
     GOOD "pstn = on\n[tenant " LONG "]\npstn = on\n",
     "9: the line is longer than 4000 bytes"},
    {"text behind a header", GOOD "[tenant b] pstn = on\n",
     "8: text behind the ] of a section header"},
    {"text close behind a header", GOOD "[tenant b];\n",
     "8: text behind the ] of a section header"},
    {"a control character", GOOD "resource = \x1b[2J\n",
     "8: a control character in the line"},
    {"old line ends", GOOD "pstn = on\rrecords = on\n",
     "8: a control character in the line"},
};

#define MISREAD                                                                \
    "2: database: libpq would misread the value: in a URI / ? @ of a "         \
    "password are %2F %3F %40"

static const struct bad_case value_cases[] = {
    {"a relative state_dir", "[callhook]\nstate_dir = lib\n" REST,
     "2: state_dir: \"lib\" is no absolute path"},
    {"no state_dir", "[callhook]\nstate_dir = ; none\n" REST,
     "2: state_dir: \"\" is no absolute path"},
    {"a relative status_page", "[callhook]\nstatus_page = a.html\n" REST,
     "2: status_page: \"a.html\" is no absolute path"},
    {"no connection string", "[callhook]\ndatabase = host=db hidden\n" REST,
     "2: database: libpq does not understand the value"},
    {"a slash in a password",
     "[callhook]\ndatabase = postgresql://u:hidden/x@host/db\n" REST, MISREAD},
    {"digits before the slash",
     "[callhook]\ndatabase = postgresql://u:12/hidden@host\n" REST, MISREAD},
    {"an @ in a password",
     "[callhook]\ndatabase = postgresql://u:hid@den@host/db\n" REST, MISREAD},
    {"a password behind a host without a path",
     "[callhook]\ndatabase = postgresql://host?password=hid@den\n" REST,
     MISREAD},
    {"negative days", "[callhook]\nretention_days = -1\n" REST,
     "2: retention_days: \"-1\" is no whole number from 0 to 36500"},
    {"days of 100 years", "[callhook]\nretention_days = 36501\n" REST,
     "2: retention_days: \"36501\" is no whole number from 0 to 36500"},
    {"a unit", "[callhook]\nretention_days = 5d\n" REST,
     "2: retention_days: \"5d\" is no whole number from 0 to 36500"},
    {"no days", "[callhook]\nretention_days =\n" REST,
     "2: retention_days: \"\" is no whole number from 0 to 36500"},
    {"more than can be",
     "[callhook]\nretention_days = 18446744073709551617\n" REST,
     "2: retention_days: \"18446744073709551617\" is no whole number from 0 "
     "to 36500"},
    {"a short lifetime", GOOD "lifetime_minutes = 44\n",
     "8: lifetime_minutes: \"44\" is no whole number from 45 to 4230"},
    {"a long lifetime", GOOD "lifetime_minutes = 4231\n",
     "8: lifetime_minutes: \"4231\" is no whole number from 45 to 4230"},
    {"a lifetime in hours", GOOD "lifetime_minutes = 7e1\n",
     "8: lifetime_minutes: \"7e1\" is no whole number from 45 to 4230"},
    {"never renewed", GOOD "renew_every_minutes = 0\n",
     "8: renew_every_minutes: \"0\" is no whole number from 1 to 2115"},
    {"renewed too late",
     GOOD "lifetime_minutes = 60\n"
          "renew_every_minutes = 31\n",
     "9: renew_every_minutes (31) is over half of lifetime_minutes (60)"},
    {"renewed too late by [callhook]",
     GENERAL "renew_every_minutes = 120\n" TENANT("a", A_GUID) "lifetime_"
                                                               "minutes = 60\n",
     "8: renew_every_minutes (120) is over half of lifetime_minutes (60)"},
    {"renewed too late in [callhook]",
     GENERAL "renew_every_minutes = 61\nlifetime_minutes = 121\n" TENANT(
         "a", A_GUID) TENANT("b", B_GUID),
     "3: renew_every_minutes (61) is over half of lifetime_minutes (121)"},
    {"no switch", GOOD "records =\n", "8: records: \"\" is neither on nor off"},
    {"half a switch", GOOD "reconcile = onn\n",
     "8: reconcile: \"onn\" is neither on nor off"},
    {"an empty resource", GOOD "resource =\n", "8: resource: is empty"},
    {"a resource with a slash", GOOD "resource = /communications/callRecords\n",
     "8: resource: begins with a slash, which Graph refuses"},
    {"a tenant's quota", GOOD "quota = on\n", "8: quota belongs in [callhook]"},
    {"a deleted call", GOOD "change_type = updated,deleted\n",
     "8: change_type: \"updated,deleted\" is not created, updated or both "
     "with a comma"},
    {"no change", GOOD "change_type =\n",
     "8: change_type: \"\" is not created, updated or both with a comma"},
    {"a comma behind", GOOD "change_type = updated,\n",
     "8: change_type: \"updated,\" is not created, updated or both with a "
     "comma"},
    {"changes without a comma", GOOD "change_type = updated created\n",
     "8: change_type: \"updated created\" is not created, updated or both "
     "with a comma"},
    {"a cloud of nobody", GOOD "cloud = Global\n",
     "8: cloud: \"Global\" is neither global nor usgov nor dod"},
};

static const struct bad_case url_cases[] = {
    {"http", GOOD "notification_url = http://example.com/\n",
     "8: notification_url: the URL " HTTPS_FAULT},
    {"http to what looks like loopback",
     GOOD "graph_url = http://127.0.0.1.example.com\n",
     "8: graph_url: the URL " HTTPS_FAULT},
    {"another scheme", GOOD "lifecycle_url = ftp://example.com/\n",
     "8: lifecycle_url: the URL does not begin with https://"},
    {"no scheme", GOOD "login_url = login.example.com\n",
     "8: login_url: the URL does not begin with https://"},
    {"no host", GOOD "notification_url = https:///callhook\n",
     "8: notification_url: the URL names no host"},
    {"a port and no host", GOOD "notification_url = https://:443/\n",
     "8: notification_url: the URL names no host"},
    {"a password", GOOD "notification_url = https://u:hidden@example.com/\n",
     "8: notification_url: the URL holds a user name or a password"},
    {"a proxy's password", GOOD "proxy = http://u:hidden@example.com\n",
     "8: proxy: the URL holds a user name or a password"},
    {"a fragment", GOOD "notification_url = https://example.com/#x\n",
     "8: notification_url: the URL has a fragment (#)"},
    {"a space", GOOD "notification_url = https://example.com/a b\n",
     "8: notification_url: the URL holds a character that must be written as "
     "%XX"},
    {"no ASCII", GOOD "notification_url = https://example.com/\xc3\xa4\n",
     "8: notification_url: the URL holds a character that must be written as "
     "%XX"},
    {"port 0", GOOD "notification_url = https://example.com:0/\n",
     "8: notification_url: the URL has a host or a port that cannot be"},
    {"port 65536", GOOD "notification_url = https://example.com:65536/\n",
     "8: notification_url: the URL has a host or a port that cannot be"},
    {"a colon and no port", GOOD "notification_url = https://example.com:/\n",
     "8: notification_url: the URL has a host or a port that cannot be"},
    {"half an address", GOOD "notification_url = https://[::1/\n",
     "8: notification_url: the URL names no host"},
    {"a login_url with a path", GOOD "login_url = https://example.com/v2\n",
     "8: login_url: " PATH_FAULT},
    {"a graph_url with a query", GOOD "graph_url = https://example.com?v\n",
     "8: graph_url: " PATH_FAULT},
    {"a proxy with a path", GOOD "proxy = http://example.com/x\n",
     "8: proxy: " PATH_FAULT},
};

static const struct bad_case tenant_cases[] = {
    {"an empty tenant", GENERAL "[tenant a]\n",
     "3: [tenant a] has no tenant_id\n3: [tenant a] has no client_id\n"
     "3: [tenant a] has no client_secret_file, nor certificate_file and "
     "private_key_file"},
    {"no GUID", GENERAL TENANT("a", "contoso.com"),
     "4: tenant_id: \"contoso.com\" is no GUID"},
    {"no client_id",
     SIGNER "client_secret_file = secret\n"
            "[tenant b]\nclient_id = {" A_GUID "}\n"
            "client_secret_file = secret\n"
            "tenant_id = 01234567-89ab-cdef-0123-456789abcdeg\n",
     "9: client_id: \"{" A_GUID "}\" is no GUID\n"
     "11: tenant_id: \"01234567-89ab-cdef-0123-456789abcdeg\" is no GUID"},
    {"no notification_url",
     TENANT("a", A_GUID) TENANT("b", B_GUID) "notification_url = "
                                             "https://example.com\n",
     "1: [tenant a] has no notification_url, and [callhook] gives it none"},
    {"the same subscription",
     GOOD "change_type = created,updated\n" TENANT("b", B_GUID) TENANT(
         "c",
         "01234567-89AB-CDEF-0123-456789ABCDEF") "resource = "
                                                 "Communications/CALLRECORDS\n"
                                                 "change_type = updated, "
                                                 "created\n" TENANT("d", A_GUID)
                                                     TENANT("e", A_GUID) "resou"
                                                                         "rce "
                                                                         "= "
                                                                         "user"
                                                                         "s\n",
     "13: [tenant c] has the tenant_id, resource and change_type of "
     "[tenant a], line 4"},
    {"no secret file", SIGNER "client_secret_file = hidden\n",
     "7: client_secret_file: it cannot be opened: No such file or directory"},
    {"a secret for all", SIGNER "client_secret_file = open-secret\n",
     "7: client_secret_file: it is open to others (mode 0644)"},
    {"a secret for the group", SIGNER "client_secret_file = group-secret\n",
     "7: client_secret_file: it is more than readable by its group "
     "(mode 0660)"},
    {"an empty secret", SIGNER "client_secret_file = empty-secret\n",
     "7: client_secret_file: it is empty"},
    {"two secrets", SIGNER "client_secret_file = two-secrets\n",
     "7: client_secret_file: it is not one line of text"},
    {"a folder for a secret", SIGNER "client_secret_file = /\n",
     "7: client_secret_file: it is no regular file"},
    {"a secret and a certificate",
     SIGNER "client_secret_file = secret\n"
            "certificate_file = certificate\n"
            "private_key_file = key\n",
     "8: [tenant a] has a client_secret_file too; it needs one of both"},
    {"a secret and a key",
     SIGNER "private_key_file = key\n"
            "client_secret_file = secret\n",
     "7: [tenant a] has a client_secret_file too; it needs one of both"},
    {"a certificate alone", SIGNER "certificate_file = certificate\n",
     "7: certificate_file without private_key_file"},
    {"a key alone", SIGNER "private_key_file = key\ncertificate_file =\n",
     "7: private_key_file without certificate_file"},
    {"no ca_file", GOOD "ca_file = absent\n",
     "8: ca_file: \"absent\" cannot be opened: No such file or directory"},
    {"a ca_file that others write", GOOD "ca_file = written\n",
     "8: ca_file: \"written\" can be written by others (mode 0666)"},
    {"a certificate that others write",
     SIGNER "certificate_file = written\nprivate_key_file = key\n",
     "7: certificate_file can be written by others (mode 0666)"},
    {"an empty ca_file", GOOD "ca_file = empty\n",
     "8: ca_file: \"empty\" is empty"},
    {"all at once",
     GOOD "pstn = 5\ncloud = x\n\n[tenant b]\nx = 1\n"
          "[other]\nlifetime_minutes = 5\nnothing\n"
          "[callhook]\nrecords = 5\n",
     "8: pstn: \"5\" is neither on nor off\n"
     "9: cloud: \"x\" is neither global nor usgov nor dod\n"
     "12: unknown key \"x\"\n"
     "13: unknown section [other]; there are [callhook] and [tenant NAME]\n"
     "15: the line is no section, no comment and no key = value\n"
     "16: [callhook] is there already, in line 1\n"
     "17: records: \"5\" is neither on nor off\n"
     "11: [tenant b] has no tenant_id\n"
     "11: [tenant b] has no client_id\n"
     "11: [tenant b] has no client_secret_file, nor certificate_file and "
     "private_key_file"},
};

static void put_text(const char *text)
{
    static char long_text[16384];
    size_t n = 0;

    for (; *text; text++) {
        size_t length = *text == *LONG ? 4000 : 1;

        assert_true(n + length < sizeof(long_text));
        memset(long_text + n, length == 1 ? *text : 'x', length);
        n += length;
    }
    put_file(CONF, long_text, n, 0600);
}

/* Every fault, its file and its line, and nothing else. */
static void bad(const struct bad_case *c)
{
    char said[4096], expected[4096];
    struct settings settings;
    size_t length = 0, faults = 0;

    put_text(c->text);
    for (const char *s = c->said; *s; faults++) {
        int n = (int)strcspn(s, "\n");

        length += (size_t)snprintf(expected + length, sizeof(expected) - length,
                                   "callhook-renewer: " CONF ":%.*s\n", n, s);
        s += s[n] ? n + 1 : n;
    }
    size_t found = read_settings(&settings, said, sizeof(said));
    settings_reader_free(&settings);
    assert_string_equal(said, expected);
    assert_int_equal(found, faults);
}

/* The words are those of certificate_check(). */
TEST(a_key_of_another_certificate)
{
    static const char begin[] = "callhook-renewer: " CONF ":7: ";
    static const char *const keys[] = {"other-key", "open-secret", "absent"};
    struct settings settings;
    char text[1024], said[4096];

    for (size_t i = 0; i < COUNT(keys); i++) {
        snprintf(text, sizeof(text),
                 SIGNER "certificate_file = certificate\n"
                        "private_key_file = %s\n",
                 keys[i]);
        put_file(CONF, text, strlen(text), 0600);
        assert_int_equal(read_settings(&settings, said, sizeof(said)), 1);
        assert_memory_equal(said, begin, sizeof(begin) - 1);
        settings_reader_free(&settings);
    }
}

TEST_EACH(bad_line, line_cases, c)
{
    bad(c);
}

TEST_EACH(bad_value, value_cases, c)
{
    bad(c);
}

TEST_EACH(bad_url, url_cases, c)
{
    bad(c);
}

TEST_EACH(bad_tenant, tenant_cases, c)
{
    bad(c);
}
