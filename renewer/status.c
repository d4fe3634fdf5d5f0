/* The command `status`: how it stands with each tenant. */
#include "status.h"

#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "commands.h"
#include "database.h"
#include "log.h"
#include "memory.h"

#define CONNECT_MS 8000

/* False: the fault is in status->database_fault. */
static bool read_overview(struct status *status)
{
    char why[300];
    struct database *database = database_open(
        status->settings->database, clock_ms() + CONNECT_MS, why, sizeof(why));
    bool good = database && overview_load(database, &status->overview);

    if (!database)
        snprintf(status->database_fault, sizeof(status->database_fault),
                 "the database cannot be used: %s", why);
    else if (!good)
        snprintf(status->database_fault, sizeof(status->database_fault),
                 "the database did not answer; callhook-renewer check looks "
                 "at its rights");
    else
        status->last_known = overview_load_last(database, &status->overview);
    database_close(database);
    return good;
}

static void judge(struct status *status)
{
    const struct settings *settings = status->settings;

    status->health = memory_new(settings->tenant_count, sizeof(struct health));
    for (size_t i = 0; i < settings->tenant_count; i++) {
        health_find(&status->health[i], &status->overview,
                    &settings->tenants[i]);
        if (status->health[i].needs.count)
            status->in_need++;
    }
}

static void status_free(struct status *status)
{
    for (size_t i = 0; status->health && i < status->settings->tenant_count;
         i++)
        health_free(&status->health[i]);
    free(status->health);
    overview_free(&status->overview);
}

/* https://no-color.org */
static bool wants_colour(void)
{
    const char *without = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (!without || !*without);
}

int command_status(const struct settings *settings, const struct words *words)
{
    struct status status = {.settings = settings};
    bool fine;

    if (words->count && strcmp(words->all[0], "--json") != 0) {
        log_line("status has one option, --json");
        return EX_USAGE;
    }
    if (read_overview(&status))
        judge(&status);
    if (words->count)
        status_print_json(&status);
    else
        status_print_table(&status, wants_colour());
    fine = status.health && status.in_need == 0;
    status_free(&status);
    return fine ? EX_OK : 1;
}
