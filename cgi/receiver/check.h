/* callhook --check: what a receiver needs, tried without serving. */
#ifndef CALLHOOK_CHECK_H
#define CALLHOOK_CHECK_H

#include "base/settings.h"

/*
 * Tries the spool, the database and the rights in it, and prints each fault.
 * What only weakens the promise is a line that begins with "weak:". The exit
 * status: 0, or 1 after a fault.
 */
int check_command(const struct settings *settings);

#endif
