/* SPOOL/rejected/: what is kept for a person to look at, with the reason. */
#ifndef CALLHOOK_REJECTED_H
#define CALLHOOK_REJECTED_H

#include <stdbool.h>
#include <stddef.h>

#include "notification/item.h"

enum rejected_result {
    REJECTED_NOW,
    REJECTED_BEFORE, /* it is there already */
    REJECTED_FAILED, /* it could not be written, which is logged */
};

/*
 * Puts one item aside into the spool `folder`'s rejected/, with the reason
 * beside it.
 */
enum rejected_result rejected_add(const char *folder, const struct item *item,
                                  const char *row, size_t length,
                                  const char *reason);

/*
 * Moves a damaged file of the folder aside, and tells why. One that lies
 * elsewhere stays there. False: it could not be moved.
 */
bool rejected_move(const char *folder, const char *path, const char *why);

/* Removes what a process that died has left in rejected/. */
void rejected_sweep(const char *folder);

/* Removes the reason beside a file that is stored now, if there is one. */
void rejected_forget(const char *path);

#endif
