/* One item's members: what goes into which column. */
#include "read_item.h"

#include "base/clock.h"

static void assert_text(const struct reading *reading,
                        enum copy_row_column column, const char *expected)
{
    if (!expected) {
        assert_int_equal(reading->lengths[column], -1);
        return;
    }
    assert_int_equal(reading->lengths[column], strlen(expected));
    if (*expected)
        assert_memory_equal(reading->values[column], expected,
                            strlen(expected));
}

static void assert_guid(const struct reading *reading,
                        enum copy_row_column column, const char *expected)
{
    struct guid guid;

    if (!expected) {
        assert_int_equal(reading->lengths[column], -1);
        return;
    }
    assert_true(guid_read(&guid, expected, strlen(expected)));
    assert_int_equal(reading->lengths[column], sizeof(guid));
    assert_memory_equal(reading->values[column], &guid, sizeof(guid));
}

static void assert_time(const struct reading *reading,
                        enum copy_row_column column, int64_t expected)
{
    uint64_t value = 0;

    assert_int_equal(reading->lengths[column], sizeof(value));
    for (size_t i = 0; i < sizeof(value); i++)
        value = value << 8 | (unsigned char)reading->values[column][i];
    assert_int_equal((int64_t)value, expected);
}

TEST(an_item_as_graph_sends_it)
{
    struct reading reading;

    read_item(&reading,
              "\"subscriptionId\":\"62e4deea-8f3f-4b35-b732-c99fae0ae5ec\","
              "\"changeType\":\"created\",\"resource\":\"" RESOURCE "\","
              "\"subscriptionExpirationDateTime\":"
              "\"2021-11-13T21:44:18.9037958-08:00\","
              "\"resourceData\":{"
              "\"@odata.type\":\"#Microsoft.Graph.callRecord\","
              "\"@odata.id\":\"" RESOURCE "\",\"id\":\"" CALL "\"},"
              "\"tenantId\":\"de21c301-a4ae-4292-aa09-6db710a590a6\"",
              "192.0.2.1, 198.51.100.7");
    assert_int_equal(reading.lengths[COPY_ROW_NOTIFICATION_ID], 16);
    assert_time(&reading, COPY_ROW_RECEIVED_AT,
                INT64_C(1645557742123456) - CLOCK_EPOCH_SHIFT * 1000000);
    assert_guid(&reading, COPY_ROW_TENANT_ID,
                "de21c301-a4ae-4292-aa09-6db710a590a6");
    assert_guid(&reading, COPY_ROW_SUBSCRIPTION_ID,
                "62e4deea-8f3f-4b35-b732-c99fae0ae5ec");
    assert_text(&reading, COPY_ROW_CHANGE_TYPE, "created");
    assert_text(&reading, COPY_ROW_LIFECYCLE_EVENT, NULL);
    assert_guid(&reading, COPY_ROW_CALL_ID, CALL);
    assert_text(&reading, COPY_ROW_RESOURCE, RESOURCE);
    assert_time(&reading, COPY_ROW_SUBSCRIPTION_EXPIRES_AT,
                INT64_C(690183858903796));
    assert_text(&reading, COPY_ROW_FORWARDED_FOR, "192.0.2.1, 198.51.100.7");
    assert_extra(&reading, NULL);
    item_list_free(&reading.list);
}

TEST(an_item_with_nothing)
{
    struct reading reading;

    read_item(&reading, "", NULL);
    assert_int_equal(reading.lengths[COPY_ROW_NOTIFICATION_ID], 16);
    assert_guid(&reading, COPY_ROW_TENANT_ID,
                "00000000-0000-0000-0000-000000000000");
    for (int column = COPY_ROW_SUBSCRIPTION_ID; column < COPY_ROW_FIELDS;
         column++)
        assert_int_equal(reading.lengths[column], -1);
    item_list_free(&reading.list);
}

