/*
 * The reader of requests. An input is a byte of flags, and what a web server
 * sends on one connection, some of it late: the bytes themselves, or
 * variables and a body that are put into sound records here. The connection,
 * libfcgi and fastcgi.c are the real ones; the receiver only answers.
 */
#include "fuzz.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/un.h>

#include "../../cgi/web/fastcgi.c"
#include "base/memory.h"
#include "web/fcgi_record.h"

enum { FRAMED = 1, KEEP = 2, SMALL_RECORDS = 4, LATE_SHIFT = 3 };
enum { STDOUT_RECORD = 6, END_RECORD = 3, RECORD_HEAD = 8 };

/* More events than any connection here brings: it looks at the same again. */
#define ROUNDS_MAX 512
#define INPUT_MAX 65536

static struct server server;
static const struct settings settings = {.max_body = 1024};
static struct exchange_list parked;

/* The web server. */
static struct {
    int fd;
    uint8_t bytes[4 * INPUT_MAX]; /* of the connection */
    size_t length;
    size_t sent;
    uint8_t answers[1 << 20];
    size_t answered;
    uint8_t text[1 << 20]; /* of one answer */
    size_t text_length;
} peer;

/* -- the receiver ------------------------------------------------------------
 */

void receiver_init(struct receiver *receiver, const struct settings *s,
                   bool stays)
{
    (void)stays;
    receiver->settings = s;
}

void threads_start(struct receiver *receiver)
{
    (void)receiver;
}

void threads_stop(struct receiver *receiver, int status)
{
    (void)receiver, (void)status;
}

void receiver_reserve(struct receiver *receiver, struct exchange *exchange,
                      size_t body_length)
{
    receiver->bytes += body_length;
    exchange->reserved = body_length;
}

void receiver_unreserve(struct receiver *receiver, struct exchange *exchange)
{
    REQUIRE(receiver->bytes >= exchange->reserved);
    receiver->bytes -= exchange->reserved;
    exchange->reserved = 0;
}

void receiver_admit(struct receiver *receiver)
{
    receiver->in_flight++;
}

bool receiver_is_busy(struct receiver *receiver)
{
    return receiver->in_flight > 0;
}

void receiver_dismiss(struct receiver *receiver)
{
    REQUIRE(receiver->in_flight > 0);
    receiver->in_flight--;
}

void receiver_park(struct receiver *receiver, struct exchange *exchange)
{
    receiver_unreserve(receiver, exchange);
    fuzz_check_rows(&exchange->items);
    exchange_list_add(&parked, exchange);
}

void receiver_look(struct receiver *receiver, int64_t wait_us)
{
    (void)receiver, (void)wait_us;
}

const char *receiver_health(struct receiver *receiver)
{
    (void)receiver;
    return peer.length / 8 % 2 ? "ok" : NULL;
}

/* What the threads do. */
static void answer_parked(void)
{
    struct exchange *exchange;

    while ((exchange = exchange_list_take(&parked))) {
        bool later = exchange->items.count == 0;
        exchange_answer(exchange, later ? ANSWER_LATER : ANSWER_STORED,
                        later ? "later\n" : NULL, later ? 6 : 0);
    }
}

/* -- the web server ------------------------------------------------------- */

static void add_byte(size_t value)
{
    REQUIRE(peer.length < sizeof(peer.bytes));
    peer.bytes[peer.length++] = (uint8_t)value;
}

static void add_record(int type, const uint8_t *content, size_t length)
{
    const size_t padding = length % 8;
    const uint8_t head[] = {1,
                            (uint8_t)type,
                            0,
                            1,
                            (uint8_t)(length >> 8),
                            (uint8_t)length,
                            (uint8_t)padding,
                            0};

    for (size_t i = 0; i < sizeof(head); i++)
        add_byte(head[i]);
    for (size_t i = 0; i < length; i++)
        add_byte(content[i]);
    for (size_t i = 0; i < padding; i++)
        add_byte(0);
}

static void add_stream(int type, const uint8_t *content, size_t length,
                       size_t record)
{
    while (length > 0) {
        size_t n = length < record ? length : record;
        add_record(type, content, n);
        content += n;
        length -= n;
    }
    add_record(type, NULL, 0);
}

static size_t put_length(uint8_t *at, size_t length)
{
    if (length < 128) {
        at[0] = (uint8_t)length;
        return 1;
    }
    at[0] = (uint8_t)(0x80 | length >> 24);
    at[1] = (uint8_t)(length >> 16);
    at[2] = (uint8_t)(length >> 8);
    at[3] = (uint8_t)length;
    return 4;
}

/* Lines NAME=value, an empty one, and the body. */
static void frame(const uint8_t *data, size_t size, unsigned flags)
{
    static uint8_t pairs[4 * INPUT_MAX];
    const uint8_t begin[] = {0, 1, flags & KEEP ? 1 : 0, 0, 0, 0, 0, 0};
    const size_t record = flags & SMALL_RECORDS ? 7 : 65535;
    size_t n = 0;

    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t line = end ? (size_t)(end - data) : size;
        const uint8_t *equals = memchr(data, '=', line);
        if (equals) {
            size_t name = (size_t)(equals - data);
            n += put_length(pairs + n, name);
            n += put_length(pairs + n, line - name - 1);
            memcpy(pairs + n, data, name);
            n += name;
            memcpy(pairs + n, equals + 1, line - name - 1);
            n += line - name - 1;
        }
        data += end ? line + 1 : line;
        size -= end ? line + 1 : line;
        if (line == 0)
            break;
    }
    add_record(1, begin, sizeof(begin));
    add_stream(4, pairs, n, record);
    add_stream(5, data, size, record);
}

