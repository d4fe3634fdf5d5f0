/* How much of a FastCGI request is there. */
#include "unit.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "web/fcgi_record.h"

enum { BEGIN = 1, ABORT = 2, PARAMS = 4, STDIN = 5, DATA = 8 };

static const uint8_t responder[8] = {0, 1, 1};

static void add_record(struct buffer *bytes, unsigned type, unsigned id,
                       const void *content, size_t length, size_t padding)
{
    static const uint8_t zeros[255];
    const uint8_t head[8] = {1,
                             (uint8_t)type,
                             (uint8_t)(id >> 8),
                             (uint8_t)id,
                             (uint8_t)(length >> 8),
                             (uint8_t)length,
                             (uint8_t)padding};

    buffer_add(bytes, head, sizeof(head));
    buffer_add(bytes, content, length);
    buffer_add(bytes, zeros, padding);
}

static enum fcgi_record_state examine(const struct buffer *bytes)
{
    return fcgi_record_examine((const uint8_t *)bytes->data, bytes->length);
}

/* The records of a request in words, see `add_word`. */
static const struct record_case {
    const char *name;
    const char *records;
    enum fcgi_record_state state;
} record_cases[] = {
    {"nothing", "", FCGI_RECORD_PART},
    {"only its beginning", "begin", FCGI_RECORD_PART},
    {"parameters that go on", "begin params", FCGI_RECORD_PART},
    {"parameters", "begin params end", FCGI_RECORD_HEAD},
    {"no parameter at all", "begin end", FCGI_RECORD_HEAD},
    {"a part of the body", "begin params end stdin", FCGI_RECORD_HEAD},
    {"a body", "begin params end stdin eof", FCGI_RECORD_WHOLE},
    {"no body", "begin params end eof", FCGI_RECORD_WHOLE},
    {"several records of each", "begin params params end stdin stdin eof",
     FCGI_RECORD_WHOLE},
    {"padding", "begin params/1 end stdin/255 eof/3", FCGI_RECORD_WHOLE},
    {"padding that libfcgi misreads", "begin/7 params end eof",
     FCGI_RECORD_BROKEN},
    {"the same behind the parameters", "begin params end/8 eof",
     FCGI_RECORD_BROKEN},
    {"another id", "begin:513 params:513 end:513 stdin:513 eof:513",
     FCGI_RECORD_WHOLE},
    {"the largest id", "begin:65535 params:65535 end:65535 eof:65535",
     FCGI_RECORD_WHOLE},
    {"the next request behind it", "begin params end eof begin params end",
     FCGI_RECORD_WHOLE},
    {"kept connection", "keep params end eof", FCGI_RECORD_WHOLE},
    {"a pair over two records", "begin pair1 pair2 end eof", FCGI_RECORD_WHOLE},
    {"a long pair over records", "begin long1 long2 long3 end eof",
     FCGI_RECORD_WHOLE},
    {"empty name and value", "begin empty end eof", FCGI_RECORD_WHOLE},
    {"id 0", "begin:0 params:0 end:0 eof:0", FCGI_RECORD_BROKEN},
    {"parameters of another id", "begin params:2", FCGI_RECORD_BROKEN},
    {"their end of another id", "begin params end:2", FCGI_RECORD_BROKEN},
    {"a body of another id", "begin params end stdin:2", FCGI_RECORD_BROKEN},
    {"no beginning", "params", FCGI_RECORD_BROKEN},
    {"the body first", "stdin", FCGI_RECORD_BROKEN},
    {"a beginning twice", "begin begin", FCGI_RECORD_BROKEN},
    {"a beginning among parameters", "begin params begin", FCGI_RECORD_BROKEN},
    {"the body before the parameters' end", "begin params stdin",
     FCGI_RECORD_BROKEN},
    {"parameters in the body", "begin params end params", FCGI_RECORD_BROKEN},
    {"aborted before the parameters", "begin abort", FCGI_RECORD_BROKEN},
    {"aborted among them", "begin params abort", FCGI_RECORD_BROKEN},
    {"aborted in the body", "begin params end stdin abort", FCGI_RECORD_BROKEN},
    {"abort alone", "abort", FCGI_RECORD_BROKEN},
    {"a data record", "begin params end data", FCGI_RECORD_BROKEN},
    {"a management record", "management", FCGI_RECORD_BROKEN},
    {"an unknown type", "begin unknown", FCGI_RECORD_BROKEN},
    {"an authorizer", "authorizer params end eof", FCGI_RECORD_BROKEN},
    {"a filter", "filter params end eof", FCGI_RECORD_BROKEN},
    {"role 257", "role257 params end eof", FCGI_RECORD_BROKEN},
    {"a short beginning", "short params end eof", FCGI_RECORD_BROKEN},
    {"a long beginning", "toolong params end eof", FCGI_RECORD_BROKEN},
    {"a pair that ends in its lengths", "begin length end", FCGI_RECORD_BROKEN},
    {"a pair that ends in a long length", "begin longlength end",
     FCGI_RECORD_BROKEN},
    {"a pair that ends in its first length", "begin firstlength end",
     FCGI_RECORD_BROKEN},
    {"a pair that ends in its bytes", "begin pair1 end", FCGI_RECORD_BROKEN},
    {"an absurd length", "begin absurd params end", FCGI_RECORD_BROKEN},
    {"two absurd lengths", "begin absurd2 params end", FCGI_RECORD_BROKEN},
};

