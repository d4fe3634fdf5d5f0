/*
 * HTTPS requests, over libcurl. One struct http belongs to one thread and keeps
 * its connections open from request to request.
 */
#ifndef RENEWER_HTTP_H
#define RENEWER_HTTP_H

#include "http/transfer.h"

#define HTTP_SMALL (1UL << 20) /* tokens and subscriptions */
#define HTTP_PAGE (16UL << 20) /* a page of call records */

struct http;

struct http *http_open(void);
void http_close(struct http *http);

/*
 * Sends and waits for the answer. Attempts that are worth another try (the
 * table in retry.c) are repeated with growing pauses, or after Retry-After
 * where that is short, until the deadline. Returns transfer->outcome.
 */
enum outcome http_send(struct http *http, struct transfer *transfer);

/* The same for several at a time: start any number, take them as they end. */
void http_start(struct http *http, struct transfer *transfer);

/* The next that has its answer; NULL if none has at `until` (clock_ms()). */
struct transfer *http_next(struct http *http, int64_t until);

/*
 * Gives up what has been started and not taken: outcome LATER, or UNSURE where
 * one that goes out only once was on its way.
 */
void http_abandon(struct http *http);

#endif
