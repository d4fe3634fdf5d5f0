/* The body of a notification: what is refused, in whole or item by item. */
#include "unit.h"

#include <stdlib.h>

#include "base/memory.h"
#include "notification/collection.h"
#include "notification/copy_row.h"

static const struct arrival arrival = {.wall = INT64_C(1645557742000000)};
static const struct settings nobody = {0};

static const char *read_body(const char *body, size_t length,
                             struct item_list *list)
{
    char *copy = malloc(length + 1); /* its end is watched by ASan */
    const char *fault;

    assert_non_null(copy);
    memcpy(copy + 1, body, length);
    fault = collection_read(copy + 1, length, &arrival, &nobody, list);
    free(copy);
    return fault;
}

/* Items that have a row, and so may be trusted. */
static size_t count_rows(const struct item_list *list)
{
    size_t rows = 0;

    for (size_t i = 0; i < list->count; i++)
        rows += list->items[i].row_length > 0;
    return rows;
}

#define ITEM "{\"clientState\":\"s\"}"
#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct body_case {
    const char *name;
    const char *body;
    size_t length;
    bool sound;
    size_t rows;
    size_t malformed;
} body_cases[] = {
    {"no item", BYTES("{\"value\":[]}"), true, 0, 0},
    {"an item", BYTES("{\"value\":[" ITEM "]}"), true, 1, 0},
    {"a byte order mark", BYTES("\xef\xbb\xbf{\"value\":[" ITEM "]}"), true, 1,
     0},
    {"two byte order marks",
     BYTES("\xef\xbb\xbf\xef\xbb\xbf{\"value\":[" ITEM "]}"), false, 0, 0},
    {"a byte order mark alone", BYTES("\xef\xbb\xbf"), false, 0, 0},
    {"items", BYTES("{\"value\":[" ITEM "," ITEM "," ITEM "]}"), true, 3, 0},
    {"an empty item", BYTES("{\"value\":[{}]}"), true, 0, 0},
    {"white space", BYTES(" \t\r\n{ \"value\" : [ " ITEM " ] } \n"), true, 1,
     0},
    {"other members",
     BYTES("{\"@odata.context\":\"x\",\"a\":null,\"b\":[1],"
           "\"value\":[" ITEM "],\"c\":{\"d\":true}}"),
     true, 1, 0},
    {"a value within another member",
     BYTES("{\"a\":{\"value\":[" ITEM "]},\"value\":[]}"), true, 0, 0},
    {"a value within an array",
     BYTES("{\"a\":[{\"value\":[" ITEM "]}],\"value\":[]}"), true, 0, 0},
    {"a value within an item",
     BYTES("{\"value\":[{\"clientState\":\"s\",\"value\":[" ITEM "]}]}"), true,
     1, 0},
    {"the key is escaped", BYTES("{\"v\\u0061lue\":[" ITEM "]}"), true, 1, 0},
    {"validation tokens",
     BYTES("{\"validationTokens\":[\"e30.e30.e30\"],\"value\":[]}"), true, 0,
     0},
    {"things that are no items",
     BYTES("{\"value\":[null,true,1,-2.5e3,\"x\",[]," ITEM "]}"), true, 1, 6},
    {"items in an array", BYTES("{\"value\":[[" ITEM "," ITEM "]," ITEM "]}"),
     true, 1, 1},
    {"a NUL outside of the items",
     BYTES("{\"a\":\"\\u0000\",\"value\":[" ITEM "]}"), true, 1, 0},

    {"nothing", BYTES(""), false, 0, 0},
    {"white space alone", BYTES(" \n"), false, 0, 0},
    {"text", BYTES("hello"), false, 0, 0},
    {"a form", BYTES("value=1"), false, 0, 0},
    {"XML", BYTES("<value/>"), false, 0, 0},
    {"null", BYTES("null"), false, 0, 0},
    {"a number", BYTES("1"), false, 0, 0},
    {"a string", BYTES("\"value\""), false, 0, 0},
    {"an array", BYTES("[]"), false, 0, 0},
    {"an array of bodies", BYTES("[{\"value\":[]}]"), false, 0, 0},
    {"an object without value", BYTES("{}"), false, 0, 0},
    {"an item alone", BYTES(ITEM), false, 0, 0},
    {"Value", BYTES("{\"Value\":[]}"), false, 0, 0},
    {"value, NUL", BYTES("{\"value\\u0000\":[]}"), false, 0, 0},
    {"value is null", BYTES("{\"value\":null}"), false, 0, 0},
    {"value is a number", BYTES("{\"value\":1}"), false, 0, 0},
    {"value is true", BYTES("{\"value\":true}"), false, 0, 0},
    {"value is a string", BYTES("{\"value\":\"[]\"}"), false, 0, 0},
    {"value is an object", BYTES("{\"value\":" ITEM "}"), false, 0, 0},
    {"value twice", BYTES("{\"value\":[" ITEM "],\"value\":[]}"), false, 0, 0},
    {"two bodies", BYTES("{\"value\":[]}{\"value\":[]}"), false, 0, 0},
    {"something behind", BYTES("{\"value\":[]}x"), false, 0, 0},
    {"a NUL behind", BYTES("{\"value\":[]}\0"), false, 0, 0},
    {"a NUL before", BYTES("\0{\"value\":[]}"), false, 0, 0},
    {"UTF-16", BYTES("{\0\"\0v\0a\0l\0u\0e\0\"\0:\0[\0]\0}\0"), false, 0, 0},
    {"a vertical tab", BYTES("{\"value\":\v[]}"), false, 0, 0},
    {"a form feed", BYTES("{\"value\":[" ITEM "]}\f"), false, 0, 0},
    {"a comment", BYTES("{\"value\":[]/**/}"), false, 0, 0},
    {"a comma at an end", BYTES("{\"value\":[" ITEM ",]}"), false, 0, 0},
    {"single quotes", BYTES("{'value':[]}"), false, 0, 0},
    {"no quotes", BYTES("{value:[]}"), false, 0, 0},
    {"NaN", BYTES("{\"a\":NaN,\"value\":[]}"), false, 0, 0},
    {"a number with a zero first", BYTES("{\"a\":01,\"value\":[]}"), false, 0,
     0},
    {"a raw control character", BYTES("{\"value\":[{\"a\":\"\n\"}]}"), false, 0,
     0},
    {"a raw NUL", BYTES("{\"value\":[{\"a\":\"\0\"}]}"), false, 0, 0},
    {"a wrong escape", BYTES("{\"value\":[{\"a\":\"\\x\"}]}"), false, 0, 0},
    {"an escape of three digits", BYTES("{\"value\":[{\"a\":\"\\u00e\"}]}"),
     false, 0, 0},
    {"Latin-1", BYTES("{\"value\":[{\"a\":\"\xe9\"}]}"), false, 0, 0},
    {"overlong UTF-8", BYTES("{\"value\":[{\"a\":\"\xc0\x80\"}]}"), false, 0,
     0},
    {"a surrogate in UTF-8", BYTES("{\"value\":[{\"a\":\"\xed\xa0\x80\"}]}"),
     false, 0, 0},
    {"bad UTF-8 outside of the items",
     BYTES("{\"a\":\"\xff\",\"value\":[" ITEM "]}"), false, 0, 0},
    {"bad UTF-8 in a key", BYTES("{\"\xff\":1,\"value\":[]}"), false, 0, 0},
};

