/* Graph's handshake, posted to the own URL as Graph would. */
#ifndef RENEWER_HANDSHAKE_H
#define RENEWER_HANDSHAKE_H

#include "http/http.h"
#include "settings/settings.h"

#define HANDSHAKE_WHY_SIZE 400

struct handshake {
    double seconds;               /* that it took */
    char why[HANDSHAKE_WHY_SIZE]; /* "": the answer is what Graph wants */
};

/*
 * Posts a validation token to `url`, not through the tenant's proxy, trusting
 * public authorities only where the URL is public. False: why says what is
 * wrong, and what to do.
 */
bool handshake_try(struct handshake *handshake, struct http *http,
                   const struct tenant *tenant, const char *url);

/* The URL without its query, which may hold a secret; the caller frees. */
char *handshake_public_url(const char *url);

/* A copy of the tenant that reaches its own URL as Graph does: without the
 * proxy, and without the ca_file but for a URL that is not public. */
struct tenant handshake_direct(const struct tenant *tenant, const char *url);

/* What it means that the own URL gives this fault: one sentence. */
const char *handshake_advice(const struct transfer *transfer);

#endif
