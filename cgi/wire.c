/* How much of a FastCGI request is there (FastCGI Specification 1.0). */
#include "wire.h"

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
static enum wire_state next_record(struct cursor *c, struct record *record)
{
    size_t left = (size_t)(c->end - c->at);
    size_t whole;

    if (left > 0 && c->at[0] != 1)
        return WIRE_BROKEN;
    if (left < WIRE_HEADER_BYTES)
        return WIRE_PART;
    record->type = c->at[1];
    record->request_id = wire_request_id(c->at);
    record->length = wire_content_length(c->at);
    record->content = c->at + WIRE_HEADER_BYTES;
    record->padding = wire_padding_length(c->at);
    whole = WIRE_HEADER_BYTES + record->length + record->padding;
    if (left < whole)
        return WIRE_PART;
    c->at += whole;
    return WIRE_WHOLE;
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
enum wire_state wire_examine(const uint8_t *bytes, size_t length)
{
    struct cursor c = {bytes, bytes + length};
    struct pairs pairs = {0};
    struct record record;
    enum wire_state state = next_record(&c, &record);
    unsigned request_id;

    if (state != WIRE_WHOLE)
        return state;
    request_id = record.request_id;
    if (record.type != BEGIN_REQUEST || request_id == 0 ||
        record.length != BEGIN_BYTES || record.padding != 0 ||
        record.content[0] != 0 || record.content[1] != RESPONDER)
        return WIRE_BROKEN;
    do {
        state = next_record(&c, &record);
        if (state != WIRE_WHOLE)
            return state;
        if (record.type != PARAMS || record.request_id != request_id)
            return WIRE_BROKEN;
        take_params(&pairs, &record);
    } while (record.length > 0);
    if (!pairs_are_complete(&pairs) || record.padding != 0)
        return WIRE_BROKEN;
    do {
        state = next_record(&c, &record);
        if (state != WIRE_WHOLE)
            return state == WIRE_PART ? WIRE_HEAD : state;
        if (record.type != STDIN || record.request_id != request_id)
            return WIRE_BROKEN;
    } while (record.length > 0);
    return WIRE_WHOLE;
}

size_t wire_head_length(const uint8_t *bytes, size_t length)
{
    struct cursor c = {bytes, bytes + length};
    struct record record;

    while (next_record(&c, &record) == WIRE_WHOLE)
        if (record.type == PARAMS && record.length == 0)
            break;
    return (size_t)(c.at - bytes);
}

unsigned wire_request_id(const uint8_t *bytes)
{
    return (unsigned)bytes[2] << 8 | bytes[3];
}

bool wire_is_body(const uint8_t *header, unsigned request_id)
{
    return header[0] == 1 && header[1] == STDIN &&
           wire_request_id(header) == request_id;
}

unsigned wire_content_length(const uint8_t *header)
{
    return (unsigned)header[4] << 8 | header[5];
}

unsigned wire_padding_length(const uint8_t *header)
{
    return header[6];
}

void wire_make_end(uint8_t header[static WIRE_HEADER_BYTES],
                   unsigned request_id)
{
    header[0] = 1;
    header[1] = STDIN;
    header[2] = (uint8_t)(request_id >> 8);
    header[3] = (uint8_t)request_id;
    header[4] = header[5] = header[6] = header[7] = 0;
}