TEST_EACH(bodies, body_cases, c)
{
    struct item_list list = {0};
    const char *fault = read_body(c->body, c->length, &list);

    assert_int_equal(fault == NULL, c->sound);
    if (c->sound) {
        assert_int_equal(count_rows(&list), c->rows);
        assert_int_equal(list.refused[ITEM_MALFORMED], c->malformed);
    }
    item_list_free(&list);
}

/* Between two good items: those are kept whatever this one is. */
static const struct item_case {
    const char *name;
    const char *members;
    bool sound;
} item_cases[] = {
    {"a member without a column", "\"a\":1", true},
    {"one that is given twice", "\"a\":1,\"a\":2", true},
    {"one that is named as one of resourceData", "\"id\":1,\"id\":2", true},
    {"one in another case", "\"tenantid\":1,\"tenantId\":\"2\"", true},
    {"a member in two objects",
     "\"tenantId\":\"1\",\"resourceData\":{\"tenantId\":\"2\"}", true},
    {"id in and out of resourceData", "\"id\":1,\"resourceData\":{\"id\":1}",
     true},
    {"subscriptionId twice", "\"subscriptionId\":1,\"subscriptionId\":1",
     false},
    {"subscriptionExpirationDateTime twice",
     "\"subscriptionExpirationDateTime\":\"a\","
     "\"subscriptionExpirationDateTime\":\"a\"",
     false},
    {"tenantId twice", "\"tenantId\":\"1\",\"tenantId\":\"1\"", false},
    {"tenantId twice, once null", "\"tenantId\":null,\"tenantId\":\"1\"",
     false},
    {"tenantId twice, once escaped", "\"tenantId\":\"1\",\"\\u0074enantId\":1",
     false},
    {"clientState twice", "\"clientState\":\"t\"", false},
    {"clientState twice, once odd", "\"clientState\":[]", false},
    {"changeType twice", "\"changeType\":\"a\",\"changeType\":\"b\"", false},
    {"lifecycleEvent twice", "\"lifecycleEvent\":1,\"lifecycleEvent\":null",
     false},
    {"resource twice", "\"resource\":\"a\",\"resource\":\"b\"", false},
    {"resource twice, others between",
     "\"resource\":\"a\",\"x\":{\"y\":[]},\"resource\":\"b\"", false},
    {"resourceData twice", "\"resourceData\":{},\"resourceData\":{}", false},
    {"resourceData twice, once null",
     "\"resourceData\":{\"id\":\"1\"},\"resourceData\":null", false},
    {"id twice", "\"resourceData\":{\"id\":\"1\",\"id\":\"2\"}", false},
    {"@odata.id twice",
     "\"resourceData\":{\"@odata.id\":\"1\",\"@odata.id\":\"2\"}", false},
    {"oDataId twice", "\"resourceData\":{\"oDataId\":1,\"oDataId\":2}", false},
    {"@odata.type twice",
     "\"resourceData\":{\"@odata.type\":\"1\",\"@odata.type\":\"2\"}", false},
    {"oDataType twice", "\"resourceData\":{\"oDataType\":1,\"oDataType\":2}",
     false},
    {"id twice, deeper down",
     "\"resourceData\":{\"a\":{\"id\":\"1\",\"id\":\"2\"}}", true},
    {"NUL in a column", "\"resource\":\"a\\u0000b\"", false},
    {"NUL in another member", "\"a\":\"\\u0000\"", false},
    {"NUL in a key", "\"a\\u0000\":1", false},
    {"NUL deep down", "\"a\":[{\"b\":[\"\\u0000\"]}]", false},
    {"NUL in what is not kept", "\"CLIENTSTATE\":\"\\u0000\"", false},
    {"NUL in resourceData", "\"resourceData\":{\"id\":\"\\u0000\"}", false},
    {"an escaped backslash and u0000", "\"a\":\"\\\\u0000\"", true},
    {"a high surrogate", "\"a\":\"\\ud83d\"", false},
    {"a low surrogate", "\"resource\":\"\\ude00\"", false},
    {"surrogates in the wrong order", "\"a\":\"\\ude00\\ud83d\"", false},
    {"a pair over two strings", "\"a\":[\"\\ud83d\",\"\\ude00\"]", false},
    {"a pair", "\"a\":\"\\ud83d\\ude00\"", true},
    {"a lone surrogate in a key", "\"\\udbff\":1", false},
};

