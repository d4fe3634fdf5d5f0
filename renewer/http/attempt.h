/* An attempt at a transfer: libcurl's handle, and what comes over it. */
#ifndef RENEWER_ATTEMPT_H
#define RENEWER_ATTEMPT_H

#include <curl/curl.h>

#include "http/transfer.h"

/* One transfer on its way. */
struct attempt {
    struct attempt *next;
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
const char *attempt_fault(const struct transfer *transfer);

/* Makes the handle of an attempt; its CURLINFO_PRIVATE is the attempt. */
void attempt_begin(struct attempt *attempt);

/* Takes the result of the attempt into the transfer, and frees the handle. */
struct verdict attempt_end(struct attempt *attempt, CURLcode code);

/* Frees the handle, also in the middle of an attempt. */
void attempt_drop(struct attempt *attempt);

#endif
