/*
 * Requests from a web server that speaks FastCGI. One thread accepts, reads,
 * parses and parks; who stores a batch answers it.
 *
 * libfcgi reads a request with blocking calls. So connections are accepted
 * here, and libfcgi gets one only when all of its request has arrived (seen
 * by MSG_PEEK), and never waits. A body that is larger than what is peeked
 * at, or that a slow client is still sending, is read by a thread of its own.
 * Connections that say nothing wait in an epoll set and cost no thread; so a
 * web server may keep as many of them as it likes.
 */
#include "fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "exchange.h"
#include "log.h"
#include "memory.h"
#include "request.h"
#include "wire.h"

#define LISTENER 0
#define PEEK_BYTES 65536
#define EVENTS_A_WAIT 64
/* Connections that are open; past it the longest idle one is closed. */
#define OPEN_MAX_CONNECTIONS 4096
#define OPEN_MIN 64
#define SLOW_STACK_BYTES ((size_t)256 * 1024)
/* A body must arrive within this time, and no silence may be longer. */
#define BODY_US INT64_C(10000000)
#define SILENCE_S 5

/* A connection, which carries one request at a time. */
struct link {
    struct exchange exchange;
    FCGX_Request fcgi;
    struct server *server;
    TAILQ_ENTRY(link) idle;
    int64_t deadline; /* for the body, while it is read */
    bool polled;      /* in the epoll set */
    bool slow;        /* read by a thread of its own */
};

struct server {
    struct engine engine;
    int poll;
    int signals;
    bool unix_socket;
    pthread_mutex_t lock;              /* of the idle ones and of `open` */
    TAILQ_HEAD(idle_links, link) idle; /* the longest idle one first */
    size_t open;
    size_t open_max;
};

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
    close(link->fcgi.ipcFd);
    drop(link);
}

/*
 * Waits for the next request, or the rest of this one, on a connection. Part
 * of a request stays unread: only an edge says that there is more of it.
 */
static void wait_for_input(struct link *link)
{
    struct server *server = link->server;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = link};

    pthread_mutex_lock(&server->lock);
    TAILQ_INSERT_TAIL(&server->idle, link, idle);
    if (!link->polled)
        link->polled = epoll_ctl(server->poll, EPOLL_CTL_ADD, link->fcgi.ipcFd,
                                 &event) == 0;
    bool waiting = link->polled;
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

/*
 * FCGX_GetStr waits until it has all that it is asked for; so it is asked
 * for what libfcgi has, or one byte, and the clock is looked at in between.
 */
static ssize_t read_body(struct exchange *exchange, char *bytes, size_t room)
{
    struct link *link = link_of(exchange);
    FCGX_Stream *in = link->fcgi.in;
    ptrdiff_t has = in->stop - in->rdNext;
    int n;

    if (has < 1)
        has = 1;
    if ((size_t)has > room)
        has = (ptrdiff_t)room;
    n = FCGX_GetStr(bytes, (int)has, in);
    if (FCGX_GetError(in) || (n > 0 && clock_now() > link->deadline)) {
        link->fcgi.keepConnection = 0;
        return -1;
    }
    return n;
}

static void finish(struct exchange *exchange, const char *response,
                   size_t length)
{
    struct link *link = link_of(exchange);
    struct server *server = link->server;
    bool slow = link->slow;

    FCGX_PutStr(response, (int)length, link->fcgi.out);
    /* Closing with a linger would wait for the web server on each answer; a
     * Unix socket does not need it. */
    if (server->unix_socket)
        FCGX_Detach(&link->fcgi);
    FCGX_Finish_r(&link->fcgi);
    if (link->fcgi.ipcFd >= 0)
        wait_for_input(link);
    else
        drop(link);
    /* the last: the server may end then */
    engine_dismiss(&server->engine, slow);
}

static const struct transport transport = {variables, read_body, finish};

/* Reads a request, whose head is complete, and sees to its answer. */
static void serve_request(struct link *link)
{
    link->deadline = clock_now() + BODY_US;
    link->exchange = (struct exchange){.transport = &transport};
    /* With no socket to listen on it takes only what is in ipcFd, which it
     * would close first as the last request's, were it not to be kept. */
    link->fcgi.keepConnection = 1;
    if (FCGX_Accept_r(&link->fcgi) < 0) {
        struct engine *engine = &link->server->engine;
        bool slow = link->slow;
        drop(link);
        engine_dismiss(engine, slow);
        return;
    }
    request_handle(&link->server->engine, &link->exchange);
}

static void *serve_slowly(void *context)
{
    serve_request(context);
    return NULL;
}

/* A thread for one request whose body is still coming. */
static void start_slow(struct link *link)
{
    static const struct timeval silence = {.tv_sec = SILENCE_S};
    pthread_attr_t attributes;
    pthread_t thread;

    link->slow = engine_admit_slow(&link->server->engine);
    if (!link->slow) {
        log_cause(LOG_FASTCGI, "too many requests whose body does not come");
        close_link(link);
        return;
    }
    setsockopt(link->fcgi.ipcFd, SOL_SOCKET, SO_RCVTIMEO, &silence,
               sizeof(silence));
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, SLOW_STACK_BYTES);
    int error = pthread_create(&thread, &attributes, serve_slowly, link);
    pthread_attr_destroy(&attributes);
    if (error) {
        struct engine *engine = &link->server->engine;
        log_cause(LOG_FASTCGI, "no thread for a slow request: %s",
                  strerror(error));
        close_link(link);
        engine_dismiss(engine, true);
    }
}

