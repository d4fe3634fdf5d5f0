/*
 * Requests from a web server that speaks FastCGI. One thread accepts, reads,
 * parses and parks; who stores a batch answers it.
 */
#include "web/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "receiver/receiver.h"
#include "receiver/threads.h"
#include "web/connection.h"

#define LISTENER 0
#define EVENTS_A_WAIT 64
#define FIRST_LOOK_US 200000
/* After a signal: for requests on connections that were just accepted. */
#define GRACE_US 1000000
/* Pause while no connection can be accepted. */
#define FULL_US 10000

/* No descriptor is left: the listener would wake us again and again. */
static void make_way(struct server *server)
{
    log_cause(LOG_FASTCGI, "no connection is accepted: %s", strerror(errno));
    if (!connection_evict_idle(server, true))
        usleep(FULL_US);
}

static void accept_connections(struct server *server)
{
    /* Bounded, so that signals and open connections get their turn. */
    for (int i = 0; i < EVENTS_A_WAIT; i++) {
        int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                make_way(server);
            return;
        }
        connection_open(server, fd);
    }
}

static void watch(struct server *server, int fd, uint32_t how, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN | how, .data.ptr = mark};

    if (epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event))
        die(EX_OSERR, "a socket cannot be watched: %s", strerror(errno));
}

/* What an epoll_wait brought besides events of connections. */
struct round {
    bool quiet; /* it brought nothing */
    bool accepting;
    bool stop;
};

/* Connections are attended before new ones come. */
static struct round attend_events(struct server *server, int timeout_ms)
{
    struct epoll_event events[EVENTS_A_WAIT];
    struct round round = {false, false, false};
    int64_t before = clock_now();
    int n = epoll_wait(server->poll, events, EVENTS_A_WAIT, timeout_ms);

    round.quiet = n <= 0;
    connection_note_wait(server, before);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &server->signals)
            round.stop = true;
        else if (events[i].data.ptr == server)
            round.accepting = true;
        else
            connection_attend(server, events[i].data.ptr);
    }
    return round;
}

/*
 * Requests on connections that were accepted. One that is kept ends with its
 * next answer, not between: who has it may be asking.
 */
static void finish_connections(struct server *server)
{
    int64_t end = clock_now() + GRACE_US;

    atomic_store(&server->closing, true);
    while (clock_now() < end)
        if (attend_events(server, 10).quiet &&
            !connection_awaits_request(server) &&
            !receiver_is_busy(&server->receiver))
            break;
}

/* Serves until a signal, and then what was accepted before it. */
static void run(struct server *server)
{
    struct round round = {false, false, false};

    while (!round.stop) {
        round = attend_events(server, connection_sweep_bodies(server));
        if (round.accepting && !round.stop)
            accept_connections(server);
    }
    epoll_ctl(server->poll, EPOLL_CTL_DEL, LISTENER, NULL);
    epoll_ctl(server->poll, EPOLL_CTL_DEL, server->signals, NULL);
    finish_connections(server);
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

static void open_server(struct server *server)
{
    int flags = fcntl(LISTENER, F_GETFL);

    take_signals(server);
    if (FCGX_Init() || fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK))
        die(EX_OSERR, "libfcgi cannot be started");
    server->open_max = limits_connections();
    pthread_mutex_init(&server->lock, NULL);
    TAILQ_INIT(&server->idle);
    TAILQ_INIT(&server->coming);
    server->poll = epoll_create1(EPOLL_CLOEXEC);
    if (server->poll < 0)
        die(EX_OSERR, "epoll: %s", strerror(errno));
    /* Of several processes on one socket, a connection wakes one. */
    watch(server, LISTENER, EPOLLEXCLUSIVE, server);
    watch(server, server->signals, 0, &server->signals);
}

/*
 * Idle connections carry no request. They end first: whoever asked on one while
 * requests in flight, and the last minute, wait for the database, would be cut.
 */
static void close_server(struct server *server)
{
    close(LISTENER);
    while (connection_evict_idle(server, true))
        continue;
    slow_lane_stop(&server->slow_lane);
    threads_stop(&server->receiver, EX_OK);
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
    receiver_init(&server.receiver, settings, true);
    threads_start(&server.receiver);
    /* So that the first answers are not given in ignorance. */
    receiver_look(&server.receiver, FIRST_LOOK_US);
    slow_lane_start(&server.slow_lane, &server.receiver);
    log_notice("ready, %zu requests in flight at most", settings->requests);
    run(&server);
    close_server(&server);
    return EX_OK;
}
