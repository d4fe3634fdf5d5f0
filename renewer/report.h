/* The lines of `check`: what was looked at, and what is wrong with it. */
#ifndef RENEWER_REPORT_H
#define RENEWER_REPORT_H

/* "ok      SUBJECT: ..." */
void report_ok(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "note    SUBJECT: ...": worth knowing, no fault. */
void report_note(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "FAULT   SUBJECT: what is wrong: what to do" */
void report_fault(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How many faults there were. */
unsigned report_faults(void);

#endif
