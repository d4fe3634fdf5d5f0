/* Whom to believe: the secrets are read for all, and doubtful items decided. */
#ifndef CALLHOOK_TRUST_H
#define CALLHOOK_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver/receiver.h"
#include "store/database.h"

struct trust {
    struct receiver *receiver;
    int64_t read_at; /* the last reading of the secrets, or the try */
};

/* When the secrets are to be read again; the receiver's lock is held. */
int64_t trust_due(const struct trust *trust);

/* Reads the secrets for everybody; returns false after logging why not. */
bool trust_read(struct trust *trust, struct database *database);

/*
 * Judges for good the doubtful ones that were read before the last reading of
 * the secrets, and moves them to the decided ones.
 */
void trust_decide(struct trust *trust);

#endif
