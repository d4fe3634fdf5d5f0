/*
 * Sends notifications with numbered calls over many connections until it is
 * told to stop (SIGTERM), and writes down what became of each request.
 *
 *   sender --to PATH|PORT --log FILE --run HEX --subscription ID --tenant ID
 *          --secret TEXT [--connections 32] [--items 1] [--rate 0]
 *          [--requests 0] [--fresh]
 *
 * A path is a FastCGI socket, a port that of a web server on 127.0.0.1.
 * --items: a request; --rate: requests a second, 0: as fast as they go;
 * --requests: stop after so many; --fresh: a connection for each request.
 *
 * The log holds a `struct record` for each request that was sent. The call of
 * item n has the id <run>-0000-4000-8000-<n, 12 hexadecimal digits>.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BYTES_MAX 65000
#define FLUSH_RECORDS 8192
#define CONNECTIONS_MAX 1024
#define ITEMS_MAX 60

struct record {
    uint32_t first; /* number of the first item */
    uint16_t items;
    uint16_t status;     /* 0: cut before the answer */
    uint32_t latency_us; /* from the first byte sent, or the connect */
    uint32_t end_ms;     /* since the epoch, modulo 2^32 */
};

static struct {
    const char *path; /* NULL: HTTP to the port */
    int port;
    const char *run, *subscription, *tenant, *secret;
    long connections, items, rate, requests;
    bool fresh;
    int log;
} options = {.connections = 32, .items = 1};

static atomic_bool stopping;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t next_item;
static long taken;
static int64_t next_due_us;
static struct record records[FLUSH_RECORDS];
static size_t records_count;

static int64_t clock_us(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_us(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};

    if (us > 0)
        nanosleep(&t, NULL);
}

/* Writes what is recorded; the lock is held. */
static void flush(void)
{
    size_t bytes = records_count * sizeof(*records), done = 0;

    while (done < bytes) {
        ssize_t n = write(options.log, (char *)records + done, bytes - done);
        if (n <= 0) {
            perror("sender: log");
            _exit(1);
        }
        done += (size_t)n;
    }
    records_count = 0;
}

static void write_down(const struct record *record)
{
    pthread_mutex_lock(&lock);
    records[records_count++] = *record;
    if (records_count == FLUSH_RECORDS)
        flush();
    pthread_mutex_unlock(&lock);
}

/* Takes the numbers of the next request and waits until it is due. */
static bool take_turn(struct record *record)
{
    int64_t now = clock_us(CLOCK_MONOTONIC), due = now;
    bool go;

    pthread_mutex_lock(&lock);
    go = !stopping && (!options.requests || taken < options.requests);
    if (go) {
        *record = (struct record){.first = next_item,
                                  .items = (uint16_t)options.items};
        next_item += (uint32_t)options.items;
        taken++;
        if (options.rate) {
            /* what a stall has left undone is not made up for */
            due = next_due_us > now - 20000 ? next_due_us : now;
            next_due_us = due + 1000000 / options.rate;
        }
    }
    pthread_mutex_unlock(&lock);
    if (go)
        sleep_us(due - now);
    return go;
}

