/* Connecting again: when, and what shows that the database takes rows. */
#ifndef CALLHOOK_RECONNECT_H
#define CALLHOOK_RECONNECT_H

#include <stdint.h>

#include "receiver/receiver.h"
#include "receiver/trust.h"
#include "store/database.h"

struct reconnect {
    struct receiver *receiver;
    int64_t backoff_us;  /* the last pause; 0: none since it took rows */
    int64_t patience_us; /* the last wait for an answer that is owed */
};

/*
 * One attempt: connects if need be, reads the secrets, tries a transaction.
 * Tells the receiver what came of it, and pauses after a failure.
 */
void reconnect_attempt(struct reconnect *reconnect, struct database *database,
                       struct trust *trust);

/* A batch is through: the next answer that is owed is waited for briefly. */
void reconnect_forget(struct reconnect *reconnect);

#endif
