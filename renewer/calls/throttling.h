/* How long Graph asked to be left alone, from one run to the next. */
#ifndef RENEWER_THROTTLING_H
#define RENEWER_THROTTLING_H

#include <stdbool.h>

#include "base/database.h"
#include "base/fault.h"

/* What Graph throttles apart: each has a quota of its own. */
enum throttling_step {
    THROTTLING_LIST,
    THROTTLING_LOGS,
    THROTTLING_RECORDS,
    THROTTLING_STEPS
};

/* Of a tenant: the steps that wait. */
struct throttling {
    bool waits[THROTTLING_STEPS];
};

/* What the database knows; none waits if it does not say. */
struct throttling throttling_read(struct database *database,
                                  const char *tenant_id);

/* Keeps what a fault asks for, if it does. */
void throttling_note(struct database *database, const char *tenant_id,
                     enum throttling_step step, const struct fault *fault);

#endif
