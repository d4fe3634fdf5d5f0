/* The command `run`: whatever is due, for all tenants. */
#ifndef RENEWER_RUN_H
#define RENEWER_RUN_H

#include "settings.h"

/* Returns the exit status. */
int run(const struct settings *settings);

#endif
