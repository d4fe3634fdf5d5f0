/*
 * Bodies that have not arrived with their head. libfcgi would wait for them
 * without a limit, and trust the records that come; so it gets the head
 * alone, and the body is collected here as it arrives.
 */
#ifndef CALLHOOK_FCGI_BODY_H
#define CALLHOOK_FCGI_BODY_H

#include <fcgiapp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "web/fcgi_record.h"

enum fcgi_body_state {
    FCGI_BODY_PART, /* more is to come */
    FCGI_BODY_ENDS,
    FCGI_BODY_CUT, /* it will never be whole */
};

/* The records of a body, as far as they have arrived. */
struct fcgi_body {
    int fd;
    unsigned request_id;
    uint8_t header[FCGI_RECORD_HEADER_BYTES]; /* of the next record */
    size_t header_length;                     /* bytes of it that are there */
    size_t content_left;                      /* of the present record */
    size_t padding_left;
    enum fcgi_body_state state;
    struct buffer bytes; /* what is past its limit is thrown away */
    size_t taken;        /* of the bytes, by fcgi_body_read */
};

/*
 * Hands a head, of which fcgi_record_examine has said that it is complete, to
 * libfcgi, and takes what stands behind it. `bytes` were read from the socket
 * in fcgi->ipcFd. Does not wait. `limit`: bytes that the body may have; one
 * more is kept. False: the socket is to be closed.
 */
bool fcgi_body_begin(struct fcgi_body *body, FCGX_Request *fcgi,
                     const uint8_t *bytes, size_t length, size_t limit);

/* Takes all that has arrived. Does not wait. */
enum fcgi_body_state fcgi_body_receive(struct fcgi_body *body);

/* Gives of what was collected: its bytes, 0 at its end, -1 if it is cut. */
ssize_t fcgi_body_read(struct fcgi_body *body, char *bytes, size_t room);

void fcgi_body_free(struct fcgi_body *body);

#endif
