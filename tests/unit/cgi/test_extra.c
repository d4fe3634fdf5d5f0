/* Members without a column, and texts that no column can hold. */
#include "read_item.h"

static const struct extra_case {
    const char *name;
    const char *members;
    const char *extra;
} extra_cases[] = {
    {"a string", "\"a\":\"b\"", "{\"a\":\"b\"}"},
    {"null", "\"a\":null", "{\"a\":null}"},
    {"true and false", "\"a\":true,\"b\":false", "{\"a\":true,\"b\":false}"},
    {"a number as it is written", "\"a\":-1.50E+3", "{\"a\":-1.50E+3}"},
    {"a large number", "\"a\":123456789012345678901234567890",
     "{\"a\":123456789012345678901234567890}"},
    {"a number too large", "\"a\":1e131072", "{\"a\":\"1e131072\"}"},
    {"a number too small", "\"a\":[1,{\"b\":1e-16384}]",
     "{\"a\":[1,{\"b\":\"1e-16384\"}]}"},
    {"empty ones", "\"a\":\"\",\"b\":{},\"c\":[],\"\":0",
     "{\"a\":\"\",\"b\":{},\"c\":[],\"\":0}"},
    {"nesting", "\"a\":{\"b\":[{\"c\":[[1,2],{}]},null]}",
     "{\"a\":{\"b\":[{\"c\":[[1,2],{}]},null]}}"},
    {"our names, deeper down",
     "\"a\":{\"tenantId\":1,\"resourceData\":{\"id\":2}},\"b\":3",
     "{\"a\":{\"tenantId\":1,\"resourceData\":{\"id\":2}},\"b\":3}"},
    {"our names in another case", "\"TenantId\":\"" CALL "\"",
     "{\"TenantId\":\"" CALL "\"}"},
    {"encrypted content",
     "\"encryptedContent\":{\"data\":\"AA==\",\"dataKey\":\"BB==\"}",
     "{\"encryptedContent\":{\"data\":\"AA==\",\"dataKey\":\"BB==\"}}"},
    {"a member of resourceData", "\"resourceData\":{\"a\":[1,{}]}",
     "{\"resourceData\":{\"a\":[1,{}]}}"},
    {"members here and there",
     "\"a\":1,\"resourceData\":{\"b\":2,\"c\":{\"d\":3}},\"e\":4",
     "{\"a\":1,\"e\":4,\"resourceData\":{\"b\":2,\"c\":{\"d\":3}}}"},
    {"an empty resourceData", "\"resourceData\":{}", NULL},
    {"our members as null",
     "\"subscriptionId\":null,\"tenantId\":null,\"changeType\":null,"
     "\"lifecycleEvent\":null,\"resource\":null,\"resourceData\":null,"
     "\"subscriptionExpirationDateTime\":null",
     NULL},
    {"those of resourceData as null",
     "\"resourceData\":{\"id\":null,\"@odata.id\":null,\"oDataId\":null,"
     "\"@odata.type\":null,\"oDataType\":null}",
     NULL},

    {"an id that is none", "\"subscriptionId\":\"{Subscription id}\"",
     "{\"subscriptionId\":\"{Subscription id}\"}"},
    {"an empty id", "\"subscriptionId\":\"\"", "{\"subscriptionId\":\"\"}"},
    {"a tenant that is none", "\"tenantId\":\"contoso.com\"",
     "{\"tenantId\":\"contoso.com\"}"},
    {"a date that is none", "\"subscriptionExpirationDateTime\":\"soon\"",
     "{\"subscriptionExpirationDateTime\":\"soon\"}"},
    {"a date in the year 10000",
     "\"subscriptionExpirationDateTime\":\"10000-01-01T00:00:00Z\"",
     "{\"subscriptionExpirationDateTime\":\"10000-01-01T00:00:00Z\"}"},
    {"an offset beyond 15:59",
     "\"subscriptionExpirationDateTime\":\"2030-01-01T00:00:00+16:00\"",
     "{\"subscriptionExpirationDateTime\":\"2030-01-01T00:00:00+16:00\"}"},
    {"numbers for strings",
     "\"subscriptionId\":1,\"tenantId\":2,\"changeType\":3,"
     "\"lifecycleEvent\":4,\"resource\":5,"
     "\"subscriptionExpirationDateTime\":6",
     "{\"subscriptionId\":1,\"tenantId\":2,\"changeType\":3,"
     "\"lifecycleEvent\":4,\"resource\":5,"
     "\"subscriptionExpirationDateTime\":6}"},
    {"objects and arrays for strings",
     "\"changeType\":[\"updated\"],\"resource\":{\"a\":[]},\"b\":1",
     "{\"changeType\":[\"updated\"],\"resource\":{\"a\":[]},\"b\":1}"},
    {"a string for resourceData", "\"resourceData\":\"x\"",
     "{\"resourceData\":\"x\"}"},
    {"an array for resourceData", "\"resourceData\":[{\"id\":\"1\"}],\"a\":1",
     "{\"resourceData\":[{\"id\":\"1\"}],\"a\":1}"},
    {"odd values in resourceData",
     "\"resourceData\":{\"id\":1,\"@odata.id\":[],\"oDataType\":{\"a\":1},"
     "\"oDataId\":false,\"@odata.type\":2.5}",
     "{\"resourceData\":{\"id\":1,\"@odata.id\":[],\"oDataType\":{\"a\":1},"
     "\"oDataId\":false,\"@odata.type\":2.5}}"},

    {"the usual type",
     "\"resourceData\":{\"@odata.type\":"
     "\"#Microsoft.Graph.callrecord\"}",
     NULL},
    {"the usual type, the other name",
     "\"resourceData\":{\"oDataType\":\"#microsoft.graph.callRecord\"}", NULL},
    {"another type",
     "\"resourceData\":{\"@odata.type\":\"#Microsoft.Graph.chatMessage\"}",
     "{\"resourceData\":{\"@odata.type\":\"#Microsoft.Graph.chatMessage\"}}"},
    {"another type, the other name", "\"resourceData\":{\"oDataType\":\"x\"}",
     "{\"resourceData\":{\"oDataType\":\"x\"}}"},
    {"the type on the item's own level",
     "\"@odata.type\":\"#microsoft.graph.callRecord\"",
     "{\"@odata.type\":\"#microsoft.graph.callRecord\"}"},
    {"a repeated resource",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"@odata.id\":\"" RESOURCE
     "\",\"oDataId\":\"/Communications/CallRecords/" UPPER_CALL "\"}",
     NULL},
    {"a repeated resource, before it",
     "\"resourceData\":{\"@odata.id\":\"" RESOURCE "\"},\"resource\":"
     "\"/" RESOURCE "\"",
     NULL},
    {"a repeated call id in @odata.id",
     "\"resource\":\"communications/"
     "callRecords\",\"resourceData\":{\"id\":\"" CALL
     "\",\"@odata.id\":\"/Communications/callRecords/" UPPER_CALL "\"}",
     NULL},
    {"another call's id in @odata.id",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"@odata.id\":"
     "\"communications/callRecords/" OTHER "\"}",
     "{\"resourceData\":{\"@odata.id\":\"communications/callRecords/" OTHER
     "\"}}"},
    {"the call's id in another @odata.id",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"oDataId\":\"chats/" CALL
     "\"}",
     "{\"resourceData\":{\"oDataId\":\"chats/" CALL "\"}}"},
    {"another resource",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"@odata.id\":\"x\","
     "\"oDataId\":\"y\"}",
     "{\"resourceData\":{\"@odata.id\":\"x\",\"oDataId\":\"y\"}}"},
    {"no resource to repeat",
     "\"resourceData\":{\"@odata.id\":\"" RESOURCE "\"}",
     "{\"resourceData\":{\"@odata.id\":\"" RESOURCE "\"}}"},
    {"a repeated call id",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":\"" UPPER_CALL "\""
     "}",
     NULL},
    {"an id that is no call id",
     "\"resource\":\"" RESOURCE "\",\"resourceData\":{\"id\":\"1\"}",
     "{\"resourceData\":{\"id\":\"1\"}}"},
    {"an id of something else",
     "\"resource\":\"chats/1\",\"resourceData\":{\"id\":\"" CALL "\"}",
     "{\"resourceData\":{\"id\":\"" CALL "\"}}"},

    {"a secret in another case", "\"ClientState\":\"hidden\",\"a\":1",
     "{\"a\":1}"},
    {"a secret in an object", "\"CLIENTSTATE\":{\"a\":[\"hidden\"]},\"b\":1",
     "{\"b\":1}"},
    {"a secret in resourceData",
     "\"resourceData\":{\"clientState\":\"hidden\",\"a\":[]}",
     "{\"resourceData\":{\"a\":[]}}"},
};

