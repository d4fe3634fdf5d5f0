/* A call record that is too large for one statement. */
#ifndef RENEWER_RECORD_LARGE_H
#define RENEWER_RECORD_LARGE_H

#include "calls/record_store.h"

/*
 * Takes it apart by many statements in one transaction, over a connection of
 * its own, so that nobody else's statements wait. That may take minutes,
 * whatever the run's deadline is; the claim is kept as long. The result becomes
 * READING_STORED or READING_LOST; it stays READING_LARGE where the database
 * failed. False: nothing was done, for another one is being stored.
 */
bool record_large_store(const struct record_store *store,
                        struct reading *reading);

#endif
