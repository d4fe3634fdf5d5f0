/*
 * The commands, a file each. They return the exit status. Where the first word
 * must be a TENANT, main() has found it in the settings.
 */
#ifndef RENEWER_COMMANDS_H
#define RENEWER_COMMANDS_H

#include "settings.h"

/* What follows the command's name, and how many. */
struct words {
    int count;
    char **all;
};

int command_run(const struct settings *settings, const struct words *words);
int command_status(const struct settings *settings, const struct words *words);
int command_check(const struct settings *settings, const struct words *words);
int command_subscriptions(const struct settings *settings,
                          const struct words *words);
int command_unsubscribe(const struct settings *settings,
                        const struct words *words);
int command_token(const struct settings *settings, const struct words *words);
int command_simulate(const struct settings *settings,
                     const struct words *words);
int command_fetch(const struct settings *settings, const struct words *words);
int command_reconcile(const struct settings *settings,
                      const struct words *words);

#endif
