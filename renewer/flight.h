/* One transfer on its way: libcurl's handle of an attempt, and what comes. */
#ifndef RENEWER_FLIGHT_H
#define RENEWER_FLIGHT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "retry.h"

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

/* Whether the transfer can be sent at all; its fault says why not. */
bool flight_check(struct transfer *transfer);

/* Makes the handle of an attempt; its CURLINFO_PRIVATE is the flight. */
void flight_begin(struct flight *flight);

/* Takes the result of the attempt into the transfer, and frees the handle. */
struct verdict flight_end(struct flight *flight, CURLcode code);

/* Frees the handle, also in the middle of an attempt. */
void flight_drop(struct flight *flight);

#endif
