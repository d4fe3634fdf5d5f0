/*
 * The body of a notification. yajl's streaming parser finds the structure;
 * UTF-8, escapes and depth are ours to check, since it is lenient there. The
 * body is one chunk, so that strings without escapes stay where they are.
 */
#include "notification/collection.h"

#include <string.h>
#include <sysexits.h>

#include <yajl/yajl_parse.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "notification/secrets.h"

/* Depth at which the members of the body, of `value` and of an item are. */
enum { IN_BODY = 1, IN_VALUE = 2, IN_ITEM = 3 };

/*
 * Rows may be so much larger than the body: a real one never is, but many
 * tiny items, each with a long X-Forwarded-For, would be.
 */
#define ROWS_SHARE 8
#define ROWS_MORE ((size_t)256 * 1024)

/* Items without a secret are told apart up to here; then only counted. */
#define SECRETLESS_MAX 256

struct reader {
    yajl_handle yajl;
    const char *body;
    size_t length;
    const struct arrival *arrival;
    const struct settings *settings;
    struct item_list *list;
    const char *fault; /* of the whole body */
    size_t depth;
    bool expects_value; /* the last key of the body was "value" */
    bool has_value;
    bool in_value;
    bool in_item;
    size_t item_at;
    struct notification notification;
    struct buffer decoded; /* strings that had escapes */
};

/* Ends the parsing. */
static int fail(struct reader *reader, const char *fault)
{
    reader->fault = fault;
    return 0;
}

/*
 * Strings with escapes are in a buffer of yajl's until the callback returns.
 * Decoded strings are never longer than the body, so that `decoded` gets its
 * room once and does not move.
 */
static const char *settle(struct reader *reader, const char *text,
                          size_t length)
{
    uintptr_t at_text = (uintptr_t)text, at_body = (uintptr_t)reader->body;

    if (!text || (at_text >= at_body && at_text <= at_body + reader->length))
        return text;
    if (!reader->decoded.data)
        buffer_reserve(&reader->decoded, reader->length);
    const char *at = reader->decoded.data + reader->decoded.length;
    buffer_add(&reader->decoded, text, length);
    return at;
}

static void begin_item(struct reader *reader)
{
    reader->in_item = true;
    reader->item_at = yajl_get_bytes_consumed(reader->yajl);
    notification_begin(&reader->notification);
}

static int end_item(struct reader *reader)
{
    const char *start = reader->body + reader->item_at;
    size_t length = yajl_get_bytes_consumed(reader->yajl) - reader->item_at;
    struct item_list *list = reader->list;
    struct item item;

    reader->in_item = false;
    if (reader->notification.malformed ||
        !text_escapes_are_sound(start, length)) {
        list->refused[ITEM_MALFORMED]++;
        return 1;
    }
    notification_identify(&reader->notification, &item);
    if (!secrets_may_trust(reader->settings, &item)) {
        if (list->count < SECRETLESS_MAX)
            item_list_add(list, &item);
        else
            list->refused[ITEM_UNKNOWN]++;
        return 1;
    }
    if (list->rows.length > ROWS_SHARE * reader->length + ROWS_MORE)
        return fail(reader, "the body has too many items");
    notification_finish(&reader->notification, reader->arrival,
                        (uint16_t)list->count, &item, &list->rows);
    item_list_add(list, &item);
    return 1;
}

/* What is no object where an item should be. */
static int no_item(struct reader *reader)
{
    reader->list->refused[ITEM_MALFORMED]++;
    return 1;
}

static int take_scalar(struct reader *reader, enum json_event event,
                       const char *text, size_t length)
{
    if (reader->in_item)
        notification_event(&reader->notification, event,
                           settle(reader, text, length), length);
    else if (reader->depth == 0)
        return fail(reader, "the body is not a JSON object");
    else if (reader->depth == IN_BODY && reader->expects_value)
        return fail(reader, "value is not an array");
    else if (reader->depth == IN_VALUE && reader->in_value)
        return no_item(reader);
    return 1;
}

