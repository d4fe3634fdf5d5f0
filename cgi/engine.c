/* What the threads of a receiver share. */
#include "engine.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "committer.h"
#include "keeper.h"
#include "log.h"
#include "minutes.h"
#include "refusals.h"

/* Bytes of items past which no further body is taken apart. */
#define PARKED_BYTES_MAX ((size_t)128 << 20)
/* What the items of a body can take: the rows (collection.c has the limit)
 * with room to grow, and at least 19 bytes of JSON an item. */
#define BYTES_A_BODY_BYTE 20

/* How long a committer that must end may take once nothing is in flight. */
#define STOP_S 1

static void start_thread(pthread_t *thread, void *(*run)(void *),
                         struct engine *engine)
{
    int error = pthread_create(thread, NULL, run, engine);

    if (error)
        die(EX_OSERR, "no thread can be started: %s", strerror(error));
}

static void start_threads(struct engine *engine)
{
    if (engine->started)
        return;
    engine->started = true;
    start_thread(&engine->committer, committer_run, engine);
    start_thread(&engine->keeper, keeper_run, engine);
}

void engine_start(struct engine *engine, const struct settings *settings,
                  bool stays)
{
    *engine = (struct engine){
        .settings = settings,
        .spool = {.folder = settings->spool, .max = settings->spool_max},
        .stays = stays,
        .spooled = stays,
    };
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->secrets_lock, NULL);
    pthread_cond_init(&engine->work, NULL);
    pthread_cond_init(&engine->deadline, NULL);
    pthread_cond_init(&engine->room, NULL);
    if (stays)
        start_threads(engine);
}

void engine_stop(struct engine *engine, int status)
{
    struct timespec until;

    pthread_mutex_lock(&engine->lock);
    while (engine->in_flight)
        pthread_cond_wait(&engine->room, &engine->lock);
    engine->closing = true;
    pthread_cond_broadcast(&engine->work);
    pthread_cond_broadcast(&engine->deadline);
    pthread_mutex_unlock(&engine->lock);
    if (!engine->started)
        return;
    pthread_join(engine->keeper, NULL);
    /* The time of day: TSan does not know the call with another clock. */
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    if (pthread_timedjoin_np(engine->committer, NULL, &until))
        _exit(status); /* it still uses the settings */
    secrets_free(&engine->secrets);
}

void engine_admit(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    while (engine->in_flight >= engine->settings->requests)
        pthread_cond_wait(&engine->room, &engine->lock);
    engine->in_flight++;
    pthread_mutex_unlock(&engine->lock);
}

void engine_dismiss(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->in_flight--;
    pthread_cond_broadcast(&engine->room);
    pthread_mutex_unlock(&engine->lock);
}

void engine_reserve(struct engine *engine, struct exchange *exchange,
                    size_t body_length)
{
    size_t bytes = body_length * BYTES_A_BODY_BYTE;

    pthread_mutex_lock(&engine->lock);
    while (engine->bytes && engine->bytes + bytes > PARKED_BYTES_MAX)
        pthread_cond_wait(&engine->room, &engine->lock);
    engine->bytes += bytes;
    pthread_mutex_unlock(&engine->lock);
    exchange->reserved = bytes;
}

void engine_unreserve(struct engine *engine, struct exchange *exchange)
{
    pthread_mutex_lock(&engine->lock);
    engine->bytes -= exchange->reserved;
    pthread_cond_broadcast(&engine->room);
    pthread_mutex_unlock(&engine->lock);
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
    minutes_count_refused(refused);
}

void engine_park(struct engine *engine, struct exchange *exchange)
{
    pthread_mutex_lock(&engine->secrets_lock);
    exchange->doubtful =
        secrets_judge(&engine->secrets, engine->settings, &exchange->items);
    pthread_mutex_unlock(&engine->secrets_lock);
    if (!exchange->doubtful && !item_list_has_trusted(&exchange->items)) {
        engine_unreserve(engine, exchange);
        count_refused(exchange);
        exchange_answer(exchange, ANSWER_STORED, NULL, 0);
        return;
    }
    start_threads(engine);
    pthread_mutex_lock(&engine->lock);
    struct exchange_list *list =
        exchange->doubtful ? &engine->doubtful : &engine->decided;
    bool first = list->first == NULL;
    exchange_list_add(list, exchange);
    engine->bytes += item_list_bytes(&exchange->items);
    engine->bytes -= exchange->reserved;
    exchange->reserved = 0;
    pthread_cond_broadcast(&engine->room);
    if (engine->away)
        pthread_cond_signal(&engine->deadline);
    else if (first || list->count == engine->wanted)
        pthread_cond_signal(&engine->work);
    pthread_mutex_unlock(&engine->lock);
}

void engine_look(struct engine *engine, int64_t wait_us)
{
    struct timespec until = clock_timespec(clock_now() + wait_us);

    start_threads(engine);
    pthread_mutex_lock(&engine->lock);
    while (!engine->connected && !engine->away)
        if (pthread_cond_clockwait(&engine->room, &engine->lock,
                                   CLOCK_MONOTONIC, &until))
            break;
    pthread_mutex_unlock(&engine->lock);
}

const char *engine_health(struct engine *engine)
{
    if (!engine->stays)
        engine_look(engine, engine->settings->ack_us);
    pthread_mutex_lock(&engine->lock);
    bool ok = engine->connected && !engine->away;
    pthread_mutex_unlock(&engine->lock);
    if (ok)
        return "ok";
    return spool_works(&engine->spool) ? "spooling" : NULL;
}

void engine_answer(struct engine *engine, struct exchange_list *list,
                   enum answer_kind kind)
{
    struct exchange *exchange;
    size_t bytes = 0;

    for (exchange = list->first; exchange; exchange = exchange->next)
        bytes += item_list_bytes(&exchange->items);
    pthread_mutex_lock(&engine->lock);
    engine->bytes -= bytes;
    pthread_cond_broadcast(&engine->room);
    pthread_mutex_unlock(&engine->lock);
    while ((exchange = exchange_list_take(list))) {
        if (kind == ANSWER_STORED)
            count_refused(exchange);
        exchange_answer(exchange, kind,
                        kind == ANSWER_LATER ? "try again later\n" : NULL,
                        kind == ANSWER_LATER ? strlen("try again later\n") : 0);
    }
}
