/* What the command `check` finds, a line each on standard output. */
#ifndef RENEWER_FINDING_H
#define RENEWER_FINDING_H

enum finding { FINE, NOTED, FAULTY };

/*
 * "ok      SUBJECT: ...", "note    SUBJECT: ..." (worth knowing, no fault), or
 * "FAULT   SUBJECT: what is wrong: what to do".
 */
void finding_say(enum finding finding, const char *subject, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));

/* How many FAULTY ones were said. */
unsigned finding_faults(void);

#endif