#define CONTENT(literal) (literal), sizeof(literal) - 1

static const struct word {
    const char *name;
    unsigned type;
    const char *content;
    size_t length;
} words[] = {
    {"begin", BEGIN, CONTENT("\0\1\0\0\0\0\0\0")},
    {"keep", BEGIN, CONTENT("\0\1\1\0\0\0\0\0")},
    {"authorizer", BEGIN, CONTENT("\0\2\0\0\0\0\0\0")},
    {"filter", BEGIN, CONTENT("\0\3\0\0\0\0\0\0")},
    {"role257", BEGIN, CONTENT("\1\1\0\0\0\0\0\0")},
    {"short", BEGIN, CONTENT("\0\1\0\0\0\0\0")},
    {"toolong", BEGIN, CONTENT("\0\1\0\0\0\0\0\0\0")},
    {"params", PARAMS, CONTENT("\1\2abc\0\3abc\3\0abc")},
    {"empty", PARAMS, CONTENT("\0\0")},
    {"pair1", PARAMS, CONTENT("\3\2ab")},
    {"pair2", PARAMS, CONTENT("cde\1\1xy")},
    {"long1", PARAMS, CONTENT("\x80\0")},
    {"long2", PARAMS, CONTENT("\0\3\x80\0\0\2a")},
    {"long3", PARAMS, CONTENT("bcde")},
    {"length", PARAMS, CONTENT("\3")},
    {"longlength", PARAMS, CONTENT("\3\x80\0\0")},
    {"firstlength", PARAMS, CONTENT("\x80\0")},
    {"absurd", PARAMS, CONTENT("\xff\xff\xff\xff\1a")},
    {"absurd2", PARAMS, CONTENT("\xff\xff\xff\xff\xff\xff\xff\xff")},
    {"end", PARAMS, NULL, 0},
    {"stdin", STDIN, CONTENT("{\"value\":[]}")},
    {"eof", STDIN, NULL, 0},
    {"abort", ABORT, NULL, 0},
    {"data", DATA, CONTENT("x")},
    {"management", 9, CONTENT("\13\0FCGI_MAX_CONNS")},
    {"unknown", 12, CONTENT("x")},
};

/* Adds the record that a word names: NAME, NAME:ID or NAME/PADDING. */
static void add_word(struct buffer *bytes, const char *text)
{
    size_t length = strcspn(text, ":/ ");
    unsigned id = 1, padding = 0;

    if (text[length] == ':')
        id = (unsigned)strtoul(text + length + 1, NULL, 10);
    if (text[length] == '/')
        padding = (unsigned)strtoul(text + length + 1, NULL, 10);
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strlen(words[i].name) == length &&
            memcmp(words[i].name, text, length) == 0) {
            add_record(bytes, words[i].type, id, words[i].content,
                       words[i].length, padding);
            return;
        }
    }
    fail_msg("no such word: %s", text);
}

TEST_EACH(records, record_cases, c)
{
    struct buffer bytes = {0};

    for (const char *s = c->records; *s; s += strcspn(s, " ")) {
        s += strspn(s, " ");
        add_word(&bytes, s);
    }
    assert_int_equal(examine(&bytes), c->state);
    buffer_free(&bytes);
}

