/* How the own URL is reached: as Graph would, where it is public. */
#include "commands/handshake.h"
#include "unit.h"

static const struct direct_case {
    const char *name; /* the URL */
    bool with_ca_file;
} direct_cases[] = {
    {"https://calls.example.com/callhook", false},
    {"https://calls.example.com:8443/callhook?x=127.0.0.1", false},
    {"https://127.0.0.1.example.com/", false},
    {"https://127.0.0.1:8443/callhook", true},
    {"https://localhost/callhook", true},
};

TEST_EACH(direct, direct_cases, c)
{
    struct tenant tenant = {.proxy = (char[]){"http://proxy.example"},
                            .ca_file = (char[]){"/etc/ours.pem"}};
    struct tenant made = handshake_direct(&tenant, c->name);

    assert_string_equal(made.proxy, "");
    assert_string_equal(made.ca_file, c->with_ca_file ? tenant.ca_file : "");
}
