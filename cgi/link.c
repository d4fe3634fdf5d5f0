/*
 * Connections of a web server, and what arrives on them.
 *
 * libfcgi reads a request with blocking calls. So it gets a connection only
 * when all of its request has arrived (seen by MSG_PEEK), and never waits. A
 * request that comes in parts is collected here, and libfcgi gets its head.
 * Connections that say nothing wait in an epoll set and cost no thread: a web
 * server may keep as many as it likes.
 */
#include "link.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "request.h"
#include "wire.h"

/* The longest head; a request within this is looked at before it is read. */
#define HEAD_BYTES 65536
/* A body must arrive within this time, and all that come share this much. */
#define BODY_US INT64_C(10000000)
#define BODIES_MAX ((size_t)256 << 20)
/* libfcgi never has to wait: a request is there before it reads, and an
 * answer fits into the socket's buffer, unless the peer never reads. */
#define PATIENCE_US 10000

static struct link *link_of(struct exchange *exchange)
{
    return (struct link *)exchange; /* its first member */
}

/* Frees a connection whose socket is closed. */
static void drop(struct link *link)
{
    struct server *server = link->server;

    pthread_mutex_lock(&server->lock);
    server->open--;
    pthread_mutex_unlock(&server->lock);
    free(link);
}

static void close_link(struct link *link)
{
    buffer_free(&link->head);
    close(link->fcgi.ipcFd);
    drop(link);
}

/* Watches a connection for its next edge; false: it is to be closed. */
static bool poll_link(struct link *link)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = link};

    if (!link->polled)
        link->polled = epoll_ctl(link->server->poll, EPOLL_CTL_ADD,
                                 link->fcgi.ipcFd, &event) == 0;
    return link->polled;
}

/* Waits for the next request, or the rest of a head, on a connection. */
static void wait_for_head(struct link *link)
{
    struct server *server = link->server;

    pthread_mutex_lock(&server->lock);
    TAILQ_INSERT_TAIL(&server->idle, link, idle);
    bool waiting = poll_link(link);
    if (!waiting)
        TAILQ_REMOVE(&server->idle, link, idle);
    pthread_mutex_unlock(&server->lock);
    if (!waiting)
        close_link(link);
}

/* From now on the connection is its request's, whichever thread has that. */
static void stop_waiting(struct link *link)
{
    if (link->polled)
        epoll_ctl(link->server->poll, EPOLL_CTL_DEL, link->fcgi.ipcFd, NULL);
    link->polled = false;
}

static char **variables(struct exchange *exchange)
{
    return link_of(exchange)->fcgi.envp;
}

static ssize_t read_body(struct exchange *exchange, char *bytes, size_t room)
{
    struct link *link = link_of(exchange);
    FCGX_Stream *in = link->fcgi.in;

    if (link->has_body)
        return body_read(&link->body, bytes, room);
    int n = FCGX_GetStr(bytes, room > INT_MAX ? INT_MAX : (int)room, in);
    return FCGX_GetError(in) ? -1 : n;
}

static void finish(struct exchange *exchange, const char *response,
                   size_t length)
{
    struct link *link = link_of(exchange);
    struct server *server = link->server;

    if (link->has_body)
        body_free(&link->body);
    link->has_body = false;
    FCGX_PutStr(response, (int)length, link->fcgi.out);
    /* Closing with a linger would wait for the web server on each answer. All
     * of the request has been read, so that a plain close loses nothing. */
    FCGX_Detach(&link->fcgi);
    FCGX_Finish_r(&link->fcgi);
    link->served = true;
    if (link->fcgi.ipcFd >= 0)
        wait_for_head(link);
    else
        drop(link);
    /* the last: the server may end then */
    engine_dismiss(&server->engine);
}

static const struct transport transport = {variables, read_body, finish};

/* Sees to the answer of a request that has arrived whole. */
static void serve_whole(struct link *link)
{
    struct engine *engine = &link->server->engine;

    engine_admit(engine);
    /* With no socket to listen on it takes only what is in ipcFd, which it
     * would close first as the last request's, were it not to be kept. */
    link->fcgi.keepConnection = 1;
    link->exchange = (struct exchange){.transport = &transport};
    if (FCGX_Accept_r(&link->fcgi) < 0) {
        drop(link);
        engine_dismiss(engine);
        return;
    }
    request_handle(engine, &link->exchange);
}

/* Ends a connection whose body will not come. */
static void give_up_body(struct link *link)
{
    TAILQ_REMOVE(&link->server->coming, link, coming);
    body_free(&link->body);
    FCGX_Free(&link->fcgi, 0);
    close_link(link);
}

