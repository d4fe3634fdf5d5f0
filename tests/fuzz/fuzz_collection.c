/*
 * The gate for notifications. An input is a body. A second parser counts the
 * items and finds the secrets: with other secrets in their places, the rows
 * must be the same.
 */
#include "fuzz.h"

#include <string.h>
#include <strings.h>

#include <yajl/yajl_parse.h>

#include "base/memory.h"
#include "base/text.h"
#include "notification/collection.h"
#include "notification/copy_row.h"

/* Depth at which the members of `value`, an item and its resourceData are. */
enum { IN_VALUE = 2, IN_ITEM = 3, IN_DATA = 4 };

/* Behind the notification_id, which is new each time. */
#define SAME_FROM (2 + 4 + 16)

struct witness {
    yajl_handle yajl;
    const char *body;
    char *masked; /* the body without its secrets */
    size_t at;    /* where the last token ended */
    unsigned depth;
    bool in_value;
    bool in_data;
    bool value_is_next;  /* the last key was `value` of the body, */
    bool data_is_next;   /* resourceData of an item, */
    bool secret_is_next; /* or clientState */
    unsigned secret;     /* depth in a secret that is no string; else 0 */
    size_t items;
};

static const struct guid open_subscription = {
    {0x62, 0xe4, 0xde, 0xea, 0x8f, 0x3f, 0x4b, 0x35, 0xb7, 0x32, 0xc9, 0x9f,
     0xae, 0x0a, 0xe5, 0xec}};

/* A token ends here; keys have been looked at. */
static int pass(struct witness *w)
{
    w->at = yajl_get_bytes_consumed(w->yajl);
    w->value_is_next = w->data_is_next = w->secret_is_next = false;
    return 1;
}

static int scalar(struct witness *w)
{
    if (w->in_value && w->depth == IN_VALUE)
        w->items++;
    return pass(w);
}

static int on_null(void *w)
{
    return scalar(w);
}

static int on_boolean(void *w, int value)
{
    (void)value;
    return scalar(w);
}

static int on_number(void *w, const char *text, size_t length)
{
    (void)text, (void)length;
    return scalar(w);
}

/* Overwrites a secret, unless it makes its item malformed. */
static void mask(struct witness *w)
{
    size_t end = yajl_get_bytes_consumed(w->yajl) - 1;
    const char *quote = memchr(w->body + w->at, '"', end - w->at);

    REQUIRE(quote && w->body[end] == '"');
    size_t start = (size_t)(quote - w->body) + 1;
    if (text_escapes_are_sound(w->body + start, end - start))
        memset(w->masked + start, 'x', end - start);
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
    struct witness *w = context;

    (void)text, (void)length;
    if (w->secret || w->secret_is_next)
        mask(w);
    return scalar(w);
}

static bool is(const unsigned char *text, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
    struct witness *w = context;
    bool in_data = w->in_data && w->depth == IN_DATA;
    bool in_item = w->in_value && w->depth == IN_ITEM;

    pass(w);
    w->value_is_next = w->depth == 1 && is(text, length, "value");
    w->data_is_next = in_item && is(text, length, "resourceData");
    w->secret_is_next =
        (in_item || in_data) && length == strlen("clientState") &&
        strncasecmp((const char *)text, "clientState", length) == 0;
    return 1;
}

static int take_open(struct witness *w, bool map)
{
    if (w->in_value && w->depth == IN_VALUE)
        w->items++;
    if (w->depth == 1 && w->value_is_next)
        w->in_value = true;
    w->depth++;
    if (w->secret_is_next)
        w->secret = w->depth;
    w->in_data |= map && w->data_is_next;
    return pass(w);
}

static int on_start_map(void *w)
{
    return take_open(w, true);
}

static int on_start_array(void *w)
{
    return take_open(w, false);
}

static int on_end(void *context)
{
    struct witness *w = context;

    if (w->depth == w->secret)
        w->secret = 0;
    if (w->depth == IN_DATA)
        w->in_data = false;
    if (w->depth == IN_VALUE)
        w->in_value = false;
    w->depth--;
    return pass(w);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

/* Counts the items of a body that the gate has accepted. */
static size_t witness(const char *body, size_t length, char *masked)
{
    struct witness w = {.body = body, .masked = masked};
    const unsigned char *text = (const unsigned char *)body;

    memcpy(masked, body, length);
    w.yajl = yajl_alloc(&callbacks, NULL, &w);
    REQUIRE(yajl_parse(w.yajl, text, length) == yajl_status_ok);
    REQUIRE(yajl_complete_parse(w.yajl) == yajl_status_ok);
    yajl_free(w.yajl);
    return w.items;
}

static void check_same(const struct item_list *a, const struct item_list *b)
{
    REQUIRE(a->count == b->count);
    REQUIRE(a->rows.length == b->rows.length);
    REQUIRE(memcmp(a->refused, b->refused, sizeof(a->refused)) == 0);
    for (size_t i = 0; i < a->count; i++) {
        const struct item *left = &a->items[i], *right = &b->items[i];
        REQUIRE(left->row_length == right->row_length);
        REQUIRE(left->has_secret == right->has_secret);
        REQUIRE(left->row_length == 0 ||
                memcmp(a->rows.data + left->row_at + SAME_FROM,
                       b->rows.data + right->row_at + SAME_FROM,
                       left->row_length - SAME_FROM) == 0);
    }
}

static const char *read_body(const char *body, size_t length,
                             struct item_list *list)
{
    static struct guid open;
    static const struct arrival arrival = {
        .wall = INT64_C(1764547200000000),
        .forwarded_for = "203.0.113.7",
    };
    struct settings settings = {
        .open_subscriptions = &open,
        .open_subscriptions_count = 1,
    };

    open = open_subscription;
    return collection_read(body, length, &arrival, &settings, list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    struct item_list list = {0}, again = {0};
    const char *why = read_body(body, size, &list);

    if (why) {
        REQUIRE(*why);
    } else {
        /* yajl takes no byte order mark; the gate skips one. */
        size_t mark = size > 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        char *masked = memory_new(size - mark, 1);
        size_t items = witness(body + mark, size - mark, masked);
        size_t refused = 0;
        for (int v = 0; v < ITEM_VERDICTS; v++)
            refused += list.refused[v];
        REQUIRE(list.count + refused == items);
        fuzz_check_rows(&list);
        REQUIRE(read_body(masked, size - mark, &again) == NULL);
        check_same(&list, &again);
        free(masked);
    }
    item_list_free(&list);
    item_list_free(&again);
    return 0;
}
