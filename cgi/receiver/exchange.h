/* One HTTP request on its way from the web server to its answer. */
#ifndef CALLHOOK_EXCHANGE_H
#define CALLHOOK_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "notification/item.h"

/* What is answered, and so said to Graph. */
enum answer_kind {
    ANSWER_STORED,      /* 202: every trusted item is durable */
    ANSWER_TOKEN,       /* 200: the handshake */
    ANSWER_HEALTH,      /* 200 */
    ANSWER_BAD_REQUEST, /* 400: a fault of the peer's */
    ANSWER_BAD_METHOD,  /* 405 */
    ANSWER_TOO_LARGE,   /* 413 */
    ANSWER_ENCODED,     /* 415 */
    ANSWER_LATER,       /* 503: neither database nor spool took it */
};

struct exchange;

/* How the web server is talked to. */
struct transport {
    /* The request's variables, as CGI has them: "NAME=value", then NULL. */
    char **(*variables)(struct exchange *exchange);
    /* Reads up to `room` bytes of the body; 0 at its end, -1 if it is cut. */
    ssize_t (*read)(struct exchange *exchange, char *bytes, size_t room);
    /* Sends a whole response and ends the exchange, which is then gone. */
    void (*finish)(struct exchange *exchange, const char *response,
                   size_t length);
};

/* The part that all transports have in common; theirs is around it. */
struct exchange {
    struct exchange *next; /* in the one list that it is in */
    const struct transport *transport;
    int64_t arrived; /* clock_now(), at the latest; 0: still to be read */
    int64_t read_at; /* when its body was read: what it is judged by is newer */
    size_t body_length; /* of one that was collected, else 0 */
    struct item_list items;
    size_t reserved; /* bytes, see receiver_reserve */
    size_t doubtful; /* items that the next reading of secrets decides */
    bool in_doubt;   /* may be stored already */
    bool is_head;    /* the answer has no body */
};

/* Lists of exchanges, first in, first out. */
struct exchange_list {
    struct exchange *first;
    struct exchange *last;
    size_t count;
};

void exchange_list_add(struct exchange_list *list, struct exchange *exchange);

/* Moves all of `from` to the end of `to`. */
void exchange_list_move(struct exchange_list *to, struct exchange_list *from);

/* Takes the first one out; NULL if there is none. */
struct exchange *exchange_list_take(struct exchange_list *list);

/*
 * Answers and ends an exchange, which is then gone. `text` is the body:
 * `length` bytes, none if NULL.
 */
void exchange_answer(struct exchange *exchange, enum answer_kind kind,
                     const char *text, size_t length);

/* A variable of the request, "" if it is absent. */
const char *exchange_variable(struct exchange *exchange, const char *name);

#endif
