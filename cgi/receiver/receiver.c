/* What the threads of a receiver share. */
#include "receiver/receiver.h"

#include <string.h>

#include "base/clock.h"
#include "store/refusals.h"

/* Bytes of items past which no further body is taken apart. */
#define PARKED_BYTES_MAX ((size_t)128 << 20)
/* What the items of a body can take: the rows (collection.c has the limit)
 * with room to grow, and at least 19 bytes of JSON an item. */
#define BYTES_A_BODY_BYTE 20

void receiver_init(struct receiver *receiver, const struct settings *settings,
                   bool stays)
{
    *receiver = (struct receiver){
        .settings = settings,
        .spool = {.folder = settings->spool, .max = settings->spool_max},
        .stays = stays,
        .wants_database = stays,
        .spooled = stays,
    };
    if (stays && settings->spool) {
        spool_sweep(&receiver->spool);
        spool_tell(&receiver->spool);
    }
    pthread_mutex_init(&receiver->lock, NULL);
    pthread_mutex_init(&receiver->secrets_lock, NULL);
    pthread_cond_init(&receiver->work, NULL);
    pthread_cond_init(&receiver->deadline, NULL);
    pthread_cond_init(&receiver->room, NULL);
}

void receiver_close(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    while (receiver->in_flight)
        pthread_cond_wait(&receiver->room, &receiver->lock);
    receiver->closing = true;
    pthread_cond_broadcast(&receiver->work);
    pthread_cond_broadcast(&receiver->deadline);
    pthread_mutex_unlock(&receiver->lock);
}

void receiver_free(struct receiver *receiver)
{
    secrets_free(&receiver->secrets);
}

void receiver_admit(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    while (receiver->in_flight >= receiver->settings->requests)
        pthread_cond_wait(&receiver->room, &receiver->lock);
    receiver->in_flight++;
    pthread_mutex_unlock(&receiver->lock);
}

bool receiver_is_busy(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    bool busy = receiver->in_flight > 0;
    pthread_mutex_unlock(&receiver->lock);
    return busy;
}

void receiver_dismiss(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    receiver->in_flight--;
    pthread_cond_broadcast(&receiver->room);
    pthread_mutex_unlock(&receiver->lock);
}

void receiver_reserve(struct receiver *receiver, struct exchange *exchange,
                      size_t body_length)
{
    size_t bytes = body_length * BYTES_A_BODY_BYTE;

    pthread_mutex_lock(&receiver->lock);
    while (receiver->bytes && receiver->bytes + bytes > PARKED_BYTES_MAX)
        pthread_cond_wait(&receiver->room, &receiver->lock);
    /* A large body is one at a time, and small ones do not wait for it. */
    exchange->reserved = exchange->body_length ? 0 : bytes;
    receiver->bytes += exchange->reserved;
    pthread_mutex_unlock(&receiver->lock);
}

void receiver_unreserve(struct receiver *receiver, struct exchange *exchange)
{
    pthread_mutex_lock(&receiver->lock);
    receiver->bytes -= exchange->reserved;
    pthread_cond_broadcast(&receiver->room);
    pthread_mutex_unlock(&receiver->lock);
    exchange->reserved = 0;
}

/* Counts the items that are refused for good: not those in the spool. */
static void count_refused(const struct exchange *exchange)
{
    const struct item_list *list = &exchange->items;
    size_t refused[ITEM_VERDICTS];

    memcpy(refused, list->refused, sizeof(refused));
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        if (exchange->doubtful && item->has_secret)
            continue;
        refused[item->verdict]++;
        refusals_note(item);
    }
    refusals_count(refused);
}

/* The committer of one that does not stay waits for this; the lock is held. */
static void want_database(struct receiver *receiver)
{
    if (receiver->wants_database)
        return;
    receiver->wants_database = true;
    pthread_cond_signal(&receiver->work);
}

void receiver_park(struct receiver *receiver, struct exchange *exchange)
{
    pthread_mutex_lock(&receiver->secrets_lock);
    exchange->doubtful =
        secrets_judge(&receiver->secrets, receiver->settings, &exchange->items);
    pthread_mutex_unlock(&receiver->secrets_lock);
    if (!exchange->doubtful && !item_list_has_trusted(&exchange->items)) {
        receiver_unreserve(receiver, exchange);
        count_refused(exchange);
        exchange_answer(exchange, ANSWER_STORED, NULL, 0);
        return;
    }
    pthread_mutex_lock(&receiver->lock);
    want_database(receiver);
    struct exchange_list *list =
        exchange->doubtful ? &receiver->doubtful : &receiver->decided;
    bool first = list->first == NULL;
    exchange_list_add(list, exchange);
    receiver->bytes += item_list_bytes(&exchange->items);
    receiver->bytes -= exchange->reserved;
    exchange->reserved = 0;
    pthread_cond_broadcast(&receiver->room);
    if (receiver->away)
        pthread_cond_signal(&receiver->deadline);
    else if (first || list->count == receiver->wanted)
        pthread_cond_signal(&receiver->work);
    pthread_mutex_unlock(&receiver->lock);
}

void receiver_look(struct receiver *receiver, int64_t wait_us)
{
    struct timespec until = clock_timespec(clock_now() + wait_us);

    pthread_mutex_lock(&receiver->lock);
    want_database(receiver);
    while (!receiver->connected && !receiver->away)
        if (pthread_cond_clockwait(&receiver->room, &receiver->lock,
                                   CLOCK_MONOTONIC, &until))
            break;
    pthread_mutex_unlock(&receiver->lock);
}

const char *receiver_health(struct receiver *receiver)
{
    if (!receiver->stays)
        receiver_look(receiver, receiver->settings->ack_us);
    pthread_mutex_lock(&receiver->lock);
    bool ok = receiver->connected && !receiver->away;
    pthread_mutex_unlock(&receiver->lock);
    if (ok)
        return "ok";
    return spool_works(&receiver->spool) ? "spooling" : NULL;
}

void receiver_answer(struct receiver *receiver, struct exchange_list *list,
                     enum answer_kind kind)
{
    struct exchange *exchange;
    size_t bytes = 0;

    for (exchange = list->first; exchange; exchange = exchange->next)
        bytes += item_list_bytes(&exchange->items);
    pthread_mutex_lock(&receiver->lock);
    receiver->bytes -= bytes;
    pthread_cond_broadcast(&receiver->room);
    pthread_mutex_unlock(&receiver->lock);
    while ((exchange = exchange_list_take(list))) {
        if (kind == ANSWER_STORED)
            count_refused(exchange);
        exchange_answer(exchange, kind,
                        kind == ANSWER_LATER ? "try again later\n" : NULL,
                        kind == ANSWER_LATER ? strlen("try again later\n") : 0);
    }
}

bool receiver_is_closing(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    bool closing = receiver->closing;
    pthread_mutex_unlock(&receiver->lock);
    return closing;
}

void receiver_wait_for_work(struct receiver *receiver, int64_t until)
{
    struct timespec time = clock_timespec(until);

    pthread_cond_clockwait(&receiver->work, &receiver->lock, CLOCK_MONOTONIC,
                           &time);
}

void receiver_note_database(struct receiver *receiver, bool connected,
                            bool away)
{
    pthread_mutex_lock(&receiver->lock);
    receiver->connected = connected;
    if (!away)
        receiver->unproven = false;
    pthread_cond_broadcast(&receiver->room);
    if (receiver->away != away) {
        receiver->away = away;
        pthread_cond_signal(&receiver->deadline);
    }
    pthread_mutex_unlock(&receiver->lock);
}
