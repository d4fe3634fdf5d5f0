/* The command `token`: a valid access token, for scripts. */
#include "commands.h"

#include <sysexits.h>

#include "clock.h"
#include "http.h"
#include "token.h"

#define TENANT_MS 30000

int command_token(const struct settings *settings, const struct words *words)
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
    token_free(&token);
    http_close(http);
    return status;
}