TEST_EACH(extras, extra_cases, c)
{
    struct reading reading;

    read_item(&reading, c->members, NULL);
    assert_extra(&reading, c->extra);
    item_list_free(&reading.list);
}

/* A clientState that is no string is no secret, and is not kept. */
TEST(odd_secrets)
{
    static const char *const values[] = {"null", "1", "true", "[\"s\"]",
                                         "{\"a\":[{}]}"};
    const struct arrival arrival = {0};
    struct guid open;
    const struct settings settings = {.open_subscriptions = &open,
                                      .open_subscriptions_count = 1};

    assert_true(guid_read(&open, CALL, strlen(CALL)));
    for (size_t i = 0; i < COUNT(values); i++) {
        struct reading r = {0};
        char body[256];
        int n = snprintf(body, sizeof(body),
                         "{\"value\":[{\"clientState\":%s,\"a\":1,"
                         "\"subscriptionId\":\"" CALL "\"}]}",
                         values[i]);

        assert_null(
            collection_read(body, (size_t)n, &arrival, &settings, &r.list));
        assert_int_equal(r.list.count, 1);
        assert_false(r.list.items[0].has_secret);
        assert_true(copy_row_fields(
            r.list.rows.data, r.list.items[0].row_length, r.values, r.lengths));
        assert_extra(&r, "{\"a\":1}");
        item_list_free(&r.list);
    }
}
