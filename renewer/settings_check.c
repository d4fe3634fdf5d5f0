/* What several keys say together, and the files that they name. */
#include "settings_check.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assertion.h"
#include "memory.h"
#include "secretfile.h"

#define SECRET_LIMIT 4096
#define FILE_LIMIT (16UL << 20)

/* Whether the key is there and was read; "" is as good as not there. */
static bool has(const struct section *section, enum key_id id)
{
    return section->texts[id] && *section->texts[id];
}

/* Not there, and not there with a fault either. */
static bool lacks(const struct section *section, enum key_id id)
{
    return section->lines[id] == 0 ||
           (section->texts[id] && !*section->texts[id]);
}

static void check_required(struct reading *reading,
                           const struct section *tenant)
{
    static const enum key_id required[] = {KEY_TENANT_ID, KEY_CLIENT_ID};

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (lacks(tenant, required[i]))
            reading_fault(reading, tenant->line, "[tenant %s] has no %s",
                          tenant->name, keys[required[i]].name);
    const struct section *source =
        reading_source(reading, tenant, KEY_NOTIFICATION_URL);
    if (!source || lacks(source, KEY_NOTIFICATION_URL))
        reading_fault(reading, tenant->line,
                      "[tenant %s] has no notification_url, and [callhook] "
                      "gives it none",
                      tenant->name);
}

/* NULL, or what is wrong with a secret of one line. */
static const char *secret_fault(const char *secret, size_t length)
{
    while (length && strchr("\r\n", secret[length - 1]) && secret[length - 1])
        length--;
    if (!length)
        return "is empty";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)secret[i] < ' ' || secret[i] == '\x7f')
            return "is not one line of text";
    return NULL;
}

/* Its name is not told: it may well be the secret, put into the wrong place. */
static void check_secret(struct reading *reading, const struct section *tenant)
{
    int line = tenant->lines[KEY_CLIENT_SECRET_FILE];
    size_t length;
    char why[256];

    char *secret = secretfile_read(tenant->texts[KEY_CLIENT_SECRET_FILE],
                                   SECRET_LIMIT, &length, why, sizeof(why));
    const char *fault = secret ? secret_fault(secret, length) : why;
    if (fault)
        reading_fault(reading, line, "client_secret_file: it %s", fault);
    if (secret)
        explicit_bzero(secret, length);
    free(secret);
}

static void check_certificate(struct reading *reading,
                              const struct section *tenant)
{
    char why[256];

    if (!assertion_check(tenant->texts[KEY_CERTIFICATE_FILE],
                         tenant->texts[KEY_PRIVATE_KEY_FILE], why, sizeof(why)))
        reading_fault(reading, tenant->lines[KEY_CERTIFICATE_FILE], "%s", why);
}

/* A secret, or a certificate with its key. */
static void check_credential(struct reading *reading,
                             const struct section *tenant)
{
    bool secret = has(tenant, KEY_CLIENT_SECRET_FILE);
    bool certificate = has(tenant, KEY_CERTIFICATE_FILE);
    bool key = has(tenant, KEY_PRIVATE_KEY_FILE);

    if (!secret && !certificate && !key)
        reading_fault(reading, tenant->line,
                      "[tenant %s] has no client_secret_file, nor "
                      "certificate_file and private_key_file",
                      tenant->name);
    if (secret && (certificate || key))
        reading_fault(reading,
                      tenant->lines[certificate ? KEY_CERTIFICATE_FILE
                                                : KEY_PRIVATE_KEY_FILE],
                      "[tenant %s] has a client_secret_file too; it needs one "
                      "of both",
                      tenant->name);
    else if (certificate && !key)
        reading_fault(reading, tenant->lines[KEY_CERTIFICATE_FILE],
                      "certificate_file without private_key_file");
    else if (key && !certificate)
        reading_fault(reading, tenant->lines[KEY_PRIVATE_KEY_FILE],
                      "private_key_file without certificate_file");
    if (secret)
        check_secret(reading, tenant);
    if (certificate && key)
        check_certificate(reading, tenant);
}

