/*
 * The commands, a file each. They return the exit status. Where the first word
 * must be a TENANT, main() has found it in the settings.
 */
#ifndef RENEWER_COMMANDS_H
#define RENEWER_COMMANDS_H

#include "settings/settings.h"

/* What follows the command's name, and how many. */
struct words {
    int count;
    char **all;
};

typedef int command_function(const struct settings *settings,
                             const struct words *words);

command_function run_command, status_command, check_command,
    subscriptions_command, unsubscribe_command, token_command, fetch_command,
    load_command, reconcile_command, simulate_command;

/* Whether the words ask `status` to be a monitoring plugin. */
bool status_is_plugin(const struct words *words);

#endif
