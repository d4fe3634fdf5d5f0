/* Spans of time in words that people read: "in 2 d 3 h", "5 min ago". */
#ifndef RENEWER_SPAN_H
#define RENEWER_SPAN_H

#include <stdint.h>

#define SPAN_SIZE 24

/* "2 d 3 h": two units; days and hours only have a second one. */
void span_write(char text[SPAN_SIZE], int64_t seconds);

/* "in 2 d 3 h"; "over" if nothing is left. */
void span_in(char text[SPAN_SIZE], int64_t seconds);

/* "5 min ago": one unit, rounded down; "now" for nothing, or the future. */
void span_ago(char text[SPAN_SIZE], int64_t seconds);

#endif
