/* The file that keeps a tenant's access token, STATE_DIR/NAME.token. */
#ifndef RENEWER_TOKEN_CACHE_H
#define RENEWER_TOKEN_CACHE_H

#include "auth/access_token.h"
#include "settings/settings.h"

/*
 * Reads the kept token if it is this client's, was obtained by `now` (seconds
 * since 1970) and is good for 5 minutes or more. access_token_free() it.
 */
bool token_cache_read(struct token *token, const struct tenant *tenant,
                      const char *state_dir, int64_t now);

/* Keeps a token; false: errno says why not. */
bool token_cache_write(const struct token *token, const struct tenant *tenant,
                       const char *state_dir);

/*
 * Waits for STATE_DIR/NAME.token-lock. Returns a file to close(); -1: errno is
 * EWOULDBLOCK if somebody held it until the deadline, else why there can be no
 * lock.
 */
int token_cache_lock(const struct tenant *tenant, const char *state_dir,
                     int64_t deadline);

#endif
