/*
 * HTTPS requests, over libcurl. One struct http belongs to one thread and keeps
 * its connections open from request to request.
 */
#ifndef RENEWER_HTTP_H
#define RENEWER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outcome.h"
#include "settings.h"

#define HTTP_SMALL (1UL << 20) /* tokens and subscriptions */
#define HTTP_PAGE (16UL << 20) /* a page of call records */

struct http;

/* In main(), before any thread: libcurl's own start and end. */
void http_setup(void);
void http_cleanup(void);

struct http *http_open(void);
void http_close(struct http *http);

/*
 * One request, and then its answer. Fill in the first part (all texts stay
 * the caller's and must live until the answer is there), zero the rest.
 */
struct transfer {
    const struct tenant *tenant; /* ca_file and proxy; NULL: neither */
    const char *step;            /* for the fault: "list subscriptions" */
    const char *method;          /* GET, POST, PATCH, DELETE */
    const char *url;
    const char *bearer;       /* access token, or NULL */
    const char *content_type; /* of the body, or NULL */
    const char *accept;       /* NULL: application/json */
    const char *prefer;       /* or NULL */
    const char *body;         /* or NULL: none */
    size_t body_length;
    size_t limit;     /* bytes of the answer's body */
    int64_t deadline; /* clock_ms() */
    int64_t pause_ms; /* shortest pause before another attempt; 0: 1 s, 3 s */
    bool once;        /* never sent twice: a second one would do harm */
    void *context;    /* the caller's */

    enum outcome outcome; /* the answer */
    struct fault fault;   /* unless it is DONE */
    long status;          /* 0: none came */
    char *answer;         /* with a NUL behind it; never NULL once answered */
    size_t answer_length;
    char answer_type[80]; /* Content-Type without its parameters, lower case */
    int64_t date;         /* the Date header, seconds since 1970; 0: none */
    double seconds;       /* it took, in all attempts */
    int attempts;
};

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

/* Frees the answer; the struct can be filled in again. */
void transfer_free(struct transfer *transfer);

/* Whether both URLs have the same scheme, host and port. */
bool http_same_origin(const char *a, const char *b);

/* Whether a URL may be used: https, or http on a loopback address; printable
 * ASCII, no name or password in it. */
bool http_url_allowed(const char *url);

#endif
