/* The command `token`: a valid access token, for scripts. */
#include "commands.h"

#include <sysexits.h>

#include "clock.h"
#include "http.h"
#include "log.h"
#include "token.h"

#define TENANT_MS 30000

int command_token(const struct settings *settings, const struct words *words)
{
    const struct tenant *tenant = settings_tenant(settings, words->all[0]);
    struct token token = {0};
    struct fault fault = {0};
    struct http *http;
    int status = EX_OK;

    if (!tenant) {
        log_line("there is no such tenant in the settings");
        return EX_USAGE;
    }
    http = http_open();
    if (token_get(&token, tenant, settings->state_dir, http,
                  clock_ms() + TENANT_MS, NULL, &fault) == DONE) {
        puts(token.text);
    } else {
        char what[600];

        fault_print(&fault, what, sizeof(what));
        log_line("%s: %s", tenant->name, what);
        status = 1;
    }
    token_free(&token);
    http_close(http);
    return status;
}