static int dial(void)
{
    struct timeval timeout = {.tv_sec = 30};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, failed;
    int fd = socket(options.path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (options.path) {
        snprintf(un.sun_path, sizeof(un.sun_path), "%s", options.path);
        failed = connect(fd, (struct sockaddr *)&un, sizeof(un));
    } else {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        failed = connect(fd, (struct sockaddr *)&in, sizeof(in));
    }
    if (!failed)
        return fd;
    close(fd);
    return -1;
}

static size_t add(char *to, size_t at, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(to + at, BYTES_MAX - at, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= BYTES_MAX - at) {
        fputs("sender: a request is too large\n", stderr);
        _exit(1);
    }
    return at + (size_t)n;
}

static size_t make_body(char *body, const struct record *record)
{
    size_t at = add(body, 0, "{\"value\":[");

    for (unsigned i = 0; i < record->items; i++) {
        char call[64];
        snprintf(call, sizeof(call), "%.8s-0000-4000-8000-%012lx", options.run,
                 (unsigned long)record->first + i);
        at = add(body, at,
                 "%s{\"subscriptionId\":\"%s\",\"clientState\":\"%s\","
                 "\"changeType\":\"updated\","
                 "\"resource\":\"communications/callRecords/%s\","
                 "\"subscriptionExpirationDateTime\":"
                 "\"2030-02-28T00:00:00.000+00:00\","
                 "\"resourceData\":{\"@odata.type\":"
                 "\"#Microsoft.Graph.callRecord\","
                 "\"@odata.id\":\"communications/callRecords/%s\","
                 "\"id\":\"%s\"},\"tenantId\":\"%s\"}",
                 i ? "," : "", options.subscription, options.secret, call, call,
                 call, options.tenant);
    }
    return add(body, at, "]}");
}

static size_t add_record(char *to, size_t at, int type, const char *bytes,
                         size_t length)
{
    const char head[8] = {
        1, (char)type, 0, 1, (char)(length >> 8), (char)length, 0, 0};

    memcpy(to + at, head, sizeof(head));
    if (length)
        memcpy(to + at + sizeof(head), bytes, length);
    return at + sizeof(head) + length;
}

static size_t add_pair(char *to, size_t at, const char *name, const char *value)
{
    to[at++] = (char)strlen(name);
    to[at++] = (char)strlen(value);
    return add(to, at, "%s%s", name, value);
}

/* Makes the whole request; `to` has room for two bodies. */
static size_t make_request(char *to, const struct record *record)
{
    static const char begin[8] = {0, 1, 1}, last[8] = {0, 1, 0};
    char body[BYTES_MAX], params[1024], number[24];
    size_t length = make_body(body, record), at = 0, n = 0;

    if (!options.path) {
        at = add(to, 0,
                 "POST /callhook HTTP/1.1\r\nHost: calls.example.com\r\n"
                 "Content-Type: application/json\r\n%s"
                 "Content-Length: %zu\r\n\r\n",
                 options.fresh ? "Connection: close\r\n" : "", length);
        memcpy(to + at, body, length);
        return at + length;
    }
    snprintf(number, sizeof(number), "%zu", length);
    n = add_pair(params, n, "REQUEST_METHOD", "POST");
    n = add_pair(params, n, "SCRIPT_NAME", "/callhook");
    n = add_pair(params, n, "QUERY_STRING", "");
    n = add_pair(params, n, "CONTENT_LENGTH", number);
    n = add_pair(params, n, "REMOTE_ADDR", "192.0.2.1");
    at = add_record(to, at, 1, options.fresh ? last : begin, sizeof(begin));
    at = add_record(to, at, 4, params, n);
    at = add_record(to, at, 4, NULL, 0);
    at = add_record(to, at, 5, body, length);
    return add_record(to, at, 5, NULL, 0);
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

/* The status in a whole FastCGI answer, 0 if it is not whole yet. */
static int fastcgi_status(const unsigned char *bytes, size_t length)
{
    size_t at = 0;
    int status = 0;

    while (at + 8 <= length) {
        size_t content = (size_t)bytes[at + 4] << 8 | bytes[at + 5];
        size_t whole = 8 + content + bytes[at + 6];
        if (at + whole > length)
            return 0;
        if (bytes[at + 1] == 6 && content > 11 && !status &&
            memcmp(bytes + at + 8, "Status: ", 8) == 0)
            status = atoi((const char *)bytes + at + 16);
        if (bytes[at + 1] == 3)
            return status ? status : 999;
        at += whole;
    }
    return 0;
}

/* The same for HTTP; `closes`: the server ends the connection. */
static int http_status(const char *text, size_t length, bool *closes)
{
    const char *end = strstr(text, "\r\n\r\n"), *stated;

    if (!end || length < 13)
        return 0;
    *closes = strcasestr(text, "\r\nconnection: close");
    stated = strcasestr(text, "\r\ncontent-length:");
    size_t body = stated && stated < end ? strtoul(stated + 17, NULL, 10) : 0;
    if ((size_t)(end + 4 - text) + body > length)
        return 0;
    return atoi(text + 9);
}

/* Reads the answer; 0: it was cut. */
static int read_status(int fd, bool *closes)
{
    char bytes[8192];
    size_t length = 0;
    int status = 0;

    while (!status && length < sizeof(bytes) - 1) {
        ssize_t n = recv(fd, bytes + length, sizeof(bytes) - 1 - length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        length += (size_t)n;
        bytes[length] = '\0';
        status = options.path ? fastcgi_status((unsigned char *)bytes, length)
                              : http_status(bytes, length, closes);
    }
    return status;
}

static void *run(void *context)
{
    static _Thread_local char request[2 * BYTES_MAX];
    struct record record;
    int fd = -1;

    (void)context;
    while (take_turn(&record)) {
        bool closes = options.fresh;
        size_t length = make_request(request, &record);
        int64_t start = clock_us(CLOCK_MONOTONIC);
        /* Nobody listens: that is no request, the same one is sent later. */
        while (fd < 0 && (fd = dial()) < 0 && !stopping) {
            sleep_us(20000);
            start = clock_us(CLOCK_MONOTONIC);
        }
        if (fd < 0)
            break;
        if (send_all(fd, request, length))
            record.status = (uint16_t)read_status(fd, &closes);
        record.latency_us = (uint32_t)(clock_us(CLOCK_MONOTONIC) - start);
        record.end_ms = (uint32_t)(clock_us(CLOCK_REALTIME) / 1000);
        write_down(&record);
        if (!record.status || closes) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void set_option(int number, char *value)
{
    switch (number) {
    case 't':
        if (*value == '/')
            options.path = value;
        else
            options.port = atoi(value);
        break;
    case 'l':
        options.log = open(value, O_WRONLY | O_CREAT | O_APPEND, 0600);
        break;
    case 'n':
        options.run = value;
        break;
    case 's':
        options.subscription = value;
        break;
    case 'i':
        options.tenant = value;
        break;
    case 'p':
        options.secret = value;
        break;
    case 'c':
        options.connections = atol(value);
        break;
    case 'm':
        options.items = atol(value);
        break;
    case 'r':
        options.rate = atol(value);
        break;
    case 'q':
        options.requests = atol(value);
        break;
    case 'f':
        options.fresh = true;
        break;
    default:
        exit(64);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"to", required_argument, NULL, 't'},
        {"log", required_argument, NULL, 'l'},
        {"run", required_argument, NULL, 'n'},
        {"subscription", required_argument, NULL, 's'},
        {"tenant", required_argument, NULL, 'i'},
        {"secret", required_argument, NULL, 'p'},
        {"connections", required_argument, NULL, 'c'},
        {"items", required_argument, NULL, 'm'},
        {"rate", required_argument, NULL, 'r'},
        {"requests", required_argument, NULL, 'q'},
        {"fresh", no_argument, NULL, 'f'},
        {0},
    };
    int number;

    while ((number = getopt_long(argc, argv, "", known, NULL)) != -1)
        set_option(number, optarg);
    if (!(options.path || options.port) || options.log <= 0 || !options.run ||
        !options.subscription || !options.tenant || !options.secret ||
        options.connections < 1 || options.connections > CONNECTIONS_MAX ||
        options.items < 1 || options.items > ITEMS_MAX) {
        fputs("sender: wrong options\n", stderr);
        exit(64);
    }
}

static void stop(int number)
{
    (void)number;
    stopping = true;
}

/* Writes the log ten times a second, so that tests see how far it is. */
static void *keep_flushing(void *context)
{
    for (;;) {
        sleep_us(100000);
        pthread_mutex_lock(&lock);
        flush();
        pthread_mutex_unlock(&lock);
    }
    return context;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
    pthread_t threads[CONNECTIONS_MAX], flusher;

    read_options(argc, argv);
    sigaction(SIGTERM, &action, NULL);
    for (long i = 0; i < options.connections; i++)
        if (pthread_create(&threads[i], NULL, run, NULL))
            return 71;
    if (pthread_create(&flusher, NULL, keep_flushing, NULL))
        return 71;
    for (long i = 0; i < options.connections; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_lock(&lock);
    flush();
    return 0;
}
