/* What to do about a fault of the identity platform or of Graph. */
#ifndef RENEWER_ADVICE_H
#define RENEWER_ADVICE_H

#include "outcome.h"

/* One sentence; never NULL. */
const char *advice_token(const struct fault *fault);
const char *advice_graph(const struct fault *fault);

#endif