TEST(a_lifecycle_item)
{
    struct reading reading;

    read_item(&reading,
              "\"lifecycleEvent\":\"reauthorizationRequired\","
              "\"subscriptionId\":\"e3898f08-5cd0-4a6a-80fc-6addbfb73b7b\","
              "\"subscriptionExpirationDateTime\":"
              "\"2019-09-18T00:52:45.9696658+00:00\","
              "\"tenantId\":\"84bd8158-6d4d-4958-8b9f-9d6445542f95\"",
              NULL);
    assert_text(&reading, COPY_ROW_LIFECYCLE_EVENT, "reauthorizationRequired");
    assert_text(&reading, COPY_ROW_CHANGE_TYPE, NULL);
    assert_guid(&reading, COPY_ROW_CALL_ID, NULL);
    assert_text(&reading, COPY_ROW_RESOURCE, NULL);
    assert_time(&reading, COPY_ROW_SUBSCRIPTION_EXPIRES_AT,
                INT64_C(622083165969666));
    assert_extra(&reading, NULL);
    item_list_free(&reading.list);
}

/* What it is judged by; and nothing of the secret itself is kept. */
TEST(what_identifies_an_item)
{
    struct reading reading;
    struct digest digest;

    read_item(&reading, "\"tenantId\":\"" CALL "\",\"subscriptionId\":\"x\"",
              NULL);
    const struct item *item = &reading.list.items[0];
    digest_make(&digest, "s3cret", 6);
    assert_true(item->has_secret);
    assert_int_equal(digest_compare(&item->secret, &digest), 0);
    assert_true(item->has_tenant);
    assert_false(item->odd_tenant);
    assert_false(item->has_subscription);
    assert_null(
        memmem(reading.list.rows.data, reading.list.rows.length, "s3cret", 6));
    item_list_free(&reading.list);

    read_item(&reading, "\"tenantId\":\"x\",\"subscriptionId\":\"" CALL "\"",
              NULL);
    item = &reading.list.items[0];
    assert_false(item->has_tenant);
    assert_true(item->odd_tenant);
    assert_true(item->has_subscription);
    item_list_free(&reading.list);

    read_item(&reading, "\"tenantId\":5,\"colour\":1", NULL);
    assert_true(reading.list.items[0].odd_tenant);
    item_list_free(&reading.list);
}

/* Escapes move a string to another buffer; columns must not mix. */
TEST(escaped_strings)
{
    struct reading reading;

    read_item(&reading,
              "\"subscriptionId\":\"\\u0030123456\\u0037-89ab-cdef-0123-"
              "456789abcdef\",\"changeType\":\"\\\"\\u20ac\\\\\","
              "\"lifecycleEvent\":\"\\ud83d\\ude00\","
              "\"resource\":\"communications\\/callRecords\\/" CALL "\","
              "\"\\u0078\\n\":\"\\u0079\\/\\t\"",
              NULL);
    assert_guid(&reading, COPY_ROW_SUBSCRIPTION_ID, CALL);
    assert_text(&reading, COPY_ROW_CHANGE_TYPE, "\"\u20ac\\");
    assert_text(&reading, COPY_ROW_LIFECYCLE_EVENT, "\U0001f600");
    assert_text(&reading, COPY_ROW_RESOURCE, RESOURCE);
    assert_guid(&reading, COPY_ROW_CALL_ID, CALL);
    assert_extra(&reading, "{\"x\\n\":\"y/\\t\"}");
    item_list_free(&reading.list);
}

TEST(items_of_a_body_do_not_mix)
{
    static const char body[] = "{\"value\":[{\"clientState\":\"a\","
                               "\"changeType\":\"c\",\"x\":1,"
                               "\"resourceData\":{\"y\":1}},{\"clientState\":"
                               "\"b\"},"
                               "{\"clientState\":\"c\",\"z\":{\"z\":[]}}]}";
    static const char *const extras[] = {"{\"x\":1,\"resourceData\":{\"y\":1}}",
                                         NULL, "{\"z\":{\"z\":[]}}"};
    const struct arrival arrival = {.wall = INT64_C(1645557742123456)};
    struct reading r = {0};
    char previous[16] = {0};

    assert_null(
        collection_read(body, sizeof(body) - 1, &arrival, &nobody, &r.list));
    assert_int_equal(r.list.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct item *item = &r.list.items[i];

        assert_true(copy_row_fields(r.list.rows.data + item->row_at,
                                    item->row_length, r.values, r.lengths));
        assert_extra(&r, extras[i]);
        assert_text(&r, COPY_ROW_CHANGE_TYPE, i == 0 ? "c" : NULL);
        assert_true(memcmp(previous, r.values[COPY_ROW_NOTIFICATION_ID], 16) <
                    0);
        memcpy(previous, r.values[COPY_ROW_NOTIFICATION_ID], 16);
    }
    item_list_free(&r.list);
}

