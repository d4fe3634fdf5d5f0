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

int run_command(const struct settings *settings, const struct words *words);
int status_command(const struct settings *settings, const struct words *words);
int check_command(const struct settings *settings, const struct words *words);
int subscriptions_command(const struct settings *settings,
                          const struct words *words);
int unsubscribe_command(const struct settings *settings,
                        const struct words *words);
int token_command(const struct settings *settings, const struct words *words);
int simulate_command(const struct settings *settings,
                     const struct words *words);
int fetch_command(const struct settings *settings, const struct words *words);
int load_command(const struct settings *settings, const struct words *words);
int reconcile_command(const struct settings *settings,
                      const struct words *words);

#endif
