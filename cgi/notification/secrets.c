/* Whom to believe. */
#include "notification/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "notification/copy_row.h"

static int by_digest(const void *a, const void *b)
{
    const struct secret *left = a, *right = b;

    return digest_compare(&left->digest, &right->digest);
}

static int by_subscription(const void *a, const void *b)
{
    const struct secret *left = a, *right = b;

    return memcmp(&left->subscription_id, &right->subscription_id,
                  sizeof(left->subscription_id));
}

void secrets_index(struct secrets *secrets)
{
    size_t size = sizeof(*secrets->by_digest);

    if (secrets->count == 0)
        return;
    secrets->by_subscription = memory_new(secrets->count, size);
    memcpy(secrets->by_subscription, secrets->by_digest, secrets->count * size);
    qsort(secrets->by_digest, secrets->count, size, by_digest);
    qsort(secrets->by_subscription, secrets->count, size, by_subscription);
}

void secrets_free(struct secrets *secrets)
{
    free(secrets->by_digest);
    free(secrets->by_subscription);
    *secrets = (struct secrets){0};
}

/* What is known of a subscription, or NULL. */
static const struct secret *find_subscription(const struct secrets *secrets,
                                              const struct item *item)
{
    struct secret key = {.subscription_id = item->subscription_id};

    if (!item->has_subscription || !secrets->count)
        return NULL;
    const struct secret *found =
        bsearch(&key, secrets->by_subscription, secrets->count, sizeof(key),
                by_subscription);
    return found && !found->announced ? found : NULL;
}

/* Whether a secret is one for this item: of its subscription and tenant. */
static bool vouches(const struct secret *secret, const struct item *item)
{
    if (!secret->announced &&
        !(item->has_subscription &&
          guid_equal(&secret->subscription_id, &item->subscription_id)))
        return false;
    if (guid_equal(&secret->tenant_id, &GUID_NIL))
        return true; /* the subscription's tenant is not known */
    if (item->odd_tenant)
        return false;
    return !item->has_tenant ||
           guid_equal(&secret->tenant_id, &item->tenant_id);
}

/* The database's secret that vouches for an item, or NULL. */
static const struct secret *find_secret(const struct secrets *secrets,
                                        const struct item *item)
{
    struct secret key = {.digest = item->secret};
    const struct secret *end = secrets->by_digest + secrets->count;

    if (!item->has_secret || !secrets->count)
        return NULL;
    const struct secret *s = bsearch(&key, secrets->by_digest, secrets->count,
                                     sizeof(key), by_digest);
    if (!s)
        return NULL;
    while (s > secrets->by_digest && by_digest(s - 1, &key) == 0)
        s--;
    for (; s < end && by_digest(s, &key) == 0; s++)
        if (vouches(s, item))
            return s;
    return NULL;
}

static bool is_listed(const struct settings *settings, const struct item *item)
{
    if (item->has_secret)
        for (size_t i = 0; i < settings->client_states_count; i++)
            if (digest_compare(&settings->client_states[i], &item->secret) == 0)
                return true;
    if (item->has_subscription)
        for (size_t i = 0; i < settings->open_subscriptions_count; i++)
            if (guid_equal(&settings->open_subscriptions[i],
                           &item->subscription_id))
                return true;
    return false;
}

bool secrets_may_trust(const struct settings *settings, const struct item *item)
{
    return item->has_secret || is_listed(settings, item);
}

size_t secrets_judge(const struct secrets *secrets,
                     const struct settings *settings, struct item_list *list)
{
    size_t doubtful = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct item *item = &list->items[i];
        const struct secret *known = find_secret(secrets, item);

        item->verdict = ITEM_TRUSTED;
        if (!known) {
            known = find_subscription(secrets, item);
            if (!is_listed(settings, item)) {
                item->verdict = known ? ITEM_WRONG_SECRET : ITEM_UNKNOWN;
                doubtful += item->has_secret;
                continue;
            }
        }
        if (known && !item->has_tenant && item->row_length)
            copy_row_set_tenant(list->rows.data + item->row_at,
                                &known->tenant_id);
    }
    return doubtful;
}
