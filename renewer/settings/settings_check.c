/* What several keys say together, and the files that they name. */
#include "settings/settings_check.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "base/resource.h"
#include "base/url.h"

#define CA_FILE_LIMIT (16UL << 20)

static void check_required(struct settings_file *file,
                           const struct section *section)
{
    const struct section *giver =
        settings_file_giver(file, section, KEY_NOTIFICATION_URL);
    const char *url = giver ? giver->values[KEY_NOTIFICATION_URL] : "";

    if (!section->lines[KEY_TENANT_ID])
        settings_file_fault(file, section->line, "[tenant %s] has no tenant_id",
                            section->name);
    if (!section->lines[KEY_CLIENT_ID])
        settings_file_fault(file, section->line, "[tenant %s] has no client_id",
                            section->name);
    if (url && !*url)
        settings_file_fault(file, section->line,
                            "[tenant %s] has no notification_url, and "
                            "[callhook] gives it none",
                            section->name);
}

/* Its name is not shown: it may be the secret, put into the wrong place. */
static void check_secret(struct settings_file *file,
                         const struct section *section, const char *path)
{
    char why[WHY_SIZE];
    char *secret = private_file_read_line(path, why, sizeof(why));

    if (!secret)
        settings_file_fault(file, section->lines[KEY_CLIENT_SECRET_FILE],
                            "client_secret_file: it %s", why);
    memory_wipe(secret);
}

/* A secret, or a certificate with its key. */
static void check_credential(struct settings_file *file,
                             const struct section *section,
                             const struct tenant *tenant)
{
    bool secret = *tenant->client_secret_file;
    bool certificate = *tenant->certificate_file;
    bool key = *tenant->private_key_file;
    enum key_id first =
        certificate ? KEY_CERTIFICATE_FILE : KEY_PRIVATE_KEY_FILE;
    int line = section->lines[first];
    char why[WHY_SIZE];

    if (!secret && !certificate && !key)
        settings_file_fault(file, section->line,
                            "[tenant %s] has no client_secret_file, nor "
                            "certificate_file and private_key_file",
                            section->name);
    if (secret && (certificate || key))
        settings_file_fault(file, line,
                            "[tenant %s] has a client_secret_file too; it "
                            "needs one of both",
                            section->name);
    else if (certificate != key)
        settings_file_fault(file, line, "%s without %s", keys[first].name,
                            certificate ? "private_key_file"
                                        : "certificate_file");
    if (secret)
        check_secret(file, section, tenant->client_secret_file);
    if (certificate && key &&
        !certificate_check(tenant->certificate_file, tenant->private_key_file,
                           why, sizeof(why)))
        settings_file_fault(file, line, "%s", why);
}

static void check_ca_file(struct settings_file *file,
                          const struct section *section, const char *path)
{
    size_t length;
    char why[WHY_SIZE];

    if (!*path)
        return;
    char *bytes = private_file_read_trusted(path, CA_FILE_LIMIT, &length, why,
                                            sizeof(why));
    if (!bytes || !length)
        settings_file_fault(file, section->lines[KEY_CA_FILE],
                            "ca_file: \"%.80s\" %s", path,
                            bytes ? "is empty" : why);
    free(bytes);
}

/* A fault of [callhook] is reported once, for the first tenant with it. */
static void check_rhythm(struct settings_file *file,
                         const struct section *section,
                         const struct tenant *tenant, bool *told)
{
    int own = section->lines[KEY_RENEW_EVERY_MINUTES];
    int line = own ? own : section->lines[KEY_LIFETIME_MINUTES];

    /* By default it is half of a lifetime that is too short for more. */
    if (tenant->renew_every_minutes <= tenant->lifetime_minutes / 2 ||
        (!line && *told))
        return;
    *told |= !line;
    settings_file_fault(
        file, line ? line : file->sections[0].lines[KEY_RENEW_EVERY_MINUTES],
        "renew_every_minutes (%ld) is over half of lifetime_minutes (%ld)",
        tenant->renew_every_minutes, tenant->lifetime_minutes);
}

/* Tests against a double would wait for hours; Graph would be angry. */
static void check_quota(struct settings_file *file, const struct tenant *tenant)
{
    if (!tenant->quota && !url_is_loopback(tenant->graph_url))
        settings_file_fault(file, file->sections[0].lines[KEY_QUOTA],
                            "quota: off is for a graph_url on a loopback "
                            "address only, that of [tenant %s] is not",
                            tenant->name);
}

/* Graph allows one such subscription. */
static bool same_subscription(const struct tenant *a, const struct tenant *b)
{
    return *a->tenant_id && strcmp(a->tenant_id, b->tenant_id) == 0 &&
           resource_is_same(a->resource, b->resource) &&
           strcmp(a->change_type, b->change_type) == 0;
}

static void check_unique(struct settings_file *file,
                         const struct settings *settings, size_t number)
{
    const struct tenant *tenant = &settings->tenants[number];

    for (size_t i = 0; i < number; i++)
        if (!file->sections[i + 1].stray &&
            same_subscription(&settings->tenants[i], tenant)) {
            settings_file_fault(file, file->sections[number + 1].line,
                                "[tenant %s] has the tenant_id, resource and "
                                "change_type of [tenant %s], line %d",
                                tenant->name, settings->tenants[i].name,
                                file->sections[i + 1].line);
            return;
        }
}

/*
 * Whether a URI, from behind its "://", has an @ that libpq takes for the wrong
 * one. It takes the first, if no slash stands before it, for the end of user
 * and password; in parameters, behind a path, an @ is one of theirs.
 */
static bool has_wrong_at(const char *place)
{
    const char *at = strchr(place, '@');
    const char *question = strchr(place, '?');
    bool asks_before = question && at && question < at;

    if (!at)
        return false;
    if (at > place + strcspn(place, "/"))
        return !asks_before;
    return (asks_before && memchr(question, '=', (size_t)(at - question))) ||
           memchr(at + 1, '@', strcspn(at + 1, "?"));
}

/*
 * A password with a slash or an @ in it that is not written as %XX is taken for
 * a port or for a part of the host's name, which libpq quotes when it fails.
 */
static bool is_misread(const char *database, const PQconninfoOption *options)
{
    bool is_uri = strncmp(database, "postgres", 8) == 0;
    const char *place = is_uri ? strstr(database, "://") : NULL;

    while (options->keyword && strcmp(options->keyword, "port") != 0)
        options++;
    return (options->val && options->val[strspn(options->val, "0123456789,"
                                                              " ")]) ||
           (place && has_wrong_at(place + 3));
}

static void check_database(struct settings_file *file, const char *database)
{
    PQconninfoOption *options = PQconninfoParse(database, NULL);
    int line = file->sections[0].lines[KEY_DATABASE];

    if (!options)
        settings_file_fault(file, line,
                            "database: libpq does not understand the value");
    else if (is_misread(database, options))
        settings_file_fault(file, line,
                            "database: libpq would misread the value: "
                            "in a URI / ? @ of a password are %%2F %%3F %%40");
    PQconninfoFree(options);
}

void settings_check(struct settings_file *file, const struct settings *settings)
{
    bool told = false;

    check_database(file, settings->database);
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct section *section = &file->sections[i + 1];
        const struct tenant *tenant = &settings->tenants[i];

        if (section->stray)
            continue;
        check_required(file, section);
        check_credential(file, section, tenant);
        check_ca_file(file, section, tenant->ca_file);
        check_rhythm(file, section, tenant, &told);
        check_quota(file, tenant);
        check_unique(file, settings, i);
    }
}
