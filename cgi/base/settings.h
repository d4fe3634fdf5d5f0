/* The environment variables that callhook reads (callhook(8)). */
#ifndef CALLHOOK_SETTINGS_H
#define CALLHOOK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/guid.h"

struct settings {
    const char *spool; /* folder; NULL: no spool */
    uint64_t spool_max;
    struct digest *client_states; /* secrets accepted besides the database's */
    size_t client_states_count;
    struct guid *open_subscriptions; /* items of these need no secret */
    size_t open_subscriptions_count;
    size_t max_body; /* bytes */
    int64_t ack_us;
    size_t requests; /* in flight in this process */
};

/*
 * Reads them all and tells every fault in a line of its own; false if there
 * is one. The clear text of CALLHOOK_CLIENT_STATE is wiped and unset.
 */
bool settings_read(struct settings *settings);

void settings_free(struct settings *settings);

#endif
