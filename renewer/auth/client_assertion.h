/* The signed statement by which a certificate's owner asks for a token. */
#ifndef RENEWER_CLIENT_ASSERTION_H
#define RENEWER_CLIENT_ASSERTION_H

/*
 * Makes the JWT (PS256, x5t#S256) for the client at `audience`, the token URL,
 * good for 10 minutes from `now` (seconds since 1970). NULL: `why` says what is
 * wrong. Free with memory_wipe().
 */
char *client_assertion_make(const char *certificate_file,
                            const char *private_key_file, const char *client_id,
                            const char *audience, int64_t now, char *why,
                            size_t why_size);

#endif
