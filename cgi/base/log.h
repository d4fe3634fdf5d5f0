/* Messages on standard error: one line an event, nothing of a payload. */
#ifndef CALLHOOK_LOG_H
#define CALLHOOK_LOG_H

/*
 * What can repeat with every request. Each cause is told at once, then at
 * most once a minute, with the number of times that were left out.
 */
enum log_cause {
    LOG_REQUEST,    /* a fault of the peer's */
    LOG_REFUSED,    /* items that nobody vouches for */
    LOG_CONNECTION, /* the database cannot be reached */
    LOG_STATEMENT,  /* the database did not take a batch */
    LOG_SPOOL,      /* the spool did not take a batch */
    LOG_DRAIN,      /* the spool could not be emptied */
    LOG_FASTCGI,    /* a web server that breaks the protocol */
    LOG_CAUSES
};

/* Writes one line, every byte outside of printable ASCII escaped. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same of what needs nobody's hand: a notice where the journal has it. */
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line of a cause that may repeat. */
void log_cause(enum log_cause cause, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Logs an internal error and ends the program with `status`. */
_Noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
