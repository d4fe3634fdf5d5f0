/* The form for people: 80 columns, below each line what is to be done. */
#ifndef RENEWER_TEXT_H
#define RENEWER_TEXT_H

#include <stdio.h>

#include "status/state.h"

/* `colour`: what needs a hand is red. */
void text_print(FILE *stream, const struct state *state, bool colour);

#endif
