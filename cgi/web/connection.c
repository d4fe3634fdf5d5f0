/*
 * Connections of a web server, and what arrives on them.
 *
 * libfcgi reads a request with blocking calls. So it gets a connection only
 * when all of its request has arrived (seen by MSG_PEEK), and never waits. A
 * request that comes in parts is collected here, and libfcgi gets its head.
 * Connections that say nothing wait in an epoll set and cost no thread: a web
 * server may keep as many as it likes.
 */
#include "web/connection.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "web/fcgi_record.h"
#include "web/request.h"

/* The longest head; a request within this is looked at before it is read. */
#define HEAD_BYTES 65536
/* A body must arrive within this time, and all that come share this much. */
#define BODY_US INT64_C(10000000)
#define BODIES_MAX ((size_t)256 << 20)
/* libfcgi never has to wait: a request is there before it reads, and an
 * answer fits into the socket's buffer, unless the peer never reads. */
#define PATIENCE_US 10000
/* From which time on a wait for room counts. */
#define HELD_US 10000

static struct connection *connection_of(struct exchange *exchange)
{
    return (struct connection *)exchange; /* its first member */
}

/* Frees a connection whose socket is closed. */
static void drop(struct connection *connection)
{
    struct server *server = connection->server;

    pthread_mutex_lock(&server->lock);
    server->open--;
    pthread_mutex_unlock(&server->lock);
    free(connection);
}

static void close_connection(struct connection *connection)
{
    buffer_free(&connection->head);
    close(connection->fcgi.ipcFd);
    drop(connection);
}

/* Watches a connection for its next edge; false: it is to be closed. */
static bool poll_connection(struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET,
                                .data.ptr = connection};

    if (!connection->polled)
        connection->polled = epoll_ctl(connection->server->poll, EPOLL_CTL_ADD,
                                       connection->fcgi.ipcFd, &event) == 0;
    return connection->polled;
}

/* Waits for the next request, or the rest of a head, on a connection. */
static void wait_for_head(struct connection *connection)
{
    struct server *server = connection->server;

    pthread_mutex_lock(&server->lock);
    TAILQ_INSERT_TAIL(&server->idle, connection, idle);
    bool waiting = poll_connection(connection);
    if (!waiting)
        TAILQ_REMOVE(&server->idle, connection, idle);
    pthread_mutex_unlock(&server->lock);
    if (!waiting)
        close_connection(connection);
}

/* From now on the connection is its request's, whichever thread has that. */
static void stop_waiting(struct connection *connection)
{
    if (connection->polled)
        epoll_ctl(connection->server->poll, EPOLL_CTL_DEL,
                  connection->fcgi.ipcFd, NULL);
    connection->polled = false;
}

static char **variables(struct exchange *exchange)
{
    return connection_of(exchange)->fcgi.envp;
}

static ssize_t read_body(struct exchange *exchange, char *bytes, size_t room)
{
    struct connection *connection = connection_of(exchange);
    FCGX_Stream *in = connection->fcgi.in;

    if (connection->has_body)
        return fcgi_body_read(&connection->body, bytes, room);
    int n = FCGX_GetStr(bytes, room > INT_MAX ? INT_MAX : (int)room, in);
    return FCGX_GetError(in) ? -1 : n;
}

static void finish(struct exchange *exchange, const char *response,
                   size_t length)
{
    struct connection *connection = connection_of(exchange);
    struct server *server = connection->server;

    if (connection->has_body)
        fcgi_body_free(&connection->body);
    connection->has_body = false;
    if (atomic_load(&server->closing))
        connection->fcgi.keepConnection = 0;
    FCGX_PutStr(response, (int)length, connection->fcgi.out);
    /* Closing with a linger would wait for the web server on each answer. All
     * of the request has been read, so that a plain close loses nothing. */
    FCGX_Detach(&connection->fcgi);
    FCGX_Finish_r(&connection->fcgi);
    connection->served = true;
    if (connection->fcgi.ipcFd >= 0)
        wait_for_head(connection);
    else
        drop(connection);
    /* the last: the server may end then */
    receiver_dismiss(&server->receiver);
}

