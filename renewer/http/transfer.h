/* One HTTP request, and then its answer. */
#ifndef RENEWER_TRANSFER_H
#define RENEWER_TRANSFER_H

#include "base/fault.h"
#include "settings/settings.h"

/*
 * One request, and then its answer. Fill in the first part (all texts stay
 * the caller's and must live until the answer is there), zero the rest.
 */
struct transfer {
    const struct tenant *tenant; /* ca_file and proxy; NULL: neither */
    const char *step;            /* for the fault: "list subscriptions" */
    const char *method;          /* GET, POST, PATCH, DELETE */
    const char *url;
    const char *bearer;       /* access token, or NULL */
    const char *content_type; /* of the body, or NULL */
    const char *accept;       /* NULL: application/json */
    const char *prefer;       /* or NULL */
    const char *body;         /* or NULL: none */
    size_t body_length;
    const char *secret; /* in the body, never to be told; or NULL */
    size_t limit;       /* bytes of the answer's body */
    int64_t deadline;   /* clock_ms() */
    int64_t pause_ms;   /* shortest pause before another attempt; 0: 1 s, 3 s */
    bool once;          /* never sent twice: a second one would do harm */
    void *context;      /* the caller's */

    enum outcome outcome; /* the answer */
    struct fault fault;   /* unless it is DONE */
    long status;          /* 0: none came */
    char *answer;         /* with a NUL behind it; never NULL once answered */
    size_t answer_length;
    char answer_type[80]; /* Content-Type without its parameters, lower case */
    int64_t date;         /* the Date header, seconds since 1970; 0: none */
    double seconds;       /* it took, in all attempts */
    int attempts;
};

/* Frees the answer; the struct can be filled in again. */
static inline void transfer_free(struct transfer *transfer)
{
    if (transfer->answer)
        explicit_bzero(transfer->answer, transfer->answer_length);
    free(transfer->answer);
    transfer->answer = NULL;
    transfer->answer_length = 0;
}

#endif
