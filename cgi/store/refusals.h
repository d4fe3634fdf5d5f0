/*
 * The subscriptions whose items were refused, noted for the renewer: one of
 * them may be its own, and then it must be replaced. Strangers name others,
 * so there is room for a few only: of all that are noted since the last
 * writing, the one with the fewest items makes room for the next.
 */
#ifndef CALLHOOK_REFUSALS_H
#define CALLHOOK_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/guid.h"
#include "notification/item.h"
#include "store/database.h"

#define REFUSALS_MAX 32

struct refusal {
    struct guid subscription_id;
    struct guid tenant_id;    /* of the last item; nil if it named none */
    enum item_verdict reason; /* of that one, too */
    uint64_t items;
};

/* Counts refused items; `refused` has a number for each item_verdict. */
void refusals_count(const size_t *refused);

/*
 * Notes an item that is refused for good as unknown or for its secret, and
 * names a subscription; others are left out. For any thread.
 */
void refusals_note(const struct item *item);

/* Moves all that is noted to `taken`, REFUSALS_MAX long; returns how many. */
size_t refusals_take(struct refusal *taken);

/*
 * Writes what is noted to callhook_store.refusals; false if the database did
 * not take it, and then it is noted still.
 */
bool refusals_write(struct database *database, int64_t deadline);

#endif