static const struct call_case {
    const char *name;
    const char *members;
    const char *call_id;
} call_cases[] = {
    {"id and resource",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":\"" CALL "\"}",
     CALL},
    {"id in upper case",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":\"" UPPER_CALL "\""
     "}",
     CALL},
    {"id first",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":\"" OTHER "\"}",
     OTHER},
    {"id, whatever the order",
     "\"resourceData\":{\"id\":\"" OTHER "\"},\"resource\":\"" RESOURCE "\"",
     OTHER},
    {"id only, the resource is the collection",
     "\"resource\":\"communications/"
     "callRecords\",\"resourceData\":{\"id\":\"" CALL "\"}",
     CALL},
    {"resource only", "\"resource\":\"" RESOURCE "\"", CALL},
    {"resource with a slash", "\"resource\":\"/" RESOURCE "\"", CALL},
    {"resource in another case",
     "\"resource\":\"COMMUNICATIONS/CALLRECORDS/" UPPER_CALL "\"", CALL},
    {"a key in brackets",
     "\"resource\":\"communications/callRecords('" CALL "')\"", CALL},
    {"a key in brackets and a query",
     "\"resource\":\"communications/callRecords('" CALL "')?$select=id\"",
     CALL},
    {"a bracket that does not close",
     "\"resource\":\"communications/callRecords('" CALL "'\"", NULL},
    {"a slash at the end", "\"resource\":\"" RESOURCE "/\"", CALL},
    {"two slashes at the end", "\"resource\":\"" RESOURCE "//\"", NULL},
    {"an absolute URL",
     "\"resource\":\"https://graph.microsoft.com/v1.0/" RESOURCE "\"", CALL},
    {"an absolute URL of another resource",
     "\"resource\":\"https://graph.microsoft.com/v1.0/users/" CALL "\"", NULL},
    {"an URL that ends early", "\"resource\":\"https://x\"", NULL},
    {"an URL with its host only", "\"resource\":\"https://\"", NULL},
    {"resource with a query",
     "\"resource\":\"" RESOURCE "?$expand=sessions/segments\"", CALL},
    {"id that is no GUID",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":\"1\"}", CALL},
    {"id that is no string",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":7}", CALL},
    {"id that is null",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":null}", CALL},
    {"neither is a GUID",
     "\"resource\":\"communications/callRecords/1\","
     "\"resourceData\":{\"id\":\"1\"}",
     NULL},
    {"the collection alone", "\"resource\":\"communications/callRecords\"",
     NULL},
    {"no resource", "\"resourceData\":{\"id\":\"" CALL "\"}", NULL},
    {"another resource",
     "\"resource\":\"users/" CALL "\",\"resourceData\":{\"id\":\"" CALL "\"}",
     NULL},
    {"another that begins so",
     "\"resource\":\"communications/callRecordings/" CALL "\"", NULL},
    {"another that goes on",
     "\"resource\":\"communications/callRecordsX/" CALL "\"", NULL},
    {"another that ends so", "\"resource\":\"x/" RESOURCE "\"", NULL},
    {"an empty resource", "\"resource\":\"\"", NULL},
};

TEST_EACH(call_ids, call_cases, c)
{
    struct reading reading;

    read_item(&reading, c->members, NULL);
    assert_guid(&reading, COPY_ROW_CALL_ID, c->call_id);
    item_list_free(&reading.list);
}
