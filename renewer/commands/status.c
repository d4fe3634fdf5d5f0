/* The command `status`: how it stands, in the form that is asked for. */
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "status/metrics.h"
#include "status/page.h"
#include "status/plugin.h"
#include "status/state.h"
#include "status/text.h"

/* Each prints the state, and returns the exit status. */
typedef int form_function(const struct state *state);

static int fine_or_not(const struct state *state)
{
    return YAJL_IS_TRUE(json_member(state->tree, "ok")) ? EX_OK : 1;
}

/* https://no-color.org */
static bool wants_colour(void)
{
    const char *without = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (!without || !*without);
}

static int print_text(const struct state *state)
{
    text_print(stdout, state, wants_colour());
    return fine_or_not(state);
}

static int print_json(const struct state *state)
{
    puts(state->text);
    return fine_or_not(state);
}

static int print_plugin(const struct state *state)
{
    return (int)plugin_print(stdout, state);
}

static int print_metrics(const struct state *state)
{
    metrics_print(stdout, state);
    return fine_or_not(state);
}

static int print_page(const struct state *state)
{
    page_print(stdout, state);
    return fine_or_not(state);
}

static const struct form {
    const char *option;
    form_function *print;
} forms[] = {
    {"", print_text},           {"--json", print_json},
    {"--plugin", print_plugin}, {"--metrics", print_metrics},
    {"--html", print_page},
};

int status_command(const struct settings *settings, const struct words *words)
{
    const char *option = words->count ? words->all[0] : "";
    struct state state;
    int status;

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (strcmp(option, forms[i].option) == 0) {
            state_load(&state, settings, LAST_ALL,
                       forms[i].print == print_page);
            status = forms[i].print(&state);
            state_free(&state);
            return status;
        }
    log_line("status knows --json, --plugin, --metrics and --html");
    return EX_USAGE;
}

bool status_is_plugin(const struct words *words)
{
    return words->count == 1 && strcmp(words->all[0], "--plugin") == 0;
}