static int take_open(struct reader *reader, enum json_event event)
{
    size_t depth = reader->depth++;

    if (reader->in_item) {
        notification_event(&reader->notification, event, NULL, 0);
    } else if (depth == 0) {
        if (event != JSON_MAP)
            return fail(reader, "the body is not a JSON object");
    } else if (depth == IN_BODY && reader->expects_value) {
        if (event != JSON_ARRAY)
            return fail(reader, "value is not an array");
        reader->in_value = true;
    } else if (depth == IN_VALUE && reader->in_value) {
        if (event != JSON_MAP)
            return no_item(reader);
        begin_item(reader);
    }
    return 1;
}

static int take_close(struct reader *reader, enum json_event event)
{
    reader->depth--;
    if (reader->in_item && reader->depth == IN_VALUE)
        return end_item(reader);
    if (reader->in_item)
        notification_event(&reader->notification, event, NULL, 0);
    else if (reader->depth == IN_BODY)
        reader->in_value = false;
    return 1;
}

static int on_null(void *context)
{
    return take_scalar(context, JSON_NULL, NULL, 0);
}

static int on_boolean(void *context, int value)
{
    return take_scalar(context, value ? JSON_TRUE : JSON_FALSE, NULL, 0);
}

static int on_number(void *context, const char *text, size_t length)
{
    return take_scalar(context, JSON_NUMBER, text, length);
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
    return take_scalar(context, JSON_STRING, (const char *)text, length);
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
    struct reader *reader = context;

    if (reader->in_item) {
        notification_event(&reader->notification, JSON_KEY, (const char *)text,
                           length);
    } else if (reader->depth == IN_BODY) {
        reader->expects_value =
            length == strlen("value") && memcmp(text, "value", length) == 0;
        if (reader->expects_value && reader->has_value)
            return fail(reader, "value is given twice");
        reader->has_value |= reader->expects_value;
    }
    return 1;
}

static int on_start_map(void *context)
{
    return take_open(context, JSON_MAP);
}

static int on_end_map(void *context)
{
    return take_close(context, JSON_END_MAP);
}

static int on_start_array(void *context)
{
    return take_open(context, JSON_ARRAY);
}

static int on_end_array(void *context)
{
    return take_close(context, JSON_END_ARRAY);
}

/* Numbers are taken as text: yajl's own fail the body past 2^63. */
static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_map,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end_array,
};

/* Runs the parser over the whole body. */
static void parse(struct reader *reader)
{
    const unsigned char *body = (const unsigned char *)reader->body;

    reader->yajl = yajl_alloc(&callbacks, memory_for_yajl(), reader);
    if (!reader->yajl)
        die(EX_OSERR, "out of memory");
    /* text_is_utf8 has done it, and strictly */
    yajl_config(reader->yajl, yajl_dont_validate_strings, 1);
    if ((yajl_parse(reader->yajl, body, reader->length) != yajl_status_ok ||
         yajl_complete_parse(reader->yajl) != yajl_status_ok) &&
        !reader->fault)
        reader->fault = "the body is not JSON, or cut";
    else if (!reader->fault && !reader->has_value)
        reader->fault = "the body has no value array";
    yajl_free(reader->yajl);
}

const char *collection_read(const char *body, size_t length,
                            const struct arrival *arrival,
                            const struct settings *settings,
                            struct item_list *list)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (length >= 3 && memcmp(body, mark, 3) == 0) {
        body += 3;
        length -= 3;
    }
    struct reader reader = {
        .body = body,
        .length = length,
        .arrival = arrival,
        .settings = settings,
        .list = list,
    };

    if (length == 0)
        return "the body is empty";
    if (!text_is_utf8(body, length))
        return "the body is not UTF-8";
    /* To yajl these are white space; JSON has them nowhere. */
    if (memchr(body, '\v', length) || memchr(body, '\f', length))
        return "the body is not JSON, or cut";
    parse(&reader);
    notification_free(&reader.notification);
    buffer_free(&reader.decoded);
    return reader.fault;
}
