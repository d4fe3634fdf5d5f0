/* The one request of a plain CGI program. */
#ifndef CALLHOOK_CGI_H
#define CALLHOOK_CGI_H

#include <stdbool.h>

#include "base/settings.h"

/* Whether a web server has started this process as a CGI program. */
bool cgi_is_offered(void);

/* Answers the request of the environment. The exit status. */
int cgi_serve(const struct settings *settings);

#endif