/* Looks at what has arrived on a connection, and does what can be done. */
static void attend(struct link *link)
{
    static uint8_t bytes[PEEK_BYTES]; /* the accepting thread's alone */
    ssize_t n =
        recv(link->fcgi.ipcFd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
    enum wire_state state = WIRE_PART;

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        n = 0;
    if (n == 0) {
        close_link(link);
        return;
    }
    if (n > 0)
        state = wire_examine(bytes, (size_t)n);
    if (state == WIRE_PART && n == (ssize_t)sizeof(bytes))
        state = WIRE_BROKEN;
    switch (state) {
    case WIRE_PART:
        wait_for_input(link);
        break;
    case WIRE_HEAD:
        stop_waiting(link);
        start_slow(link);
        break;
    case WIRE_WHOLE:
        stop_waiting(link);
        link->slow = false;
        engine_admit(&link->server->engine);
        serve_request(link);
        break;
    case WIRE_BROKEN:
        log_cause(LOG_FASTCGI, "a connection is closed: no FastCGI request");
        close_link(link);
        break;
    }
}

/* Makes room by closing the connection that has been idle for longest. */
static void evict_idle(struct server *server)
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

static void accept_links(struct server *server)
{
    /* Bounded, so that signals and open connections get their turn. */
    for (int i = 0; i < EVENTS_A_WAIT; i++) {
        int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                log_cause(LOG_FASTCGI, "no connection is accepted: %s",
                          strerror(errno));
            return;
        }
        struct link *link = memory_new(1, sizeof(*link));
        evict_idle(server);
        FCGX_InitRequest(&link->fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
        link->fcgi.ipcFd = fd;
        link->server = server;
        pthread_mutex_lock(&server->lock);
        server->open++;
        pthread_mutex_unlock(&server->lock);
        attend(link);
    }
}

static void watch(struct server *server, int fd, uint32_t how, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN | how, .data.ptr = mark};

    if (epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event))
        die(EX_OSERR, "a socket cannot be watched: %s", strerror(errno));
}

/* Serves until a signal. Connections are attended before new ones come. */
static void run(struct server *server)
{
    struct epoll_event events[EVENTS_A_WAIT];
    bool stop = false;

    while (!stop) {
        bool accepting = false;
        int n = epoll_wait(server->poll, events, EVENTS_A_WAIT, -1);

        for (int i = 0; i < n; i++) {
            struct link *link = events[i].data.ptr;
            if (events[i].data.ptr == &server->signals) {
                stop = true;
            } else if (events[i].data.ptr == server) {
                accepting = true;
            } else {
                pthread_mutex_lock(&server->lock);
                TAILQ_REMOVE(&server->idle, link, idle);
                pthread_mutex_unlock(&server->lock);
                attend(link);
            }
        }
        if (accepting && !stop)
            accept_links(server);
    }
}

/* SIGTERM, SIGUSR1 and SIGINT are read; no thread is interrupted by them. */
static void take_signals(struct server *server)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGUSR1);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    server->signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signals < 0)
        die(EX_OSERR, "signals cannot be read: %s", strerror(errno));
}

static bool listens_on_unix_socket(void)
{
    int domain = 0;
    socklen_t length = sizeof(domain);

    return getsockopt(LISTENER, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
           domain == AF_UNIX;
}

/* As many descriptors as the system lets us have; some are for others. */
static size_t allow_connections(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files))
        return OPEN_MIN;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur < 2 * OPEN_MIN)
        return OPEN_MIN;
    return files.rlim_cur - OPEN_MIN < OPEN_MAX_CONNECTIONS
               ? files.rlim_cur - OPEN_MIN
               : OPEN_MAX_CONNECTIONS;
}

static void open_server(struct server *server)
{
    int flags = fcntl(LISTENER, F_GETFL);

    take_signals(server);
    if (FCGX_Init() || fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK))
        die(EX_OSERR, "libfcgi cannot be started");
    server->open_max = allow_connections();
    pthread_mutex_init(&server->lock, NULL);
    TAILQ_INIT(&server->idle);
    server->unix_socket = listens_on_unix_socket();
    server->poll = epoll_create1(EPOLL_CLOEXEC);
    if (server->poll < 0)
        die(EX_OSERR, "epoll: %s", strerror(errno));
    /* Of several processes on one socket, a connection wakes one. */
    watch(server, LISTENER, EPOLLEXCLUSIVE, server);
    watch(server, server->signals, 0, &server->signals);
}

/* Idle connections carry no request: they end with the process. */
static void close_server(struct server *server)
{
    close(LISTENER);
    engine_stop(&server->engine);
    close(server->poll);
    close(server->signals);
}

bool fastcgi_is_offered(void)
{
    int listening = 0;
    socklen_t length = sizeof(listening);

    return getsockopt(LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listening,
                      &length) == 0 &&
           listening;
}

int fastcgi_serve(const struct settings *settings)
{
    static struct server server; /* outlives a thread that is left behind */

    open_server(&server);
    engine_start(&server.engine, settings, true);
    log_line("ready, %zu requests in flight at most", settings->requests);
    run(&server);
    close_server(&server);
    return EX_OK;
}
