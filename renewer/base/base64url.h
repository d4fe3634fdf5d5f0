/* base64url without padding, RFC 4648 section 5, as in a JWT. */
#ifndef RENEWER_BASE64URL_H
#define RENEWER_BASE64URL_H

#include <stddef.h>

/* The caller frees. */
char *base64url_encode(const void *bytes, size_t length);

/*
 * The bytes with a NUL behind them (the caller frees), or NULL if the text is
 * no base64url.
 */
char *base64url_decode(const char *text, size_t text_length, size_t *length);

#endif
