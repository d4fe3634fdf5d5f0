/* Access tokens: asked for, kept in a file, used until they are about to end.
 */
#ifndef RENEWER_TOKEN_H
#define RENEWER_TOKEN_H

#include "auth/access_token.h"
#include "base/fault.h"
#include "http/http.h"
#include "settings/settings.h"

/*
 * Gets a token that is good for 5 minutes or more: from the tenant's file in
 * `state_dir`, or from the identity platform, and then keeps it there. A file
 * lock sees to it that two programs do not ask at once. `refused`: a token
 * that Graph did not take (401, 403), never returned again; or NULL.
 */
enum outcome token_get(struct token *token, const struct tenant *tenant,
                       const char *state_dir, struct http *http,
                       int64_t deadline, const char *refused,
                       struct fault *fault);

/* When the kept token ends; 0: there is none that could be used. */
int64_t token_kept_until(const struct tenant *tenant, const char *state_dir);

#endif
