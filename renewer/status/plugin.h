/* The form for monitoring plugins: one line, and an exit status. */
#ifndef RENEWER_PLUGIN_H
#define RENEWER_PLUGIN_H

#include <stdio.h>

#include "status/verdict.h"

/* Returns what the program is to exit with. */
enum verdict plugin_print(FILE *stream, const struct state *state);

/* The same where nothing could be asked. */
enum verdict plugin_print_unknown(FILE *stream, const char *why);

#endif
