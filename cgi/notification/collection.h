/* The body of a notification: a changeNotificationCollection. */
#ifndef CALLHOOK_COLLECTION_H
#define CALLHOOK_COLLECTION_H

#include <stddef.h>

#include "base/settings.h"
#include "notification/item.h"
#include "notification/notification.h"

/*
 * Reads a whole body into `list`, which the caller frees. NULL if it is
 * sound; items with a fault of their own are then counted in `refused`.
 * Otherwise a sentence that says what the fault of the whole body is.
 */
const char *collection_read(const char *body, size_t length,
                            const struct arrival *arrival,
                            const struct settings *settings,
                            struct item_list *list);

#endif
