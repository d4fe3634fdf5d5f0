/* Requests from a web server that speaks FastCGI. */
#ifndef CALLHOOK_FASTCGI_H
#define CALLHOOK_FASTCGI_H

#include <stdbool.h>

#include "base/settings.h"

/* Whether a listening socket is file descriptor 0. */
bool fastcgi_is_offered(void);

/* Serves until SIGTERM, SIGUSR1 or SIGINT. The exit status. */
int fastcgi_serve(const struct settings *settings);

#endif
