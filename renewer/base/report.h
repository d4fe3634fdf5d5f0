/* Faults on standard error, each once an hour; what was reported is kept in
 * state_dir. */
#ifndef RENEWER_REPORT_H
#define RENEWER_REPORT_H

#include "base/fault.h"

/*
 * Prints `line` on standard error unless it did so within the hour.
 * `name` is a tenant's, whose lock the caller holds, or "": it is of all.
 */
void report_line(const char *state_dir, const char *name, const char *line);

/* The same of a tenant's fault. */
void report_fault(const char *state_dir, const char *tenant,
                  const struct fault *fault);

#endif
