/*
 * How much of a FastCGI request is there. libfcgi reads with blocking calls
 * and trusts what it reads; so it is shown a request only once this has found
 * its head complete and sound.
 */
#ifndef CALLHOOK_FCGI_RECORD_H
#define CALLHOOK_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fcgi_record_state {
    FCGI_RECORD_PART,   /* the head is not complete yet */
    FCGI_RECORD_HEAD,   /* the parameters are complete, the body is not */
    FCGI_RECORD_WHOLE,  /* the request is complete */
    FCGI_RECORD_BROKEN, /* no responder request that libfcgi reads as it stands
                         */
};

#define FCGI_RECORD_HEADER_BYTES 8

/* Examines the bytes from the start of a request. */
enum fcgi_record_state fcgi_record_examine(const uint8_t *bytes, size_t length);

/* Of bytes that are FCGI_RECORD_HEAD: how many of them are the head, and its
 * id. */
size_t fcgi_record_head_length(const uint8_t *bytes, size_t length);
unsigned fcgi_record_request_id(const uint8_t *bytes);

/* Of a record's header: whether it is of the body, and what it announces. */
bool fcgi_record_is_body(const uint8_t *header, unsigned request_id);
unsigned fcgi_record_content_length(const uint8_t *header);
unsigned fcgi_record_padding_length(const uint8_t *header);

/* Makes the record that ends a body. */
void fcgi_record_make_end(uint8_t header[static FCGI_RECORD_HEADER_BYTES],
                          unsigned request_id);

#endif
