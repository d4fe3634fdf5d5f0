/*
 * How a fault of a run is told: on standard error, once an hour while it lasts,
 * and when it has ended. What lasts is remembered in state_dir, for `status`.
 */
#ifndef RENEWER_REPORT_H
#define RENEWER_REPORT_H

#include <stddef.h>

#include "base/fault.h"

/*
 * Tells `line` unless the same was told within the hour. `subject` is what ends
 * as one: a tenant's name, whose lock the caller holds, or a word of ours.
 */
void report_line(const char *state_dir, const char *subject, const char *line);

/*
 * The same of a tenant's fault. `part` of its work, "" or ":calls", which does
 * not repeat what "" has told.
 */
void report_fault(const char *state_dir, const char *tenant, const char *part,
                  const struct fault *fault);

/* The same of the database. `what`: the peer's sentence, or ours. */
void report_database(const char *state_dir, const char *what);

/* The subject's work is well: if there was a fault, and not for so many
 * seconds, tells that it has ended. */
void report_end(const char *state_dir, const char *subject, long seconds);

/* The last line that was told of a subject that is not well; the caller frees.
 * NULL: it is well. */
char *report_last(const char *state_dir, const char *subject);

/* Subjects that are no tenant: names of tenants hold no colon. */
#define REPORT_DATABASE ":database"
#define REPORT_STATE_DIR ":state_dir"
#define REPORT_CLOCK ":clock"
#define REPORT_FILES ":files" /* that each run writes */
#define REPORT_CALLS ":calls" /* behind a tenant's name */

#endif
