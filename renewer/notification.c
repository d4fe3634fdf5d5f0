/* A change notification of a call, as Graph would send it. */
#include "notification.h"

#include <sysexits.h>
#include <yajl/yajl_gen.h>

#include "clock.h"
#include "datetime.h"
#include "log.h"
#include "memory.h"

#define NIL_GUID "00000000-0000-0000-0000-000000000000"
#define LIFE_SECONDS 3600

static void must(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        die(EX_SOFTWARE, "yajl: status %d", (int)status);
}

static void put(yajl_gen gen, const char *text)
{
    must(yajl_gen_string(gen, (const unsigned char *)text, strlen(text)));
}

static void put_member(yajl_gen gen, const char *key, const char *text)
{
    put(gen, key);
    put(gen, text);
}

static void put_resource_data(yajl_gen gen, const char *resource)
{
    put(gen, "resourceData");
    must(yajl_gen_map_open(gen));
    put_member(gen, "@odata.type", "#Microsoft.Graph.callRecord");
    put_member(gen, "@odata.id", resource);
    put_member(gen, "id", NIL_GUID);
    must(yajl_gen_map_close(gen));
}

/* Graph documentation: change notifications for callRecords. */
static void put_item(yajl_gen gen, const struct tenant *tenant,
                     const char *subscription_id, const char *client_state)
{
    static const char resource[] = "communications/callRecords/" NIL_GUID;
    const char *types = tenant->change_type;
    char *change_type = memory_copy_bytes(types, strcspn(types, ", "));
    char expires[DATETIME_SIZE];

    datetime_write(expires, clock_wall() + LIFE_SECONDS);
    must(yajl_gen_map_open(gen));
    put_member(gen, "subscriptionId", subscription_id);
    put_member(gen, "clientState", client_state);
    put_member(gen, "changeType", change_type);
    put_member(gen, "resource", resource);
    put_member(gen, "subscriptionExpirationDateTime", expires);
    put_resource_data(gen, resource);
    put_member(gen, "tenantId", tenant->tenant_id);
    must(yajl_gen_map_close(gen));
    free(change_type);
}

char *notification_make(const struct tenant *tenant,
                        const char *subscription_id, const char *client_state)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *bytes;
    size_t length;
    char *body;

    if (!gen)
        die(EX_OSERR, "out of memory");
    must(yajl_gen_map_open(gen));
    put(gen, "value");
    must(yajl_gen_array_open(gen));
    put_item(gen, tenant, subscription_id, client_state);
    must(yajl_gen_array_close(gen));
    must(yajl_gen_map_close(gen));
    must(yajl_gen_get_buf(gen, &bytes, &length));
    body = memory_copy_bytes((const char *)bytes, length);
    yajl_gen_free(gen);
    return body;
}
