/* How much of a FastCGI request is there (FastCGI Specification 1.0). */
#include "web/fcgi_record.h"

enum { BEGIN_REQUEST = 1, PARAMS = 4, STDIN = 5 };
enum { BEGIN_BYTES = 8, RESPONDER = 1 };

struct record {
    unsigned type;
    unsigned request_id;
    unsigned length;
    unsigned padding;
    const uint8_t *content;
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* Name-value pairs, whose bytes may be spread over several records. */
struct pairs {
    unsigned lengths_read; /* of the pair: 0, 1 or 2 */
    unsigned bytes_left;   /* of a length that takes four bytes */
    uint64_t length;
    uint64_t content_left; /* of the pair's name and value */
};

/* The next record, if it is complete; its padding counts. */
static enum fcgi_record_state next_record(struct cursor *c,
                                          struct record *record)
{
    size_t left = (size_t)(c->end - c->at);
    size_t whole;

    if (left > 0 && c->at[0] != 1)
        return FCGI_RECORD_BROKEN;
    if (left < FCGI_RECORD_HEADER_BYTES)
        return FCGI_RECORD_PART;
    record->type = c->at[1];
    record->request_id = fcgi_record_request_id(c->at);
    record->length = fcgi_record_content_length(c->at);
    record->content = c->at + FCGI_RECORD_HEADER_BYTES;
    record->padding = fcgi_record_padding_length(c->at);
    whole = FCGI_RECORD_HEADER_BYTES + record->length + record->padding;
    if (left < whole)
        return FCGI_RECORD_PART;
    c->at += whole;
    return FCGI_RECORD_WHOLE;
}

/* Takes one byte of the lengths that a pair begins with. */
static void take_length(struct pairs *pairs, uint8_t byte)
{
    if (pairs->bytes_left == 0 && (byte & 0x80)) {
        pairs->bytes_left = 3;
        pairs->length = byte & 0x7f;
        return;
    }
    if (pairs->bytes_left > 0) {
        pairs->length = pairs->length << 8 | byte;
        pairs->bytes_left--;
    } else {
        pairs->length = byte;
    }
    if (pairs->bytes_left > 0)
        return;
    pairs->content_left += pairs->length;
    pairs->lengths_read++;
}

static void take_params(struct pairs *pairs, const struct record *record)
{
    for (unsigned i = 0; i < record->length;) {
        if (pairs->lengths_read < 2) {
            take_length(pairs, record->content[i++]);
        } else {
            uint64_t left = record->length - i;
            uint64_t n =
                pairs->content_left < left ? pairs->content_left : left;
            pairs->content_left -= n;
            i += (unsigned)n;
        }
        if (pairs->lengths_read == 2 && pairs->content_left == 0)
            *pairs = (struct pairs){0};
    }
}

static bool pairs_are_complete(const struct pairs *pairs)
{
    return pairs->lengths_read == 0 && pairs->bytes_left == 0;
}

/* libfcgi takes padding of the first record, and of the one that ends the
 * parameters, for records of their own; no web server pads them. */
enum fcgi_record_state fcgi_record_examine(const uint8_t *bytes, size_t length)
{
    struct cursor c = {bytes, bytes + length};
    struct pairs pairs = {0};
    struct record record;
    enum fcgi_record_state state = next_record(&c, &record);
    unsigned request_id;

    if (state != FCGI_RECORD_WHOLE)
        return state;
    request_id = record.request_id;
    if (record.type != BEGIN_REQUEST || request_id == 0 ||
        record.length != BEGIN_BYTES || record.padding != 0 ||
        record.content[0] != 0 || record.content[1] != RESPONDER)
        return FCGI_RECORD_BROKEN;
    do {
        state = next_record(&c, &record);
        if (state != FCGI_RECORD_WHOLE)
            return state;
        if (record.type != PARAMS || record.request_id != request_id)
            return FCGI_RECORD_BROKEN;
        take_params(&pairs, &record);
    } while (record.length > 0);
    if (!pairs_are_complete(&pairs) || record.padding != 0)
        return FCGI_RECORD_BROKEN;
    do {
        state = next_record(&c, &record);
        if (state != FCGI_RECORD_WHOLE)
            return state == FCGI_RECORD_PART ? FCGI_RECORD_HEAD : state;
        if (record.type != STDIN || record.request_id != request_id)
            return FCGI_RECORD_BROKEN;
    } while (record.length > 0);
    return FCGI_RECORD_WHOLE;
}

size_t fcgi_record_head_length(const uint8_t *bytes, size_t length)
{
    struct cursor c = {bytes, bytes + length};
    struct record record;

    while (next_record(&c, &record) == FCGI_RECORD_WHOLE)
        if (record.type == PARAMS && record.length == 0)
            break;
    return (size_t)(c.at - bytes);
}

unsigned fcgi_record_request_id(const uint8_t *bytes)
{
    return (unsigned)bytes[2] << 8 | bytes[3];
}

bool fcgi_record_is_body(const uint8_t *header, unsigned request_id)
{
    return header[0] == 1 && header[1] == STDIN &&
           fcgi_record_request_id(header) == request_id;
}

unsigned fcgi_record_content_length(const uint8_t *header)
{
    return (unsigned)header[4] << 8 | header[5];
}

unsigned fcgi_record_padding_length(const uint8_t *header)
{
    return header[6];
}

void fcgi_record_make_end(uint8_t header[static FCGI_RECORD_HEADER_BYTES],
                          unsigned request_id)
{
    header[0] = 1;
    header[1] = STDIN;
    header[2] = (uint8_t)(request_id >> 8);
    header[3] = (uint8_t)request_id;
    header[4] = header[5] = header[6] = header[7] = 0;
}
