/* Whom to believe: the secrets are read for all, and doubtful items decided. */
#include "receiver/trust.h"

#include "base/clock.h"
#include "store/secret_store.h"

#define MS INT64_C(1000)

/* Strangers cannot make the secrets be read more often than this. Who waits
 * for a reading must not miss its deadline by that: see reading_pause. */
#define READING_PAUSE_US (50 * MS)
/* Secrets are read anew that often without a cause: subscriptions end, and
 * nothing says so. */
#define READING_MAX_AGE_US (60 * 1000 * MS)

static int64_t reading_pause(const struct trust *trust)
{
    int64_t share = trust->receiver->settings->ack_us / 4;

    return share < READING_PAUSE_US ? share : READING_PAUSE_US;
}

int64_t trust_due(const struct trust *trust)
{
    return trust->read_at + (trust->receiver->doubtful.first
                                 ? reading_pause(trust)
                                 : READING_MAX_AGE_US);
}

bool trust_read(struct trust *trust, struct database *database)
{
    struct receiver *receiver = trust->receiver;
    struct secrets fresh, old;

    trust->read_at = clock_now();
    if (!secret_store_read(&fresh, database, 0,
                           trust->read_at + receiver->settings->ack_us))
        return false;
    pthread_mutex_lock(&receiver->secrets_lock);
    old = receiver->secrets;
    receiver->secrets = fresh;
    pthread_mutex_unlock(&receiver->secrets_lock);
    secrets_free(&old);
    return true;
}

void trust_decide(struct trust *trust)
{
    struct receiver *receiver = trust->receiver;
    struct exchange_list later = {0}, nothing = {0};
    struct exchange *exchange;

    pthread_mutex_lock(&receiver->lock);
    pthread_mutex_lock(&receiver->secrets_lock);
    while ((exchange = exchange_list_take(&receiver->doubtful))) {
        if (exchange->read_at >= receiver->secrets.read_at) {
            exchange_list_add(&later, exchange);
            continue;
        }
        secrets_judge(&receiver->secrets, receiver->settings, &exchange->items);
        exchange->doubtful = 0;
        exchange_list_add(item_list_has_trusted(&exchange->items)
                              ? &receiver->decided
                              : &nothing,
                          exchange);
    }
    pthread_mutex_unlock(&receiver->secrets_lock);
    receiver->doubtful = later;
    pthread_mutex_unlock(&receiver->lock);
    receiver_answer(receiver, &nothing, ANSWER_STORED);
}
