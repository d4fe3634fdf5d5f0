/* One HTTP request, and the one place where answers are made. */
#include "receiver/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/stats.h"

static const struct {
    const char *status;
    const char *header; /* besides those that all have */
} answers[] = {
    [ANSWER_STORED] = {"202 Accepted", ""},
    [ANSWER_TOKEN] = {"200 OK", ""},
    [ANSWER_HEALTH] = {"200 OK", ""},
    [ANSWER_BAD_REQUEST] = {"400 Bad Request", ""},
    [ANSWER_BAD_METHOD] = {"405 Method Not Allowed", "Allow: GET, POST\r\n"},
    [ANSWER_TOO_LARGE] = {"413 Content Too Large", ""},
    [ANSWER_ENCODED] = {"415 Unsupported Media Type", "Accept-Encoding: "
                                                      "identity\r\n"},
    [ANSWER_LATER] = {"503 Service Unavailable", "Retry-After: 30\r\n"},
};

void exchange_list_add(struct exchange_list *list, struct exchange *exchange)
{
    exchange->next = NULL;
    if (list->last)
        list->last->next = exchange;
    else
        list->first = exchange;
    list->last = exchange;
    list->count++;
}

void exchange_list_move(struct exchange_list *to, struct exchange_list *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->count += from->count;
    *from = (struct exchange_list){0};
}

struct exchange *exchange_list_take(struct exchange_list *list)
{
    struct exchange *exchange = list->first;

    if (!exchange)
        return NULL;
    list->first = exchange->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    exchange->next = NULL;
    return exchange;
}

void exchange_answer(struct exchange *exchange, enum answer_kind kind,
                     const char *text, size_t length)
{
    struct buffer response = {0};
    char head[320];

    int64_t now = clock_now();

    stats_count_answer(exchange->arrived ? now - exchange->arrived : 0);
    if (kind == ANSWER_TOKEN)
        stats_count(STATS_HANDSHAKES, 1);
    else if (kind == ANSWER_BAD_REQUEST || kind == ANSWER_BAD_METHOD ||
             kind == ANSWER_TOO_LARGE || kind == ANSWER_ENCODED)
        stats_count(STATS_BAD_REQUESTS, 1);

    int n = snprintf(head, sizeof(head),
                     "Status: %s\r\n"
                     "%s"
                     "%s"
                     "Content-Length: %zu\r\n"
                     "Cache-Control: no-store\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "\r\n",
                     answers[kind].status, answers[kind].header,
                     text ? "Content-Type: text/plain; charset=utf-8\r\n" : "",
                     text ? length : 0);
    buffer_add(&response, head, (size_t)n);
    if (text && !exchange->is_head)
        buffer_add(&response, text, length);
    item_list_free(&exchange->items);
    exchange->transport->finish(exchange, response.data, response.length);
    buffer_free(&response);
}

const char *exchange_variable(struct exchange *exchange, const char *name)
{
    size_t length = strlen(name);

    for (char **v = exchange->transport->variables(exchange); v && *v; v++)
        if (strncmp(*v, name, length) == 0 && (*v)[length] == '=')
            return *v + length + 1;
    return "";
}