static const struct transport transport = {variables, read_body, finish};

/* A wait that took so long had nothing to do. */
#define IDLE_US 100

void connection_note_wait(struct server *server, int64_t before)
{
    if (server->held_since && clock_now() - before > IDLE_US)
        server->held_since = 0;
}

/*
 * Waits for room. What is admitted then, and what comes behind it until
 * nothing is left, has been on its socket for some of that time: its deadline
 * is counted from the begin of the wait.
 */
static void admit(struct connection *connection)
{
    struct server *server = connection->server;
    int64_t before = clock_now();

    receiver_admit(&server->receiver);
    if (!server->held_since && clock_now() - before > HELD_US)
        server->held_since = before;
    connection->exchange = (struct exchange){
        .transport = &transport,
        .arrived = server->held_since ? server->held_since : before,
    };
}

/* Has a request answered that has arrived in full. */
static void serve_whole(struct connection *connection)
{
    struct receiver *receiver = &connection->server->receiver;

    admit(connection);
    /* With no socket to listen on it takes only what is in ipcFd, which it
     * would close first as the last request's, were it not to be kept. */
    connection->fcgi.keepConnection = 1;
    if (FCGX_Accept_r(&connection->fcgi) < 0) {
        drop(connection);
        receiver_dismiss(receiver);
        return;
    }
    request_handle(receiver, &connection->exchange);
}

/* Ends a connection whose body will not come. */
static void give_up_body(struct connection *connection)
{
    TAILQ_REMOVE(&connection->server->coming, connection, coming);
    fcgi_body_free(&connection->body);
    FCGX_Free(&connection->fcgi, 0);
    close_connection(connection);
}

/* Takes more of a body; with its end, the request is served. */
static void attend_body(struct connection *connection)
{
    struct receiver *receiver = &connection->server->receiver;

    switch (fcgi_body_receive(&connection->body)) {
    case FCGI_BODY_PART:
        return;
    case FCGI_BODY_CUT:
        connection->fcgi.keepConnection = 0;
        break;
    case FCGI_BODY_ENDS:
        break;
    }
    TAILQ_REMOVE(&connection->server->coming, connection, coming);
    stop_waiting(connection);
    size_t length = connection->body.bytes.length;
    if (length > HEAD_BYTES) {
        connection->exchange = (struct exchange){.transport = &transport,
                                                 .arrived = clock_now(),
                                                 .body_length = length};
        slow_lane_add(&connection->server->slow_lane, &connection->exchange);
        return;
    }
    admit(connection);
    request_handle(receiver, &connection->exchange);
}

/* A request whose head was read in parts, or whose body is not all there. */
static void begin_body(struct connection *connection)
{
    struct server *server = connection->server;
    bool begun;

    connection->has_body = true;
    connection->deadline = clock_now() + BODY_US;
    TAILQ_INSERT_TAIL(&server->coming, connection, coming);
    begun = fcgi_body_begin(&connection->body, &connection->fcgi,
                            (const uint8_t *)connection->head.data,
                            connection->head.length,
                            server->receiver.settings->max_body);
    buffer_free(&connection->head);
    if (!begun || !poll_connection(connection))
        give_up_body(connection);
    else
        attend_body(connection);
}

int connection_sweep_bodies(struct server *server)
{
    struct connection *connection;
    size_t bytes = slow_lane_bytes(&server->slow_lane);
    int64_t left;

    TAILQ_FOREACH(connection, &server->coming, coming)
    {
        /* cppcheck-suppress uninitvar ; the macro sets it */
        bytes += connection->body.bytes.room;
    }
    while ((connection = TAILQ_FIRST(&server->coming))) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): one left the list */
        left = connection->deadline - clock_now();
        if (left > 0 && bytes <= BODIES_MAX)
            return (int)(left / 1000) + 1;
        log_cause(LOG_FASTCGI, "a body does not come in time");
        bytes -= connection->body.bytes.room;
        give_up_body(connection);
    }
    return -1;
}

