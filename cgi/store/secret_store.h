/* The secrets that the renewer wrote down. */
#ifndef CALLHOOK_SECRET_STORE_H
#define CALLHOOK_SECRET_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "notification/secrets.h"
#include "store/database.h"

/*
 * Reads the secrets that are good, or were `age_s` seconds ago, into
 * `secrets`, which the caller frees. False: nothing is read, why is told.
 */
bool secret_store_read(struct secrets *secrets, struct database *database,
                       int64_t age_s, int64_t deadline);

#endif
