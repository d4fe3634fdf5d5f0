/* Whether a URL of the settings is one. */
#ifndef RENEWER_SETTINGS_URL_H
#define RENEWER_SETTINGS_URL_H

#include <stdbool.h>

/*
 * What is wrong with a URL of http or https: "names no host". NULL: nothing.
 * A user name, a password and a fragment are wrong everywhere; a query and a
 * path, other than "/", where it shall be an `origin`.
 */
const char *settings_url_fault(const char *url, bool origin);

#endif