/* Takes more of a body; with its end, the request is served. */
static void attend_body(struct link *link)
{
    struct engine *engine = &link->server->engine;

    switch (body_receive(&link->body)) {
    case BODY_PART:
        return;
    case BODY_CUT:
        link->fcgi.keepConnection = 0;
        break;
    case BODY_ENDS:
        break;
    }
    TAILQ_REMOVE(&link->server->coming, link, coming);
    stop_waiting(link);
    engine_admit(engine);
    link->exchange = (struct exchange){.transport = &transport};
    request_handle(engine, &link->exchange);
}

/* A request whose head was read in parts, or whose body is not all there. */
static void begin_body(struct link *link)
{
    struct server *server = link->server;
    bool begun;

    link->has_body = true;
    link->deadline = clock_now() + BODY_US;
    TAILQ_INSERT_TAIL(&server->coming, link, coming);
    begun =
        body_begin(&link->body, &link->fcgi, (const uint8_t *)link->head.data,
                   link->head.length, server->engine.settings->max_body);
    buffer_free(&link->head);
    if (!begun || !poll_link(link))
        give_up_body(link);
    else
        attend_body(link);
}

int link_sweep_bodies(struct server *server)
{
    struct link *link;
    size_t bytes = 0;
    int64_t left;

    TAILQ_FOREACH(link, &server->coming, coming)
    {
        /* cppcheck-suppress uninitvar ; the macro sets it */
        bytes += link->body.bytes.room;
    }
    while ((link = TAILQ_FIRST(&server->coming))) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): one left the list */
        left = link->deadline - clock_now();
        if (left > 0 && bytes <= BODIES_MAX)
            return (int)(left / 1000) + 1;
        log_cause(LOG_FASTCGI, "a body does not come in time");
        bytes -= link->body.bytes.room;
        give_up_body(link);
    }
    return -1;
}

/* Tells and closes. */
static void refuse(struct link *link)
{
    log_cause(LOG_FASTCGI, "a connection is closed: no FastCGI request");
    close_link(link);
}

/*
 * A request that has begun to arrive in parts; it is read as it comes, up to
 * the EAGAIN after which another edge is sure, or to the end of it all.
 */
static void attend_head(struct link *link)
{
    struct buffer *head = &link->head;
    enum wire_state state;
    ssize_t n;

    do {
        buffer_reserve(head, HEAD_BYTES - head->length);
        n = recv(link->fcgi.ipcFd, head->data + head->length,
                 HEAD_BYTES - head->length, MSG_DONTWAIT);
        if (n > 0)
            head->length += (size_t)n;
    } while (head->length < HEAD_BYTES && (n > 0 || (n < 0 && errno == EINTR)));
    bool may_go_on = n < 0 && errno == EAGAIN;
    state = wire_examine((const uint8_t *)head->data, head->length);
    if (state == WIRE_HEAD || state == WIRE_WHOLE)
        begin_body(link);
    else if (state == WIRE_PART && may_go_on)
        wait_for_head(link);
    else
        refuse(link);
}

/* Looks at what has arrived on a connection, and does what can be done. */
static void attend(struct link *link)
{
    static uint8_t bytes[HEAD_BYTES]; /* the accepting thread's alone */
    ssize_t n =
        recv(link->fcgi.ipcFd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_link(link);
    } else if (n < 0) {
        wait_for_head(link);
    } else if (wire_examine(bytes, (size_t)n) == WIRE_WHOLE) {
        stop_waiting(link);
        serve_whole(link);
    } else {
        attend_head(link);
    }
}

void link_evict_idle(struct server *server)
{
    struct link *link;

    pthread_mutex_lock(&server->lock);
    link = server->open >= server->open_max ? TAILQ_FIRST(&server->idle) : NULL;
    if (link)
        TAILQ_REMOVE(&server->idle, link, idle);
    pthread_mutex_unlock(&server->lock);
    if (link)
        close_link(link);
}

void link_open(struct server *server, int fd)
{
    static const struct timeval patience = {.tv_usec = PATIENCE_US};
    struct link *link = memory_new(1, sizeof(*link));

    link_evict_idle(server);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    FCGX_InitRequest(&link->fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    link->fcgi.ipcFd = fd;
    link->server = server;
    pthread_mutex_lock(&server->lock);
    server->open++;
    pthread_mutex_unlock(&server->lock);
    attend(link);
}

void link_attend(struct server *server, struct link *link)
{
    if (link->has_body) {
        attend_body(link);
        return;
    }
    pthread_mutex_lock(&server->lock);
    TAILQ_REMOVE(&server->idle, link, idle);
    pthread_mutex_unlock(&server->lock);
    if (link->head.length)
        attend_head(link);
    else
        attend(link);
}

bool link_awaits_request(struct server *server)
{
    struct link *link;
    bool awaits = !TAILQ_EMPTY(&server->coming);

    pthread_mutex_lock(&server->lock);
    TAILQ_FOREACH(link, &server->idle, idle)
    {
        /* cppcheck-suppress uninitvar ; the macro sets it */
        awaits |= !link->served || link->head.length;
    }
    pthread_mutex_unlock(&server->lock);
    return awaits;
}
