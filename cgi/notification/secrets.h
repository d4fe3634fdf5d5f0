/* Whom to believe: the digests of secrets, and the judging of items. */
#ifndef CALLHOOK_SECRETS_H
#define CALLHOOK_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "notification/item.h"

/* One secret that the renewer wrote down. */
struct secret {
    struct digest digest;
    struct guid subscription_id;
    struct guid tenant_id;
    bool announced; /* its subscription has no id yet */
};

/* One reading of the database's secrets. */
struct secrets {
    struct secret *by_digest;
    struct secret *by_subscription; /* the same ones */
    size_t count;
    int64_t read_at; /* clock_now() before it was read; 0: never */
};

/* Orders `by_digest`, which holds `count` entries, and fills the other. */
void secrets_index(struct secrets *secrets);

void secrets_free(struct secrets *secrets);

/*
 * Judges each item of a list by the rules of callhook(8), TRUST. Sets the
 * verdict of each, and in the rows of trusted items that came without a
 * tenant that of the subscription. Returns how many of the others a later
 * reading of the secrets could still vouch for.
 */
size_t secrets_judge(const struct secrets *secrets,
                     const struct settings *settings, struct item_list *list);

/* False if no reading of the secrets can ever make this item trusted. */
bool secrets_may_trust(const struct settings *settings,
                       const struct item *item);

#endif
