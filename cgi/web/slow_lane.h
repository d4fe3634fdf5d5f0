/*
 * Large bodies, taken apart by a thread of their own, one at a time: no
 * handshake and no small body waits behind them.
 */
#ifndef CALLHOOK_SLOW_LANE_H
#define CALLHOOK_SLOW_LANE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "receiver/exchange.h"
#include "receiver/receiver.h"

struct slow_lane {
    struct receiver *receiver;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct exchange_list waiting;
    size_t bytes; /* of the bodies that wait or are being read */
    bool closing;
    pthread_t thread;
};

/* Starts the thread. */
void slow_lane_start(struct slow_lane *lane, struct receiver *receiver);

/* Hands over an exchange whose whole body is there. */
void slow_lane_add(struct slow_lane *lane, struct exchange *exchange);

/* Bytes of bodies that are here. */
size_t slow_lane_bytes(struct slow_lane *lane);

/* Serves what waits, then ends the thread. */
void slow_lane_stop(struct slow_lane *lane);

#endif