static void check_ca_file(struct reading *reading, const struct section *tenant)
{
    const char *path = tenant->texts[KEY_CA_FILE];
    size_t length;
    char why[256];

    if (!has(tenant, KEY_CA_FILE))
        return;
    char *bytes = publicfile_read(path, FILE_LIMIT, &length, why, sizeof(why));
    if (!bytes)
        reading_fault(reading, tenant->lines[KEY_CA_FILE],
                      "ca_file: \"%.80s\" %s", path, why);
    else if (!length)
        reading_fault(reading, tenant->lines[KEY_CA_FILE],
                      "ca_file: \"%.80s\" is empty", path);
    free(bytes);
}

/* Also of [callhook] alone, so that its own fault is told once. */
static void check_rhythm(struct reading *reading, const struct section *section)
{
    int every_line = section->lines[KEY_RENEW_EVERY_MINUTES];
    int line = every_line ? every_line : section->lines[KEY_LIFETIME_MINUTES];

    /* By default it is half of a lifetime that is too short for more. */
    if (!line || !reading_source(reading, section, KEY_RENEW_EVERY_MINUTES))
        return;
    long lifetime =
        strtol(reading_text(reading, section, KEY_LIFETIME_MINUTES), NULL, 10);
    long every = strtol(reading_text(reading, section, KEY_RENEW_EVERY_MINUTES),
                        NULL, 10);
    if (every > lifetime / 2)
        reading_fault(reading, line,
                      "renew_every_minutes (%ld) is over half of "
                      "lifetime_minutes (%ld)",
                      every, lifetime);
}

/* Graph allows one such subscription; "/x" is taken for "x". */
static bool same_subscription(const struct reading *reading,
                              const struct section *a, const struct section *b)
{
    const char *x = reading_text(reading, a, KEY_RESOURCE);
    const char *y = reading_text(reading, b, KEY_RESOURCE);

    return has(a, KEY_TENANT_ID) && has(b, KEY_TENANT_ID) &&
           strcmp(a->texts[KEY_TENANT_ID], b->texts[KEY_TENANT_ID]) == 0 &&
           strcasecmp(x + strspn(x, "/"), y + strspn(y, "/")) == 0 &&
           strcmp(reading_text(reading, a, KEY_CHANGE_TYPE),
                  reading_text(reading, b, KEY_CHANGE_TYPE)) == 0;
}

static void check_unique(struct reading *reading, const struct section *tenant)
{
    for (const struct section *other = reading->tenants; other < tenant;
         other++)
        if (same_subscription(reading, other, tenant)) {
            reading_fault(reading, tenant->line,
                          "[tenant %s] has the tenant_id, resource and "
                          "change_type of [tenant %s], line %d",
                          tenant->name, other->name, other->line);
            return;
        }
}

static bool holds_password(const PQconninfoOption *option)
{
    for (; option->keyword; option++)
        if (option->val && *option->val &&
            (strcmp(option->keyword, "password") == 0 ||
             strcmp(option->keyword, "sslpassword") == 0))
            return true;
    return false;
}

/* With a password in it, this file is a secret's as well. */
static void check_database(struct reading *reading)
{
    const char *database = reading->callhook.texts[KEY_DATABASE];
    int line = reading->callhook.lines[KEY_DATABASE];
    size_t length;
    char why[256];

    if (!has(&reading->callhook, KEY_DATABASE))
        return;
    PQconninfoOption *options = PQconninfoParse(database, NULL);
    if (!options) {
        reading_fault(reading, line,
                      "database: libpq does not understand the value");
        return;
    }
    if (holds_password(options)) {
        char *bytes = secretfile_read(reading->path, FILE_LIMIT, &length, why,
                                      sizeof(why));
        if (!bytes)
            reading_fault(reading, line,
                          "database: it holds a password, but this file %s",
                          why);
        else
            explicit_bzero(bytes, length);
        free(bytes);
    }
    PQconninfoFree(options);
}

void settings_check(struct reading *reading)
{
    check_database(reading);
    check_rhythm(reading, &reading->callhook);
    for (size_t i = 0; i < reading->tenant_count; i++) {
        const struct section *tenant = &reading->tenants[i];

        check_required(reading, tenant);
        check_credential(reading, tenant);
        check_ca_file(reading, tenant);
        check_rhythm(reading, tenant);
        check_unique(reading, tenant);
    }
}
