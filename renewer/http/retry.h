/* What the result of an attempt means, and whether another one is worth it. */
#ifndef RENEWER_RETRY_H
#define RENEWER_RETRY_H

#include <curl/curl.h>

#include "base/fault.h"

#define RETRY_ATTEMPTS 3

struct verdict {
    enum outcome outcome;
    bool again;       /* another attempt is worth it */
    bool fresh;       /* over a new connection */
    const char *text; /* what to say; "" where the status says it all */
};

/* Of an answer with this HTTP status. `once`: see struct transfer. */
struct verdict retry_status(long status, bool once);

/* Of a transfer that libcurl could not finish. `sent`: the request may have
 * gone out. */
struct verdict retry_failure(CURLcode code, bool sent, bool once);

/*
 * Milliseconds from the end of attempt number `attempt` (from 1) to the next;
 * -1: none. `retry_after`: seconds the peer asked for, or 0; `least`: as
 * transfer->pause_ms; `left`: until the deadline; `chance`: any number, so
 * that many clients do not come back together.
 */
int64_t retry_pause(int attempt, long retry_after, int64_t least, int64_t left,
                    unsigned chance);

#endif
