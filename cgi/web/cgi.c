/*
 * The one request of a plain CGI program (RFC 3875): variables in the
 * environment, the body on standard input, the answer to standard output.
 */
#include "web/cgi.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "receiver/exchange.h"
#include "receiver/receiver.h"
#include "receiver/threads.h"
#include "web/request.h"

struct cgi {
    struct exchange exchange;
    struct receiver receiver;
    unsigned long long body_left; /* bytes; the input need not end there */
    int status;
};

static struct cgi *cgi_of(struct exchange *exchange)
{
    return (struct cgi *)exchange; /* its first member */
}

static char **variables(struct exchange *exchange)
{
    (void)exchange;
    return environ;
}

static ssize_t read_body(struct exchange *exchange, char *bytes, size_t room)
{
    struct cgi *cgi = cgi_of(exchange);
    ssize_t n;

    if (room > cgi->body_left)
        room = (size_t)cgi->body_left;
    if (room == 0)
        return 0;
    do
        n = read(STDIN_FILENO, bytes, room);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        cgi->body_left -= (unsigned long long)n;
    return n;
}

static void finish(struct exchange *exchange, const char *response,
                   size_t length)
{
    struct cgi *cgi = cgi_of(exchange);
    size_t done = 0;

    while (done < length) {
        ssize_t n = write(STDOUT_FILENO, response + done, length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            cgi->status = EX_IOERR;
            break;
        }
        done += (size_t)n;
    }
    close(STDOUT_FILENO); /* a web server waits for the end, not for us */
    receiver_dismiss(&cgi->receiver);
}

static const struct transport transport = {variables, read_body, finish};

bool cgi_is_offered(void)
{
    return getenv("GATEWAY_INTERFACE") || getenv("REQUEST_METHOD");
}

int cgi_serve(const struct settings *settings)
{
    static struct cgi cgi = {.status = EX_OK};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL);
    /* One request is soon answered: that is how it ends. */
    sigaction(SIGTERM, &ignore, NULL);
    sigaction(SIGUSR1, &ignore, NULL);
    /* Its syntax is checked where all requests are. */
    const char *length = getenv("CONTENT_LENGTH");
    if (length && *length)
        cgi.body_left = strtoull(length, NULL, 10);
    else if (getenv("HTTP_TRANSFER_ENCODING"))
        cgi.body_left = ULLONG_MAX; /* chunked: the input ends with the body */
    cgi.exchange.transport = &transport;
    receiver_init(&cgi.receiver, settings, false);
    threads_start(&cgi.receiver);
    receiver_admit(&cgi.receiver);
    request_handle(&cgi.receiver, &cgi.exchange);
    threads_stop(&cgi.receiver, cgi.status);
    return cgi.status;
}
