/* Calls to Graph as one tenant's application, with its token. */
#ifndef RENEWER_GRAPH_H
#define RENEWER_GRAPH_H

#include "auth/token.h"
#include "base/fault.h"
#include "http/http.h"
#include "settings/settings.h"

/* One tenant's session. Zero it, set the first four, graph_close() it. */
struct graph {
    const struct tenant *tenant;
    const char *state_dir;
    struct http *http;
    int64_t deadline; /* clock_ms() */
    struct token token;
    int64_t skew;       /* Graph's clock less ours, in seconds, as last seen */
    bool told_time;     /* it was seen */
    struct fault fault; /* of the last step with a subscription */
};

/*
 * Sends one request and waits: fill in step, method, url, body, and so on; the
 * token, tenant and deadline are added here. A token that Graph does not take
 * (401) is replaced once, and so is an old one that lacks a right (403).
 * Returns transfer->outcome.
 */
enum outcome graph_send(struct graph *graph, struct transfer *transfer);

/*
 * Ensures a token that is valid for another minute; `refused` is one that Graph
 * does not take, or NULL. graph_send() does it by itself.
 */
enum outcome graph_authorise(struct graph *graph, const char *refused,
                             struct fault *fault);

/*
 * After a 403: gets a new token if this one may be from before a consent.
 * graph_send() does it by itself. False: the token stays as it is.
 */
bool graph_replace_token(struct graph *graph);

/* The tenant's Graph URL with this path behind it; the caller frees. */
char *graph_url(const struct graph *graph, const char *path);

/* Seconds since 1970 by Graph's clock, as far as it is known. */
int64_t graph_now(const struct graph *graph);

void graph_close(struct graph *graph);

#endif
