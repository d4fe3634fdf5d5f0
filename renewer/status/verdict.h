/* What a monitor makes of the state: one judgement, for all forms. */
#ifndef RENEWER_VERDICT_H
#define RENEWER_VERDICT_H

#include "status/state.h"

/* In the order, and with the numbers, of monitoring plugins. */
enum verdict {
    VERDICT_OK,
    VERDICT_WARNING,
    VERDICT_CRITICAL,
    VERDICT_UNKNOWN, /* there is a database, and it says nothing */
};

/* A subscription that ends sooner is critical. */
#define VERDICT_END_SECONDS (6 * 3600)

/* "OK", ... */
const char *verdict_word(enum verdict verdict);

/* When its last live subscription ends; 0: it has none, or nobody knows. */
int64_t verdict_ends_at(yajl_val tenant);

enum verdict verdict_of_tenant(const struct state *state, yajl_val tenant);
enum verdict verdict_of_receiver(yajl_val receiver);

/* What a critical tenant needs that says nothing itself, or NULL. */
const char *verdict_need(yajl_val tenant);

/* Of all. */
enum verdict verdict_of(const struct state *state);

#endif
