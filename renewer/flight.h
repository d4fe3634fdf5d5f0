/* The inside of http.c: attempts, what their results mean, and answers. */
#ifndef RENEWER_FLIGHT_H
#define RENEWER_FLIGHT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

/* -- retry.c: whether another attempt is worth it ---------------------- */

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

/* -- answer.c: what is read of an answer ------------------------------- */

/* Takes one header, if it is one that we want. */
void answer_header(struct transfer *transfer, const char *name,
                   const char *value);

/*
 * Reads Graph's error body, or the identity platform's, into fault->code, and
 * into fault->request_id where no header gave it. Their sentences are for
 * people and may hold names: they are not read.
 */
void answer_error(struct transfer *transfer);

/* -- flight.c: libcurl's handle of an attempt, and what comes ---------- */

/* One transfer on its way. */
struct flight {
    struct flight *next;
    struct transfer *transfer;
    int64_t send_at; /* clock_ms(): when the next attempt begins */
    bool fresh;      /* it needs a connection of its own */
    bool ended;      /* the transfer has its outcome */

    CURL *handle;               /* of the attempt that runs, or NULL */
    struct curl_slist *headers; /* the access token is among them */
    int64_t begun_at;
    int sent;            /* how often the request went out */
    size_t room;         /* bytes at transfer->answer */
    size_t header_bytes; /* that came */
    size_t over;         /* the limit that the answer went over, or 0 */
};

/* Why the transfer cannot be sent at all, or NULL. */
const char *flight_fault(const struct transfer *transfer);

/* Makes the handle of an attempt; its CURLINFO_PRIVATE is the flight. */
void flight_begin(struct flight *flight);

/* Takes the result of the attempt into the transfer, and frees the handle. */
struct verdict flight_end(struct flight *flight, CURLcode code);

/* Frees the handle, also in the middle of an attempt. */
void flight_drop(struct flight *flight);

#endif
