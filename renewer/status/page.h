/* The form for looking at: one file of HTML, with nothing from elsewhere. */
#ifndef RENEWER_PAGE_H
#define RENEWER_PAGE_H

#include <stdio.h>

#include "status/state.h"

/* The state must have been loaded with its charts. */
void page_print(FILE *stream, const struct state *state);

#endif
