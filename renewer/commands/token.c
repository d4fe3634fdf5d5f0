/* The command `token`: a valid access token, for scripts. */
#include "commands/commands.h"

#include <sysexits.h>

#include "auth/token.h"
#include "base/clock.h"
#include "http/http.h"

#define TENANT_MS 30000

int token_command(const struct settings *settings, const struct words *words)
{
    const struct tenant *tenant = settings_tenant(settings, words->all[0]);
    struct token token = {0};
    struct fault fault = {0};
    struct http *http = http_open();
    int status = EX_OK;

    if (token_get(&token, tenant, settings->state_dir, http,
                  clock_ms() + TENANT_MS, NULL, &fault) == DONE) {
        puts(token.text);
    } else {
        fault_log(&fault, tenant->name);
        status = 1;
    }
    access_token_free(&token);
    http_close(http);
    return status;
}
