/* The command `check`: tests all that a run needs, and names each fault. */
#include <errno.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "check_database.h"
#include "check_tenant.h"
#include "commands.h"
#include "handshake.h"
#include "memory.h"
#include "overview.h"
#include "report.h"

/* Graph documentation: slower answers to notifications count as slow. */
#define SLOW_SECONDS 3.0

/* By writing: a full disk and one mounted to be read look writable. */
static void check_state_dir(const struct settings *settings)
{
    char *path = memory_print("%s/.check.XXXXXX", settings->state_dir);
    int file = mkstemp(path);
    bool good = file >= 0 && write(file, "x", 1) == 1 && fsync(file) == 0;
    int number = errno;

    if (file >= 0) {
        close(file);
        unlink(path);
    }
    if (good)
        report_ok("state_dir", "%s can be written to", settings->state_dir);
    else
        report_fault("state_dir",
                     "%s: %s: see to the disk, and that this user owns the "
                     "folder",
                     settings->state_dir, strerrordesc_np(number));
    free(path);
}

static void check_url(struct http *http, const struct tenant *tenant,
                      const char *url)
{
    char *subject = handshake_public_url(url);
    struct handshake handshake;
    bool passed = handshake_try(&handshake, http, tenant, url);

    if (!passed)
        report_fault(subject, "%s", handshake.why);
    else if (handshake.seconds > SLOW_SECONDS)
        report_note(subject,
                    "the handshake took %.1f s; Graph wants notifications "
                    "answered within 3 s",
                    handshake.seconds);
    else
        report_ok(subject, "the handshake passes from here, in %d ms",
                  (int)(handshake.seconds * 1000));
    if (strncasecmp(url, "http:", 5) == 0)
        report_note(subject, "Graph itself only takes URLs of https");
    free(subject);
}

/* Whether an earlier tenant has this URL, too, and trusts the same. */
static bool was_checked(const struct settings *settings, size_t i,
                        const char *url)
{
    for (size_t j = 0; j < i; j++) {
        const struct tenant *earlier = &settings->tenants[j];

        if (strcmp(earlier->ca_file, settings->tenants[i].ca_file) == 0 &&
            (strcmp(earlier->notification_url, url) == 0 ||
             strcmp(earlier->lifecycle_url, url) == 0))
            return true;
    }
    return false;
}

static void check_urls(const struct settings *settings, struct http *http)
{
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        const char *url = tenant->notification_url;
        const char *lifecycle = tenant->lifecycle_url;

        if (!was_checked(settings, i, url))
            check_url(http, tenant, url);
        if (strcmp(lifecycle, url) != 0 && !was_checked(settings, i, lifecycle))
            check_url(http, tenant, lifecycle);
    }
}

int command_check(const struct settings *settings, const struct words *words)
{
    struct http *http = http_open();
    struct overview overview = {0};
    bool known = false;

    (void)words;
    report_ok("settings", "they have been read, %zu tenants",
              settings->tenant_count);
    check_state_dir(settings);
    struct database *database = check_database(settings);
    if (database)
        known = overview_load(database, &overview);
    database_close(database);
    check_urls(settings, http);
    for (size_t i = 0; i < settings->tenant_count; i++)
        check_tenant(settings, &settings->tenants[i], http,
                     known ? &overview : NULL);
    overview_free(&overview);
    http_close(http);
    return report_faults() ? 1 : EX_OK;
}
