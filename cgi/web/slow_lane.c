/* Large bodies, taken apart by a thread of their own. */
#include "web/slow_lane.h"

#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "web/request.h"

/* One that has waited for its turn too long is asked for again. */
static void serve(struct receiver *receiver, struct exchange *exchange)
{
    static const char later[] = "try again later\n";

    receiver_admit(receiver);
    if (clock_now() - exchange->arrived > receiver->settings->ack_us)
        exchange_answer(exchange, ANSWER_LATER, later, strlen(later));
    else
        request_handle(receiver, exchange);
}

static void *run(void *context)
{
    struct slow_lane *lane = context;
    struct exchange *exchange;

    pthread_mutex_lock(&lane->lock);
    for (;;) {
        exchange = exchange_list_take(&lane->waiting);
        if (exchange) {
            size_t bytes = exchange->body_length;
            pthread_mutex_unlock(&lane->lock);
            serve(lane->receiver, exchange);
            pthread_mutex_lock(&lane->lock);
            lane->bytes -= bytes;
        } else if (lane->closing) {
            break;
        } else {
            pthread_cond_wait(&lane->changed, &lane->lock);
        }
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

void slow_lane_start(struct slow_lane *lane, struct receiver *receiver)
{
    lane->receiver = receiver;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
    thread_start(&lane->thread, run, lane);
}

void slow_lane_add(struct slow_lane *lane, struct exchange *exchange)
{
    pthread_mutex_lock(&lane->lock);
    exchange_list_add(&lane->waiting, exchange);
    lane->bytes += exchange->body_length;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

size_t slow_lane_bytes(struct slow_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    size_t bytes = lane->bytes;
    pthread_mutex_unlock(&lane->lock);
    return bytes;
}

void slow_lane_stop(struct slow_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->closing = true;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->thread, NULL);
}
