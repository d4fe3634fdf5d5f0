/*
 * The thread that keeps the deadline of every answer: what the database has
 * not taken in time goes to the spool. It never calls libpq, so that nothing
 * the database or a name server does can hold it up.
 */
#include "receiver/deadline.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stats.h"
#include "receiver/receiver.h"

static bool is_overdue(const struct receiver *receiver,
                       const struct exchange_list *list, int64_t now)
{
    int64_t latest = now - receiver->settings->ack_us;

    for (const struct exchange *e = list->first; e; e = e->next)
        if (e->arrived <= latest)
            return true;
    return false;
}

/*
 * Moves to `list` all that must be spooled now. One that has missed its
 * deadline says that the others would, too.
 */
static void claim(struct receiver *receiver, struct exchange_list *list)
{
    int64_t now = clock_now();
    bool missed = (receiver->taken_is_sent &&
                   is_overdue(receiver, &receiver->taken, now)) ||
                  is_overdue(receiver, &receiver->decided, now) ||
                  is_overdue(receiver, &receiver->doubtful, now);

    if (missed && !receiver->away) {
        receiver->away = receiver->unproven = true;
        pthread_cond_signal(&receiver->work);
        log_cause(LOG_STATEMENT, "the database did not answer in time");
    }
    if (!receiver->away)
        return;
    if (missed && receiver->taken_is_sent)
        exchange_list_move(list, &receiver->taken);
    exchange_list_move(list, &receiver->decided);
    exchange_list_move(list, &receiver->doubtful);
}

/* Spools those exchanges of `list` whose items are doubtful, or are not. */
static void spool(struct receiver *receiver, struct exchange_list *list,
                  bool doubtful)
{
    struct exchange_list some = {0}, others = {0};
    struct exchange *exchange;
    size_t count = 0;

    while ((exchange = exchange_list_take(list))) {
        bool match = (exchange->doubtful != 0) == doubtful;
        exchange_list_add(match ? &some : &others, exchange);
        count += match;
    }
    *list = others;
    if (!count)
        return;
    const struct item_list **items =
        memory_new(count, sizeof(const struct item_list *));
    size_t n = 0;
    for (exchange = some.first; exchange; exchange = exchange->next)
        items[n++] = &exchange->items;
    bool durable = spool_write(&receiver->spool, items, count, doubtful);
    free(items);
    stats_note_spool(spool_bytes(&receiver->spool));
    receiver_answer(receiver, &some, durable ? ANSWER_STORED : ANSWER_LATER);
}

/* When the next one can be due; one that is parked after now comes later. */
static int64_t next_deadline(const struct receiver *receiver)
{
    const struct exchange *firsts[] = {receiver->taken.first,
                                       receiver->decided.first,
                                       receiver->doubtful.first};
    int64_t earliest = clock_now();

    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
        for (const struct exchange *e = firsts[i]; e; e = e->next)
            if (e->arrived < earliest)
                earliest = e->arrived;
    return earliest + receiver->settings->ack_us;
}

void *deadline_run(void *context)
{
    struct receiver *receiver = context;
    struct exchange_list list = {0};

    pthread_mutex_lock(&receiver->lock);
    while (!receiver->closing) {
        claim(receiver, &list);
        if (!list.first) {
            struct timespec until = clock_timespec(next_deadline(receiver));
            pthread_cond_clockwait(&receiver->deadline, &receiver->lock,
                                   CLOCK_MONOTONIC, &until);
            continue;
        }
        pthread_mutex_unlock(&receiver->lock);
        spool(receiver, &list, false);
        spool(receiver, &list, true);
        pthread_mutex_lock(&receiver->lock);
        receiver->spooled = true;
        pthread_cond_signal(&receiver->work);
    }
    pthread_mutex_unlock(&receiver->lock);
    return NULL;
}
