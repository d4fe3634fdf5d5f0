/*
 * The thread that keeps the deadline of every answer: what the database has
 * not taken in time goes to the spool. It never calls libpq, so that nothing
 * the database or a name server does can hold it up.
 */
#include "keeper.h"

#include <stdlib.h>

#include "clock.h"
#include "engine.h"
#include "log.h"
#include "memory.h"
#include "minutes.h"

static bool is_overdue(const struct engine *engine,
                       const struct exchange_list *list, int64_t now)
{
    int64_t latest = now - engine->settings->ack_us;

    for (const struct exchange *e = list->first; e; e = e->next)
        if (e->arrived <= latest)
            return true;
    return false;
}

/*
 * Moves to `list` all that must be spooled now. One that has missed its
 * deadline says that the others would, too.
 */
static void claim(struct engine *engine, struct exchange_list *list)
{
    int64_t now = clock_now();
    bool missed =
        (engine->taken_is_sent && is_overdue(engine, &engine->taken, now)) ||
        is_overdue(engine, &engine->decided, now) ||
        is_overdue(engine, &engine->doubtful, now);

    if (missed && !engine->away) {
        engine->away = true;
        pthread_cond_signal(&engine->work);
        log_cause(LOG_STATEMENT, "the database did not answer in time");
    }
    if (!engine->away)
        return;
    if (missed && engine->taken_is_sent)
        exchange_list_move(list, &engine->taken);
    exchange_list_move(list, &engine->decided);
    exchange_list_move(list, &engine->doubtful);
}

/* Spools those exchanges of `list` whose items are doubtful, or are not. */
static void spool(struct engine *engine, struct exchange_list *list,
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
    bool durable = spool_write(&engine->spool, items, count, doubtful);
    free(items);
    minutes_note_spool(spool_bytes(&engine->spool));
    engine_answer(engine, &some, durable ? ANSWER_STORED : ANSWER_LATER);
}

/* When the next one can be due; one that is parked after now comes later. */
static int64_t next_deadline(const struct engine *engine)
{
    const struct exchange *firsts[] = {
        engine->taken.first, engine->decided.first, engine->doubtful.first};
    int64_t earliest = clock_now();

    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
        for (const struct exchange *e = firsts[i]; e; e = e->next)
            if (e->arrived < earliest)
                earliest = e->arrived;
    return earliest + engine->settings->ack_us;
}

void *keeper_run(void *context)
{
    struct engine *engine = context;
    struct exchange_list list = {0};

    pthread_mutex_lock(&engine->lock);
    while (!engine->closing) {
        claim(engine, &list);
        if (!list.first) {
            struct timespec until = clock_timespec(next_deadline(engine));
            pthread_cond_clockwait(&engine->deadline, &engine->lock,
                                   CLOCK_MONOTONIC, &until);
            continue;
        }
        pthread_mutex_unlock(&engine->lock);
        spool(engine, &list, false);
        spool(engine, &list, true);
        pthread_mutex_lock(&engine->lock);
        engine->spooled = true;
        pthread_cond_signal(&engine->work);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}