TEST_EACH(items, item_cases, c)
{
    struct item_list list = {0};
    struct buffer body = {0};
    char head[] = "{\"value\":[" ITEM ",{\"clientState\":\"s\",";

    buffer_add(&body, head, sizeof(head) - 1);
    buffer_add(&body, c->members, strlen(c->members));
    buffer_add(&body, "}," ITEM "]}", strlen("}," ITEM "]}"));
    assert_null(read_body(body.data, body.length, &list));
    assert_int_equal(count_rows(&list), c->sound ? 3 : 2);
    assert_int_equal(list.refused[ITEM_MALFORMED], c->sound ? 0 : 1);
    item_list_free(&list);
    buffer_free(&body);
}

static void add(struct buffer *body, const char *text, size_t times)
{
    while (times-- > 0)
        buffer_add(body, text, strlen(text));
}

/* The item is level 1; what is opened below counts, wherever it stands. */
static const struct level_case {
    const char *name;
    const char *before;
    size_t levels; /* open where the nest begins */
    const char *behind;
} level_cases[] = {
    {"in a member", "\"a\":", 1, ""},
    {"in a column", "\"tenantId\":", 1, ""},
    {"in resourceData", "\"resourceData\":{\"a\":", 2, "}"},
    {"in a column of resourceData", "\"resourceData\":{\"id\":", 2, "}"},
    {"in an array as resourceData", "\"resourceData\":", 1, ""},
    {"in a secret that is not kept", "\"ClientState\":", 1, ""},
    {"behind resourceData", "\"resourceData\":{\"b\":{}},\"a\":", 1, ""},
    {"beside others", "\"b\":{\"c\":[]},\"a\":", 1, ",\"d\":[[]]"},
};