/* Logs and closes. */
static void refuse(struct connection *connection)
{
    log_cause(LOG_FASTCGI, "a connection is closed: no FastCGI request");
    close_connection(connection);
}

/*
 * A request that has begun to arrive in parts; it is read as it comes, up to
 * the EAGAIN after which another edge is sure, or to the end of it all.
 */
static void attend_head(struct connection *connection)
{
    struct buffer *head = &connection->head;
    enum fcgi_record_state state;
    ssize_t n;

    do {
        buffer_reserve(head, HEAD_BYTES - head->length);
        n = recv(connection->fcgi.ipcFd, head->data + head->length,
                 HEAD_BYTES - head->length, MSG_DONTWAIT);
        if (n > 0)
            head->length += (size_t)n;
    } while (head->length < HEAD_BYTES && (n > 0 || (n < 0 && errno == EINTR)));
    bool may_go_on = n < 0 && errno == EAGAIN;
    state = fcgi_record_examine((const uint8_t *)head->data, head->length);
    if (state == FCGI_RECORD_HEAD || state == FCGI_RECORD_WHOLE)
        begin_body(connection);
    else if (state == FCGI_RECORD_PART && may_go_on)
        wait_for_head(connection);
    else
        refuse(connection);
}

/* Looks at what has arrived on a connection, and does what can be done. */
static void attend(struct connection *connection)
{
    static uint8_t bytes[HEAD_BYTES]; /* the accepting thread's alone */
    ssize_t n = recv(connection->fcgi.ipcFd, bytes, sizeof(bytes),
                     MSG_PEEK | MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_connection(connection);
    } else if (n < 0) {
        wait_for_head(connection);
    } else if (fcgi_record_examine(bytes, (size_t)n) == FCGI_RECORD_WHOLE) {
        stop_waiting(connection);
        serve_whole(connection);
    } else {
        attend_head(connection);
    }
}

bool connection_evict_idle(struct server *server, bool now)
{
    struct connection *connection;

    pthread_mutex_lock(&server->lock);
    connection = now || server->open >= server->open_max
                     ? TAILQ_FIRST(&server->idle)
                     : NULL;
    if (connection)
        TAILQ_REMOVE(&server->idle, connection, idle);
    pthread_mutex_unlock(&server->lock);
    if (connection)
        close_connection(connection);
    return connection != NULL;
}

void connection_open(struct server *server, int fd)
{
    static const struct timeval patience = {.tv_usec = PATIENCE_US};
    struct connection *connection = memory_new(1, sizeof(*connection));

    connection_evict_idle(server, false);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    FCGX_InitRequest(&connection->fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    connection->fcgi.ipcFd = fd;
    connection->server = server;
    pthread_mutex_lock(&server->lock);
    server->open++;
    pthread_mutex_unlock(&server->lock);
    attend(connection);
}

void connection_attend(struct server *server, struct connection *connection)
{
    if (connection->has_body) {
        attend_body(connection);
        return;
    }
    pthread_mutex_lock(&server->lock);
    TAILQ_REMOVE(&server->idle, connection, idle);
    pthread_mutex_unlock(&server->lock);
    if (connection->head.length)
        attend_head(connection);
    else
        attend(connection);
}

bool connection_awaits_request(struct server *server)
{
    struct connection *connection;
    bool awaits = !TAILQ_EMPTY(&server->coming);

    pthread_mutex_lock(&server->lock);
    TAILQ_FOREACH(connection, &server->idle, idle)
    {
        /* cppcheck-suppress uninitvar ; the macro sets it */
        awaits |= !connection->served || connection->head.length;
    }
    pthread_mutex_unlock(&server->lock);
    return awaits;
}
