/*
 * Connections of a web server that speaks FastCGI, and what arrives on them.
 */
#ifndef CALLHOOK_LINK_H
#define CALLHOOK_LINK_H

#include <fcgiapp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "body.h"
#include "buffer.h"
#include "engine.h"
#include "exchange.h"

/* A connection, which carries one request at a time. */
struct link {
    struct exchange exchange;
    FCGX_Request fcgi;
    struct server *server;
    TAILQ_ENTRY(link) idle;
    bool polled;        /* in the epoll set */
    bool served;        /* a request, at least: it may be kept idle for long */
    bool has_body;      /* collected here, not by libfcgi */
    struct buffer head; /* part of one, that was read */
    struct body body;
    TAILQ_ENTRY(link) coming;
    int64_t deadline; /* for the body that is coming */
};

struct server {
    struct engine engine;
    int poll;
    int signals;
    pthread_mutex_t lock;                  /* of the idle ones and of `open` */
    TAILQ_HEAD(coming_links, link) coming; /* whose bodies are; oldest first */
    TAILQ_HEAD(idle_links, link) idle;     /* the longest idle one first */
    size_t open;
    size_t open_max;
};

/* Takes a connection that was accepted, and attends to it. */
void link_open(struct server *server, int fd);

/* Does what the edge of a connection asks for. */
void link_attend(struct server *server, struct link *link);

/* If too many are open: closes the one that has been idle for longest. */
void link_evict_idle(struct server *server);

/*
 * Closes connections whose body is late, or, if all that has come takes too
 * much memory, those that began first. When the next one may be late, in
 * milliseconds; -1: none.
 */
int link_sweep_bodies(struct server *server);

/* Whether a request is on its way on a connection that was accepted. */
bool link_awaits_request(struct server *server);

#endif