static size_t refused_at(const struct level_case *c, size_t nest,
                         const char *open, const char *close)
{
    struct item_list list = {0};
    struct buffer body = {0};
    size_t refused;

    add(&body, "{\"value\":[{\"clientState\":\"s\",", 1);
    add(&body, c->before, 1);
    add(&body, open, nest);
    add(&body, "1", 1);
    add(&body, close, nest);
    add(&body, c->behind, 1);
    add(&body, "}," ITEM "]}", 1);
    assert_null(read_body(body.data, body.length, &list));
    refused = list.refused[ITEM_MALFORMED];
    assert_int_equal(count_rows(&list) + refused, 2);
    item_list_free(&list);
    buffer_free(&body);
    return refused;
}

TEST_EACH(levels, level_cases, c)
{
    for (size_t nest = 1; nest <= 20; nest++) {
        size_t refused = c->levels + nest > 16 ? 1 : 0;

        assert_int_equal(refused_at(c, nest, "[", "]"), refused);
        assert_int_equal(refused_at(c, nest, "{\"k\":", "}"), refused);
    }
}

TEST(absurd_depths_are_survived)
{
    enum { DEPTH = 1000000 };
    static const char *const before[] = {"{\"a\":", "{\"value\":[],\"a\":",
                                         "{\"value\":[{\"a\":", "{\"value\":[",
                                         ""};

    for (size_t i = 0; i < COUNT(before); i++) {
        struct item_list list = {0};
        struct buffer body = {0};

        add(&body, before[i], 1);
        add(&body, "[", DEPTH);
        assert_non_null(read_body(body.data, body.length, &list));
        item_list_free(&list);
        buffer_free(&body);
    }
    assert_int_equal(refused_at(&level_cases[0], DEPTH, "[", "]"), 1);
}

TEST(every_cut_body_is_refused)
{
    static const char body[] = "{\"value\":[{\"subscriptionId\":\"\\u0041\","
                               "\"clientState\":\"s\","
                               "\"n\":[1.5e3,true,null],\"resourceData\":{"
                               "\"id\":\"\u20ac\"}}],"
                               "\"validationTokens\":[\"x\"]}";

    for (size_t length = 0; length < sizeof(body); length++) {
        struct item_list list = {0};
        const char *fault = read_body(body, length, &list);

        assert_int_equal(fault == NULL, length == sizeof(body) - 1);
        item_list_free(&list);
    }
}

/* Nobody can vouch for them: no row, but the first are told apart. */
TEST(items_without_a_secret_take_no_room)
{
    struct item_list list = {0};
    struct buffer body = {0};

    add(&body, "{\"value\":[{}", 1);
    add(&body, ",{\"resource\":\"x\"}", 4999);
    add(&body, "," ITEM "]}", 1);
    assert_null(read_body(body.data, body.length, &list));
    assert_int_equal(count_rows(&list), 1);
    assert_true(list.items[list.count - 1].row_length > 0);
    assert_true(list.count <= 1000);
    assert_int_equal(list.count + list.refused[ITEM_UNKNOWN], 5001);
    item_list_free(&list);
    buffer_free(&body);
}

TEST(listed_subscriptions_need_no_secret)
{
    static const char body[] = "{\"value\":[{\"subscriptionId\":"
                               "\"01234567-89ab-cdef-0123-456789abcdef\","
                               "\"clientState\":null}]}";
    struct guid open;
    struct settings settings = {.open_subscriptions = &open,
                                .open_subscriptions_count = 1};
    struct item_list list = {0};

    assert_true(guid_read(&open, "01234567-89ab-cdef-0123-456789abcdef", 36));
    assert_null(
        collection_read(body, sizeof(body) - 1, &arrival, &settings, &list));
    assert_int_equal(count_rows(&list), 1);
    assert_false(list.items[0].has_secret);
    item_list_free(&list);
}

TEST(many_items)
{
    enum { MANY = 70000 }; /* more than 16 bits can count */
    struct item_list list = {0};
    struct buffer body = {0};
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];

    add(&body, "{\"value\":[" ITEM, 1);
    add(&body, "," ITEM, MANY - 1);
    add(&body, "]}", 1);
    assert_null(read_body(body.data, body.length, &list));
    assert_int_equal(list.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_true(copy_row_fields(list.rows.data + list.items[i].row_at,
                                    list.items[i].row_length, values, lengths));
    item_list_free(&list);
    buffer_free(&body);
}
