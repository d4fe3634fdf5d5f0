/* The file that keeps a tenant's access token, STATE_DIR/NAME.token. */
#ifndef RENEWER_TOKENFILE_H
#define RENEWER_TOKENFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"
#include "token.h"

/*
 * Reads the kept token if it is this client's, was obtained by `now` (seconds
 * since 1970) and is good for 5 minutes or more. token_free() it.
 */
bool tokenfile_read(struct token *token, const struct tenant *tenant,
                    const char *state_dir, int64_t now);

/* Keeps a token; false: errno says why not. */
bool tokenfile_write(const struct token *token, const struct tenant *tenant,
                     const char *state_dir, int64_t obtained_at);

/*
 * Waits for STATE_DIR/NAME.token-lock. Returns a file to close(); -1: errno is
 * EWOULDBLOCK if somebody held it until the deadline, else why there can be no
 * lock.
 */
int tokenfile_lock(const struct tenant *tenant, const char *state_dir,
                   int64_t deadline);

#endif