/* A whole request, and where its head ends. */
static size_t make_request(struct buffer *bytes)
{
    static const char params[] = "\016\4REQUEST_METHODPOST\1\0x";
    static const char body[] = "{\"value\":[]}";
    size_t head;

    add_record(bytes, BEGIN, 1, responder, sizeof(responder), 0);
    add_record(bytes, PARAMS, 1, params, sizeof(params) - 1, 5);
    add_record(bytes, PARAMS, 1, NULL, 0, 0);
    head = bytes->length;
    add_record(bytes, STDIN, 1, body, sizeof(body) - 1, 4);
    add_record(bytes, STDIN, 1, NULL, 0, 0);
    return head;
}

TEST(every_cut_is_seen)
{
    struct buffer bytes = {0};
    size_t head = make_request(&bytes);

    for (size_t length = 0; length <= bytes.length; length++) {
        uint8_t *copy = malloc(length + 1); /* its end is watched by ASan */
        enum fcgi_record_state expected = length < head ? FCGI_RECORD_PART
                                          : length < bytes.length
                                              ? FCGI_RECORD_HEAD
                                              : FCGI_RECORD_WHOLE;

        assert_non_null(copy);
        memcpy(copy + 1, bytes.data, length);
        assert_int_equal(fcgi_record_examine(copy + 1, length), expected);
        free(copy);
    }
    buffer_free(&bytes);
}

TEST(another_version_is_broken)
{
    static const size_t records_at[] = {0, 16};
    struct buffer bytes = {0};

    make_request(&bytes);
    for (size_t i = 0; i < COUNT(records_at); i++) {
        for (unsigned version = 0; version < 256; version++) {
            bytes.data[records_at[i]] = (char)version;
            assert_int_equal(examine(&bytes), version == 1
                                                  ? FCGI_RECORD_WHOLE
                                                  : FCGI_RECORD_BROKEN);
        }
        bytes.data[records_at[i]] = 1;
    }
    buffer_free(&bytes);
}

/* What is no FastCGI at all is told from its first byte. */
TEST(other_protocols_are_broken)
{
    assert_int_equal(
        fcgi_record_examine((const uint8_t *)"GET / HTTP/1.1\r\n", 16),
        FCGI_RECORD_BROKEN);
    assert_int_equal(fcgi_record_examine((const uint8_t *)"\x16\x03\x01", 3),
                     FCGI_RECORD_BROKEN);
    assert_int_equal(fcgi_record_examine((const uint8_t *)"\n", 1),
                     FCGI_RECORD_BROKEN);
}

TEST(the_largest_record)
{
    static uint8_t content[65535];
    struct buffer bytes = {0};

    add_record(&bytes, BEGIN, 1, responder, sizeof(responder), 0);
    add_record(&bytes, PARAMS, 1, NULL, 0, 0);
    add_record(&bytes, STDIN, 1, content, sizeof(content), 255);
    add_record(&bytes, STDIN, 1, NULL, 0, 0);
    assert_int_equal(examine(&bytes), FCGI_RECORD_WHOLE);
    bytes.length--;
    assert_int_equal(examine(&bytes), FCGI_RECORD_HEAD);
    buffer_free(&bytes);
}

/* A pair with a name or value of this length is found complete, or cut. */
TEST(lengths_of_pairs)
{
    static const uint32_t lengths[] = {0,   1,     126,   127,   128,   255,
                                       256, 65527, 65535, 65536, 70000, 131072};

    for (size_t i = 0; i < COUNT(lengths); i++) {
        uint32_t n = lengths[i];
        struct buffer pair = {0}, bytes = {0};
        const uint8_t head[] = {1,
                                (uint8_t)(0x80 | n >> 24),
                                (uint8_t)(n >> 16),
                                (uint8_t)(n >> 8),
                                (uint8_t)n,
                                'N'};

        buffer_add(&pair, head, sizeof(head));
        for (uint32_t byte = 0; byte < n; byte++)
            buffer_add(&pair, "v", 1);
        for (size_t cut = 0; cut <= 1; cut++) {
            bytes.length = 0;
            add_record(&bytes, BEGIN, 1, responder, sizeof(responder), 0);
            for (size_t at = 0; at < pair.length - cut;) {
                size_t left = pair.length - cut - at;
                size_t part = left < 65535 ? left : 65535;

                add_record(&bytes, PARAMS, 1, pair.data + at, part, 0);
                at += part;
            }
            add_record(&bytes, PARAMS, 1, NULL, 0, 0);
            assert_int_equal(examine(&bytes),
                             cut ? FCGI_RECORD_BROKEN : FCGI_RECORD_HEAD);
        }
        buffer_free(&pair);
        buffer_free(&bytes);
    }
}
