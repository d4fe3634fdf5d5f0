/* A change notification of a call, as Graph would send it. */
#ifndef RENEWER_NOTIFICATION_H
#define RENEWER_NOTIFICATION_H

#include "settings.h"

/*
 * The body for the nil call id. It holds the secret: memory_wipe() it.
 */
char *notification_make(const struct tenant *tenant,
                        const char *subscription_id, const char *client_state);

#endif