static void send_up_to(size_t end)
{
    if (peer.sent < end)
        send(peer.fd, peer.bytes + peer.sent, end - peer.sent, MSG_NOSIGNAL);
    peer.sent = end;
    if (end == peer.length)
        shutdown(peer.fd, SHUT_WR);
}

static void hang_up(void)
{
    ssize_t n;

    peer.answered = 0;
    while ((n = recv(peer.fd, peer.answers + peer.answered,
                     sizeof(peer.answers) - peer.answered, 0)) > 0)
        peer.answered += (size_t)n;
    close(peer.fd);
}

/* -- what must hold -------------------------------------------------------- */

/* More bytes never make a request less complete, or a broken one whole. */
static void check_states(void)
{
    uint8_t *early = memory_new(peer.sent, 1); /* for ASan */
    enum fcgi_record_state state,
        whole = fcgi_record_examine(peer.bytes, peer.length);

    memcpy(early, peer.bytes, peer.sent);
    state = fcgi_record_examine(early, peer.sent);
    free(early);
    if (state == FCGI_RECORD_WHOLE || state == FCGI_RECORD_BROKEN)
        REQUIRE(whole == state);
    else
        REQUIRE(whole >= state);
}

/* One answer of ours: header lines, then as many bytes as they say. */
static void check_answer(void)
{
    static const char *const statuses[] = {"200 ", "202 ", "400 ", "405 ",
                                           "413 ", "415 ", "503 "};
    const char *text = (const char *)peer.text;
    const char *end = memmem(text, peer.text_length, "\r\n\r\n", 4);
    const char *length = memmem(text, peer.text_length, "Content-Length: ", 16);
    bool known = false;

    REQUIRE(end && length && length < end);
    REQUIRE(memcmp(text, "Status: ", 8) == 0);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        known |= memcmp(text + 8, statuses[i], 4) == 0;
    REQUIRE(known);
    for (const char *s = text; s < end; s++)
        REQUIRE((*s >= 0x20 && *s < 0x7f) || *s == '\r' || *s == '\n');
    size_t body = peer.text_length - (size_t)(end + 4 - text);
    REQUIRE(body == 0 || body == strtoull(length + 16, NULL, 10));
    REQUIRE(!memchr(end, '<', body) && !memchr(end, '>', body));
}

static void check_answers(void)
{
    const uint8_t *at = peer.answers, *end = at + peer.answered;

    peer.text_length = 0;
    while (at < end) {
        REQUIRE(end - at >= RECORD_HEAD && at[0] == 1);
        size_t length = (size_t)at[4] << 8 | at[5];
        size_t padding = at[6];
        const uint8_t *content = at + RECORD_HEAD;
        REQUIRE((size_t)(end - content) >= length + padding);
        if (at[1] == STDOUT_RECORD) {
            memcpy(peer.text + peer.text_length, content, length);
            peer.text_length += length;
        } else if (at[1] == END_RECORD && content[4] == 0) {
            check_answer();
            peer.text_length = 0;
        }
        at = content + length + padding;
    }
    REQUIRE(peer.text_length == 0);
}

/* -- the run --------------------------------------------------------------- */

static struct sockaddr_un address;
static socklen_t address_length = sizeof(address);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)argc, (void)argv;
    signal(SIGPIPE, SIG_IGN);
    REQUIRE(fd >= 0);
    REQUIRE(bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&address, &address_length) == 0);
    REQUIRE(listen(fd, 1) == 0);
    REQUIRE(dup2(fd, LISTENER) == LISTENER);
    REQUIRE(FCGX_Init() == 0);
    pthread_mutex_init(&server.lock, NULL);
    TAILQ_INIT(&server.idle);
    TAILQ_INIT(&server.coming);
    server.open_max = 1;
    server.poll = epoll_create1(EPOLL_CLOEXEC);
    receiver_init(&server.receiver, &settings, false);
    return 0;
}

static bool events_wait(void)
{
    struct pollfd events = {.fd = server.poll, .events = POLLIN};

    return poll(&events, 1, 0) == 1;
}

/* Serves what there is to be served. */
static void serve_events(void)
{
    for (int round = 0; events_wait(); round++) {
        REQUIRE(round < ROUNDS_MAX);
        attend_events(&server, 0);
        answer_parked();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    peer.length = peer.sent = 0;
    if (data[0] & FRAMED)
        frame(data + 1, size - 1, data[0]);
    else
        for (size_t i = 1; i < size; i++)
            add_byte(data[i]);
    peer.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(connect(peer.fd, (struct sockaddr *)&address, address_length) == 0);
    send_up_to(peer.length - peer.length * (data[0] >> LATE_SHIFT) / 32);
    check_states();
    accept_connections(&server);
    answer_parked();
    send_up_to(peer.length);
    serve_events();
    connection_evict_idle(
        &server, false); /* part of a request, the rest of which never comes */
    REQUIRE(server.open == 0);
    REQUIRE(server.receiver.in_flight == 0);
    hang_up();
    check_answers();
    return 0;
}
