/* Messages on standard error, one line each; no secret, nothing of a payload.
 */
#ifndef RENEWER_LOG_H
#define RENEWER_LOG_H

#include <stdbool.h>

/* -v: log_detail() speaks. */
extern bool log_verbose;

/* Writes one line, every byte outside of printable ASCII escaped. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with -v only. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To standard output, without control characters: the text is a peer's. */
void log_print(const char *text);

/* Logs an internal error and ends the program with `status`. */
_Noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
