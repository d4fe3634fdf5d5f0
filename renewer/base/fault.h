/* How a step ended, and what there is to say about it. */
#ifndef RENEWER_FAULT_H
#define RENEWER_FAULT_H

#include <stddef.h>

enum outcome {
    DONE,    /* as asked */
    ABSENT,  /* the peer says that there is no such thing (404, 410) */
    CLASH,   /* the peer says that there is one already (409) */
    REFUSED, /* the peer says no, and will say so again: somebody must act */
    LATER,   /* it may work the next time */
    UNSURE,  /* as LATER, but the peer may have done it */
    BROKEN,  /* a fault of our own or of our machine */
};

/*
 * Why a step was not DONE. All texts are fit for a log: ours, identifiers that
 * were checked (letters, digits and . _ - only), or made so by fault_quote().
 * Empty if not known.
 */
struct fault {
    const char *step;    /* "token", "create subscription", ... */
    long status;         /* HTTP's; 0: there was no answer */
    char code[80];       /* Graph's error.code, or the identity platform's */
    char request_id[64]; /* the peer's */
    char client_request_id[40]; /* ours */
    char text[200];             /* what we have to say: "cannot connect" */
    char sentence[201];         /* what the peer says */
    long retry_after;           /* seconds that the peer asked for; 0: none */
};

/* Room for any that fault_print() writes. */
#define FAULT_SIZE 900

/* Sets what we have to say and leaves the rest. */
void fault_say(struct fault *fault, const char *step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Takes the first line of what a peer says, at most 200 bytes, without control
 * characters and what is or may be a secret: `secrets` (NULL ends them), the
 * query of a URL, anything as long as a token.
 */
void fault_quote(struct fault *fault, const char *text,
                 const char *const *secrets);

/* Writes it to standard error, as one of this tenant. */
void fault_log(const struct fault *fault, const char *tenant);

/* "create subscription: HTTP 403, code Forbidden, "...", request-id ..." */
void fault_print(const struct fault *fault, char line[FAULT_SIZE]);

/* The same without what differs each time that the fault is the same. */
void fault_print_key(const struct fault *fault, char line[FAULT_SIZE]);

#endif
