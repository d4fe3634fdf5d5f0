/*
 * How much of a FastCGI request is there. libfcgi reads with blocking calls
 * and trusts what it reads; so it is shown a request only once this has found
 * its head complete and sound.
 */
#ifndef CALLHOOK_WIRE_H
#define CALLHOOK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_state {
    WIRE_PART,   /* the head is not complete yet */
    WIRE_HEAD,   /* the parameters are complete, the body is not */
    WIRE_WHOLE,  /* the request is complete */
    WIRE_BROKEN, /* no responder request that libfcgi reads as it stands */
};

#define WIRE_HEADER_BYTES 8

/* Examines the bytes from the start of a request. */
enum wire_state wire_examine(const uint8_t *bytes, size_t length);

/* Of bytes that are WIRE_HEAD: how many of them are the head, and its id. */
size_t wire_head_length(const uint8_t *bytes, size_t length);
unsigned wire_request_id(const uint8_t *bytes);

/* Of a record's header: whether it is of the body, and what it announces. */
bool wire_is_body(const uint8_t *header, unsigned request_id);
unsigned wire_content_length(const uint8_t *header);
unsigned wire_padding_length(const uint8_t *header);

/* Makes the record that ends a body. */
void wire_make_end(uint8_t header[static WIRE_HEADER_BYTES],
                   unsigned request_id);

#endif
