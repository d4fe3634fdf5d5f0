/* Spans of time in words that people read: "in 2 d 3 h", "5 min ago". */
#ifndef RENEWER_DURATION_H
#define RENEWER_DURATION_H

#include <stdint.h>

/* A value, so that `duration_ago(age).text` can stand among printf's arguments.
 */
struct span {
    char text[24];
};

/* "2 d 3 h": two units; days and hours only have a second one. */
struct span duration_of(int64_t seconds);

/* "in 2 d 3 h"; "over" if nothing is left. */
struct span duration_in(int64_t seconds);

/* "5 min ago": one unit, rounded down; "now" for nothing, or the future. */
struct span duration_ago(int64_t seconds);

#endif
