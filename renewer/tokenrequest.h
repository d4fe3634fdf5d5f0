/* Asking the identity platform for an access token. */
#ifndef RENEWER_TOKENREQUEST_H
#define RENEWER_TOKENREQUEST_H

#include <stdint.h>

#include "http.h"
#include "token.h"

/* Asks for a token with the tenant's secret or certificate. */
enum outcome tokenrequest_send(struct token *token, const struct tenant *tenant,
                               struct http *http, int64_t deadline,
                               struct fault *fault);

#endif
