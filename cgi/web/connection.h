/*
 * Connections of a web server that speaks FastCGI, and what arrives on them.
 */
#ifndef CALLHOOK_CONNECTION_H
#define CALLHOOK_CONNECTION_H

#include <fcgiapp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "receiver/exchange.h"
#include "receiver/receiver.h"
#include "web/fcgi_body.h"
#include "web/slow_lane.h"

/* A connection, which carries one request at a time. */
struct connection {
    struct exchange exchange;
    FCGX_Request fcgi;
    struct server *server;
    TAILQ_ENTRY(connection) idle;
    bool polled;        /* in the epoll set */
    bool served;        /* a request, at least: it may be kept idle for long */
    bool has_body;      /* collected here, not by libfcgi */
    struct buffer head; /* part of one, that was read */
    struct fcgi_body body;
    TAILQ_ENTRY(connection) coming;
    int64_t deadline; /* for the body that is coming */
};

struct server {
    struct receiver receiver;
    int poll;
    int signals;
    pthread_mutex_t lock; /* of the idle ones and of `open` */
    TAILQ_HEAD(coming_connections, connection)
    coming; /* whose bodies are; oldest first */
    TAILQ_HEAD(idle_connections, connection)
    idle; /* the longest idle one first */
    size_t open;
    size_t open_max;
    struct slow_lane slow_lane;
    atomic_bool closing; /* no connection is kept beyond its next answer */
    int64_t held_since;  /* requests that come may have waited since; 0: not */
};

/* Takes a connection that was accepted, and attends to it. */
void connection_open(struct server *server, int fd);

/* Does what the edge of a connection asks for. */
void connection_attend(struct server *server, struct connection *connection);

/*
 * If too many are open, or `now`: closes the one that has been idle for
 * longest. False: none is idle.
 */
bool connection_evict_idle(struct server *server, bool now);

/*
 * A wait for events that began at `before` is over. What comes without one
 * may have been on its socket since this thread last waited for room.
 */
void connection_note_wait(struct server *server, int64_t before);

/*
 * Closes connections whose body is late, or, if all that has come takes too
 * much memory, those that began first. When the next one may be late, in
 * milliseconds; -1: none.
 */
int connection_sweep_bodies(struct server *server);

/* Whether a request is on its way on a connection that was accepted. */
bool connection_awaits_request(struct server *server);

#endif
