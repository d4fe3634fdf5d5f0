/* URLs: which may be used, and which are of one origin. */
#ifndef RENEWER_URL_H
#define RENEWER_URL_H

#include <stdbool.h>

/* Whether both URLs have the same scheme, host and port. */
bool url_same_origin(const char *a, const char *b);

/* Whether a URL may be used: https, or http on a loopback address; printable
 * ASCII, no name or password in it. */
bool url_is_allowed(const char *url);

#endif
