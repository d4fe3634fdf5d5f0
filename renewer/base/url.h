/* URLs: which may be used, and which are of one origin. */
#ifndef RENEWER_URL_H
#define RENEWER_URL_H

#include <stdbool.h>

/* Whether both URLs have the same scheme, host and port. */
bool url_same_origin(const char *a, const char *b);

/* Whether they differ at most in how scheme, host, port and an empty path are
 * written. */
bool url_is_same(const char *a, const char *b);

/* Whether its host is localhost or a loopback address. */
bool url_is_loopback(const char *url);

/*
 * Why a URL may not be used, without quoting it: it may hold a password where
 * none should be. NULL: it may. It is https, or http on a loopback address;
 * printable ASCII, with no name and no password in it.
 */
const char *url_fault(const char *url);

/* The same, but http may go everywhere. */
const char *url_form_fault(const char *url);

/*
 * Writes a value as a form does, and Graph in a query: what is not plain as %
 * and small hexadecimal digits, a space as +. Takes up to three times the room;
 * returns the end.
 */
char *url_form_value(char *out, const char *value);

#endif
