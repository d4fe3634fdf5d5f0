/* The folder `state_dir`: one run at a time, and what has been told already. */
#ifndef RENEWER_STATE_H
#define RENEWER_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "outcome.h"

/*
 * Makes the folder (0700) if its parent is there, and sees to it that nobody
 * else can touch it. False: told.
 */
bool state_check(const char *state_dir);

/*
 * Locks STATE_DIR/NAME.lock; returns a descriptor to close, or -1: another
 * program holds it, or (`held` false) it cannot be made, which is told.
 */
int state_lock(const char *state_dir, const char *name, bool *held);

/*
 * Tells `line` on standard error unless the same was told within the hour.
 * `name` is a tenant's, whose lock the caller holds, or "": it is of all.
 */
void state_tell(const char *state_dir, const char *name, const char *line);

/* The same of a tenant's fault. */
void state_tell_fault(const char *state_dir, const char *tenant,
                      const struct fault *fault);

#endif
