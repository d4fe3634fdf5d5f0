/* Bodies that have not arrived with their head. */
#include "web/fcgi_body.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES 65536

/* Gives libfcgi a request that ends with its head. */
static bool hand_over(FCGX_Request *fcgi, const uint8_t *head, size_t length,
                      unsigned request_id)
{
    uint8_t end[FCGI_RECORD_HEADER_BYTES];
    int fd = fcgi->ipcFd;
    int pair[2];
    bool sound;

    fcgi_record_make_end(end, request_id);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return false;
    sound =
        send(pair[0], head, length, MSG_DONTWAIT) == (ssize_t)length &&
        send(pair[0], end, sizeof(end), MSG_DONTWAIT) == (ssize_t)sizeof(end);
    close(pair[0]);
    /* It closes the socket that it reads from if it finds a fault. */
    fcgi->ipcFd = pair[1];
    fcgi->keepConnection = 1;
    sound = sound && FCGX_Accept_r(fcgi) == 0;
    if (fcgi->ipcFd >= 0)
        close(fcgi->ipcFd);
    fcgi->ipcFd = fd;
    return sound;
}

/* Takes bytes of the next record's header; false if it is none of a body. */
static bool take_header(struct fcgi_body *body, const uint8_t **at,
                        size_t *left)
{
    size_t n = sizeof(body->header) - body->header_length;

    if (n > *left)
        n = *left;
    memcpy(body->header + body->header_length, *at, n);
    body->header_length += n;
    *at += n;
    *left -= n;
    if (body->header_length < sizeof(body->header))
        return true;
    body->header_length = 0;
    if (!fcgi_record_is_body(body->header, body->request_id))
        return false;
    body->content_left = fcgi_record_content_length(body->header);
    body->padding_left = fcgi_record_padding_length(body->header);
    if (body->content_left == 0)
        body->state = FCGI_BODY_ENDS;
    return true;
}

static void take_content(struct fcgi_body *body, const uint8_t **at,
                         size_t *left)
{
    size_t n = body->content_left < *left ? body->content_left : *left;
    size_t room = body->bytes.limit - body->bytes.length;

    buffer_add(&body->bytes, *at, n < room ? n : room);
    body->content_left -= n;
    *at += n;
    *left -= n;
}

static void take_padding(struct fcgi_body *body, const uint8_t **at,
                         size_t *left)
{
    size_t n = body->padding_left < *left ? body->padding_left : *left;

    body->padding_left -= n;
    *at += n;
    *left -= n;
}

static void take(struct fcgi_body *body, const uint8_t *at, size_t left)
{
    while (left > 0 && body->state == FCGI_BODY_PART) {
        if (body->content_left)
            take_content(body, &at, &left);
        else if (body->padding_left)
            take_padding(body, &at, &left);
        else if (!take_header(body, &at, &left))
            body->state = FCGI_BODY_CUT;
    }
}

bool fcgi_body_begin(struct fcgi_body *body, FCGX_Request *fcgi,
                     const uint8_t *bytes, size_t length, size_t limit)
{
    size_t head = fcgi_record_head_length(bytes, length);

    *body = (struct fcgi_body){
        .fd = fcgi->ipcFd,
        .request_id = fcgi_record_request_id(bytes),
        .bytes = {.limit = limit + 1},
    };
    if (!hand_over(fcgi, bytes, head, body->request_id))
        return false;
    take(body, bytes + head, length - head);
    return true;
}

enum fcgi_body_state fcgi_body_receive(struct fcgi_body *body)
{
    static uint8_t bytes[RECEIVE_BYTES]; /* the accepting thread's alone */

    while (body->state == FCGI_BODY_PART) {
        ssize_t n = recv(body->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n > 0)
            take(body, bytes, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            break;
        else if (n == 0 || errno != EINTR)
            body->state = FCGI_BODY_CUT;
    }
    return body->state;
}

ssize_t fcgi_body_read(struct fcgi_body *body, char *bytes, size_t room)
{
    size_t left = body->bytes.length - body->taken;
    size_t n = room < left ? room : left;

    if (n == 0)
        return body->state == FCGI_BODY_CUT ? -1 : 0;
    memcpy(bytes, body->bytes.data + body->taken, n);
    body->taken += n;
    return (ssize_t)n;
}

void fcgi_body_free(struct fcgi_body *body)
{
    buffer_free(&body->bytes);
}
