/* What several keys say together, and the files that they name. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "settings/settings_keys.h"

#define FILE_LIMIT (16UL << 20)

static void check_required(struct reading *reading,
                           const struct section *section)
{
    const struct tenant *tenant = &section->tenant;

    if (!section->lines[KEY_TENANT_ID])
        settings_fault(reading, section->line, "[tenant %s] has no tenant_id",
                       tenant->name);
    if (!section->lines[KEY_CLIENT_ID])
        settings_fault(reading, section->line, "[tenant %s] has no client_id",
                       tenant->name);
    if (!*tenant->notification_url && !section->faulty[KEY_NOTIFICATION_URL])
        settings_fault(reading, section->line,
                       "[tenant %s] has no notification_url, and [callhook] "
                       "gives it none",
                       tenant->name);
}

/* Its name is not told: it may well be the secret, put into the wrong place. */
static void check_secret(struct reading *reading, const struct section *section)
{
    char why[WHY_SIZE];
    char *secret = private_file_read_line(section->tenant.client_secret_file,
                                          why, sizeof(why));

    if (!secret)
        settings_fault(reading, section->lines[KEY_CLIENT_SECRET_FILE],
                       "client_secret_file: it %s", why);
    memory_wipe(secret);
}

/* A secret, or a certificate with its key. */
static void check_credential(struct reading *reading,
                             const struct section *section)
{
    const struct tenant *tenant = &section->tenant;
    bool secret = *tenant->client_secret_file;
    bool certificate = *tenant->certificate_file;
    bool key = *tenant->private_key_file;
    enum key_id first =
        certificate ? KEY_CERTIFICATE_FILE : KEY_PRIVATE_KEY_FILE;
    int line = section->lines[first];
    char why[WHY_SIZE];

    if (!secret && !certificate && !key)
        settings_fault(reading, section->line,
                       "[tenant %s] has no client_secret_file, nor "
                       "certificate_file and private_key_file",
                       tenant->name);
    if (secret && (certificate || key))
        settings_fault(reading, line,
                       "[tenant %s] has a client_secret_file too; it needs one "
                       "of both",
                       tenant->name);
    else if (certificate != key)
        settings_fault(reading, line, "%s without %s",
                       certificate ? "certificate_file" : "private_key_file",
                       certificate ? "private_key_file" : "certificate_file");
    if (secret)
        check_secret(reading, section);
    if (certificate && key &&
        !certificate_check(tenant->certificate_file, tenant->private_key_file,
                           why, sizeof(why)))
        settings_fault(reading, line, "%s", why);
}

static void check_ca_file(struct reading *reading,
                          const struct section *section)
{
    const char *path = section->tenant.ca_file;
    size_t length;
    char why[WHY_SIZE];

    if (!*path)
        return;
    char *bytes =
        private_file_read_public(path, FILE_LIMIT, &length, why, sizeof(why));
    if (!bytes || !length)
        settings_fault(reading, section->lines[KEY_CA_FILE],
                       "ca_file: \"%.80s\" %s", path, bytes ? "is empty" : why);
    free(bytes);
}

/* Also of [callhook] alone, so that its own fault is told once. */
static void check_rhythm(struct reading *reading, const struct section *section)
{
    const struct tenant *tenant = &section->tenant;
    int every_line = section->lines[KEY_RENEW_EVERY_MINUTES];
    int line = every_line ? every_line : section->lines[KEY_LIFETIME_MINUTES];

    /* By default it is half of a lifetime that is too short for more. */
    if (line && settings_line(reading, section, KEY_RENEW_EVERY_MINUTES) &&
        tenant->renew_every_minutes > tenant->lifetime_minutes / 2)
        settings_fault(reading, line,
                       "renew_every_minutes (%ld) is over half of "
                       "lifetime_minutes (%ld)",
                       tenant->renew_every_minutes, tenant->lifetime_minutes);
}

/* Graph allows one such subscription. */
static bool same_subscription(const struct tenant *a, const struct tenant *b)
{
    const char *x = a->resource + strspn(a->resource, "/");
    const char *y = b->resource + strspn(b->resource, "/");

    return *a->tenant_id && strcmp(a->tenant_id, b->tenant_id) == 0 &&
           strcasecmp(x, y) == 0 && strcmp(a->change_type, b->change_type) == 0;
}

static void check_unique(struct reading *reading, const struct section *section)
{
    for (const struct section *other = reading->sections + 1; other < section;
         other++)
        if (!other->stray &&
            same_subscription(&other->tenant, &section->tenant)) {
            settings_fault(reading, section->line,
                           "[tenant %s] has the tenant_id, resource and "
                           "change_type of [tenant %s], line %d",
                           section->tenant.name, other->tenant.name,
                           other->line);
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
    const char *database = reading->sections[0].general.database;
    int line = reading->sections[0].lines[KEY_DATABASE];
    size_t length;
    char why[WHY_SIZE];

    if (!*database)
        return;
    PQconninfoOption *options = PQconninfoParse(database, NULL);
    if (!options) {
        settings_fault(reading, line,
                       "database: libpq does not understand the value");
        return;
    }
    if (holds_password(options)) {
        char *bytes = private_file_read(reading->path, FILE_LIMIT, &length, why,
                                        sizeof(why));
        if (!bytes)
            settings_fault(reading, line,
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
    check_rhythm(reading, &reading->sections[0]);
    for (size_t i = 1; i < reading->count; i++) {
        const struct section *section = &reading->sections[i];

        if (section->stray)
            continue;
        check_required(reading, section);
        check_credential(reading, section);
        check_ca_file(reading, section);
        check_rhythm(reading, section);
        check_unique(reading, section);
    }
}
