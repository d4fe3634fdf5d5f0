/*
 * How much of a FastCGI request is there. libfcgi reads with blocking calls
 * and trusts what it reads; so it is shown a request only once this has found
 * its head complete and sound.
 */
#ifndef CALLHOOK_WIRE_H
#define CALLHOOK_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum wire_state {
    WIRE_PART,   /* the head is not complete yet */
    WIRE_HEAD,   /* the parameters are complete, the body is not */
    WIRE_WHOLE,  /* the request is complete */
    WIRE_BROKEN, /* no responder request of version 1, or aborted */
};

/* Examines the bytes from the start of a request. */
enum wire_state wire_examine(const uint8_t *bytes, size_t length);

#endif
