/* What a request asks for. */
#include "web/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "notification/collection.h"
#include "web/handshake.h"

#define FORWARDED_FOR_MAX 256
/* Read and thrown away at most, so that the web server hears the answer. */
#define UNREAD_MAX ((size_t)64 << 20)

static void answer_line(struct exchange *exchange, enum answer_kind kind,
                        const char *line)
{
    struct buffer text = {0};

    if (kind != ANSWER_LATER)
        log_cause(LOG_REQUEST, "a request is refused: %s", line);
    buffer_add(&text, line, strlen(line));
    buffer_add(&text, "\n", 1);
    exchange_answer(exchange, kind, text.data, text.length);
    buffer_free(&text);
}

/* Reads what is left of a body that nobody wants. */
static void skip_body(struct exchange *exchange)
{
    char bytes[8192];
    size_t done = 0;
    ssize_t n;

    while (done < UNREAD_MAX &&
           (n = exchange->transport->read(exchange, bytes, sizeof(bytes))) > 0)
        done += (size_t)n;
}

enum reading { BODY_READ, BODY_TOO_LARGE, BODY_FAULTY };

/*
 * CONTENT_LENGTH: absent or empty if the web server knows none (the stream
 * then ends by itself), else decimal digits only.
 */
static bool read_length(const char *text, size_t limit, size_t *length)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    *length = value > limit ? limit + 1 : (size_t)value;
    return *end == '\0';
}

/* Reads the whole body; FAULTY: `why` says what is wrong with it. */
static enum reading read_body(struct exchange *exchange, size_t limit,
                              struct buffer *body, const char **why)
{
    const char *stated = exchange_variable(exchange, "CONTENT_LENGTH");
    size_t length = 0;
    ssize_t n;

    *why = "CONTENT_LENGTH is no number";
    if (*stated && !read_length(stated, limit, &length))
        return BODY_FAULTY;
    if (length > limit)
        return BODY_TOO_LARGE;
    for (;;) {
        /* as it comes: what is stated is not to be trusted with memory */
        buffer_reserve(body, 8192);
        n = exchange->transport->read(exchange, body->data + body->length,
                                      body->room - body->length);
        if (n <= 0)
            break;
        body->length += (size_t)n;
        if (body->length > limit)
            return BODY_TOO_LARGE;
    }
    *why = "the body is not as long as its Content-Length";
    if (n < 0 || (*stated && body->length != length))
        return BODY_FAULTY;
    return BODY_READ;
}

/*
 * X-Forwarded-For, else the peer's address. A header that is no text, or
 * longer than any list of addresses, is as good as none; NULL if both are.
 */
static const char *forwarded_for(struct exchange *exchange)
{
    static const char *const names[] = {"HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *from = exchange_variable(exchange, names[i]);
        size_t length = strlen(from);
        if (length && length <= FORWARDED_FOR_MAX && text_is_utf8(from, length))
            return from;
    }
    return NULL;
}

/* A body that is compressed, say. */
static bool is_encoded(struct exchange *exchange)
{
    const char *encoding = exchange_variable(exchange, "HTTP_CONTENT_ENCODING");

    return *encoding && strcasecmp(encoding, "identity") != 0;
}

static void take_notifications(struct receiver *receiver,
                               struct exchange *exchange)
{
    const struct settings *settings = receiver->settings;
    struct buffer body = {0};
    const char *why;

    if (is_encoded(exchange)) {
        skip_body(exchange);
        answer_line(exchange, ANSWER_ENCODED,
                    "the body has a Content-Encoding: send it as it is");
        return;
    }
    switch (read_body(exchange, settings->max_body, &body, &why)) {
    case BODY_TOO_LARGE:
        buffer_free(&body);
        skip_body(exchange);
        answer_line(exchange, ANSWER_TOO_LARGE, "the body is too large");
        return;
    case BODY_FAULTY:
        buffer_free(&body);
        skip_body(exchange);
        answer_line(exchange, ANSWER_BAD_REQUEST, why);
        return;
    case BODY_READ:
        break;
    }
    exchange->read_at = clock_now();
    if (!exchange->arrived)
        exchange->arrived = exchange->read_at;
    struct arrival arrival = {.wall = clock_wall(),
                              .forwarded_for = forwarded_for(exchange)};
    receiver_reserve(receiver, exchange, body.length);
    why = collection_read(body.data, body.length, &arrival, settings,
                          &exchange->items);
    buffer_free(&body);
    if (!why) {
        receiver_park(receiver, exchange);
        return;
    }
    receiver_unreserve(receiver, exchange);
    answer_line(exchange, ANSWER_BAD_REQUEST, why);
}

static bool ends_in_health(const char *path, size_t length)
{
    static const char end[] = "/health";
    size_t n = sizeof(end) - 1;

    return length >= n && memcmp(path + length - n, end, n) == 0;
}

/*
 * Web servers differ in which variable holds the end of the path. Only that
 * of the request line has a query behind it: in the others a question mark
 * was sent as %3F, and the web server, which decides by the path who may ask,
 * has not seen a path that ends there.
 */
static bool asks_for_health(struct exchange *exchange)
{
    static const char *const names[] = {"PATH_INFO", "SCRIPT_NAME",
                                        "DOCUMENT_URI"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = exchange_variable(exchange, names[i]);
        if (ends_in_health(path, strlen(path)))
            return true;
    }
    const char *target = exchange_variable(exchange, "REQUEST_URI");
    return ends_in_health(target, strcspn(target, "?"));
}

static void answer_health(struct receiver *receiver, struct exchange *exchange)
{
    const char *health = receiver_health(receiver);

    if (health)
        exchange_answer(exchange, ANSWER_HEALTH, health, strlen(health));
    else
        answer_line(exchange, ANSWER_LATER, "neither database nor spool");
}

/* True if the request was a handshake, which is then answered. */
static bool shake_hands(struct exchange *exchange)
{
    struct buffer token = {0};
    const char *why;
    enum handshake handshake = handshake_read(
        exchange_variable(exchange, "QUERY_STRING"), &token, &why);

    if (handshake != HANDSHAKE_NONE)
        skip_body(exchange);
    if (handshake == HANDSHAKE_SOUND)
        exchange_answer(exchange, ANSWER_TOKEN, token.data, token.length);
    else if (handshake == HANDSHAKE_REFUSED)
        answer_line(exchange, ANSWER_BAD_REQUEST, why);
    buffer_free(&token);
    return handshake != HANDSHAKE_NONE;
}

void request_handle(struct receiver *receiver, struct exchange *exchange)
{
    const char *method = exchange_variable(exchange, "REQUEST_METHOD");
    bool post = strcmp(method, "POST") == 0;
    bool get = strcmp(method, "GET") == 0;
    bool head = strcmp(method, "HEAD") == 0;

    exchange->is_head = head;
    if ((post || get) && shake_hands(exchange))
        return;
    if ((get || head) && asks_for_health(exchange)) {
        skip_body(exchange);
        answer_health(receiver, exchange);
    } else if (post) {
        take_notifications(receiver, exchange);
    } else {
        skip_body(exchange);
        answer_line(exchange, ANSWER_BAD_METHOD,
                    "only GET and POST are answered here");
    }
}
