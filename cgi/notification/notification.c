/* One changeNotification while its JSON is being read. */
#include "notification/notification.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "notification/copy_row.h"

static const struct {
    const char *name;
    bool in_resource_data;
} members[NOTIFICATION_MEMBERS] = {
    [NOTIFICATION_SUBSCRIPTION_ID] = {"subscriptionId", false},
    [NOTIFICATION_EXPIRES] = {"subscriptionExpirationDateTime", false},
    [NOTIFICATION_TENANT_ID] = {"tenantId", false},
    [NOTIFICATION_CLIENT_STATE] = {"clientState", false},
    [NOTIFICATION_CHANGE_TYPE] = {"changeType", false},
    [NOTIFICATION_LIFECYCLE_EVENT] = {"lifecycleEvent", false},
    [NOTIFICATION_RESOURCE] = {"resource", false},
    [NOTIFICATION_RESOURCE_DATA] = {"resourceData", false},
    [NOTIFICATION_DATA_ID] = {"id", true},
    [NOTIFICATION_DATA_ODATA_ID] = {"@odata.id", true},
    [NOTIFICATION_DATA_OID] = {"oDataId", true},
    [NOTIFICATION_DATA_ODATA_TYPE] = {"@odata.type", true},
    [NOTIFICATION_DATA_OTYPE] = {"oDataType", true},
};

static bool same(const char *text, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

static bool same_but_case(const char *text, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(text, name, length) == 0;
}

/* The extra that a member without a column of the current level goes to. */
static struct extra *extra_of(struct notification *notification,
                              bool in_resource_data)
{
    return in_resource_data ? &notification->data_extra
                            : &notification->item_extra;
}

void notification_begin(struct notification *notification)
{
    extra_clear(&notification->item_extra);
    extra_clear(&notification->data_extra);
    *notification = (struct notification){
        .level = 1,
        .expected = NOTIFICATION_NO_MEMBER,
        .hashed = notification->hashed,
        .digest = notification->digest,
        .item_extra = notification->item_extra,
        .data_extra = notification->data_extra,
    };
}

static void take_key(struct notification *notification, const char *key,
                     size_t length)
{
    bool in_data = notification->in_resource_data;

    notification->expected = NOTIFICATION_NO_MEMBER;
    for (int m = 0; m < NOTIFICATION_MEMBERS; m++) {
        if (members[m].in_resource_data != in_data ||
            !same(key, length, members[m].name))
            continue;
        /* jsonb keeps the last of two, yajl gives both: trust neither. */
        if (notification->given[m])
            notification->malformed = true;
        notification->given[m] = true;
        notification->expected = (enum notification_member)m;
        return;
    }
    /* A secret is not kept, however it is spelled. */
    if (same_but_case(key, length, "clientState")) {
        notification->skipping = notification->level;
        return;
    }
    extra_add(extra_of(notification, in_data), JSON_KEY, key, length);
    notification->copying = notification->level;
}

/* A value that is for a member of ours, but has not the type of its column. */
static void take_odd_value(struct notification *notification,
                           enum notification_member member)
{
    const char *name = members[member].name;

    if (member == NOTIFICATION_CLIENT_STATE) {
        notification->skipping = notification->level;
        return;
    }
    notification->odd_tenant |= member == NOTIFICATION_TENANT_ID;
    extra_add(extra_of(notification, notification->in_resource_data), JSON_KEY,
              name, strlen(name));
    notification->copying = notification->level;
}

/* Takes the first event of a value; true if it is dealt with. */
static bool take_member(struct notification *notification,
                        enum json_event event, const char *text, size_t length)
{
    enum notification_member member = notification->expected;

    if (member == NOTIFICATION_NO_MEMBER)
        return false;
    notification->expected = NOTIFICATION_NO_MEMBER;
    if (event == JSON_NULL)
        return true;
    if (event == JSON_MAP && member == NOTIFICATION_RESOURCE_DATA) {
        notification->in_resource_data = true;
        notification->level++;
        return true;
    }
    if (event == JSON_STRING && member != NOTIFICATION_RESOURCE_DATA) {
        notification->texts[member] = (struct notification_text){text, length};
        return true;
    }
    take_odd_value(notification, member);
    return false;
}

static bool ends_value(const struct notification *notification,
                       enum json_event event, unsigned began)
{
    return notification->level == began && event != JSON_KEY &&
           event != JSON_MAP && event != JSON_ARRAY;
}

void notification_event(struct notification *notification,
                        enum json_event event, const char *text, size_t length)
{
    if (notification->malformed)
        return;
    if (!notification->copying && !notification->skipping) {
        if (event == JSON_KEY) {
            take_key(notification, text, length);
            return;
        }
        if (event == JSON_END_MAP) { /* of resourceData */
            notification->in_resource_data = false;
            notification->level--;
            return;
        }
        if (take_member(notification, event, text, length))
            return;
    }
    if (notification->copying && !notification->skipping && event == JSON_KEY &&
        same_but_case(text, length, "clientState")) {
        notification->skipping = notification->level;
        return;
    }
    if (event == JSON_MAP || event == JSON_ARRAY) {
        if (++notification->level > NOTIFICATION_LEVELS_MAX) {
            notification->malformed = true;
            return;
        }
    } else if (event == JSON_END_MAP || event == JSON_END_ARRAY) {
        notification->level--;
    }
    if (notification->skipping) {
        if (ends_value(notification, event, notification->skipping))
            notification->skipping = 0;
    } else {
        extra_add(extra_of(notification, notification->in_resource_data), event,
                  text, length);
        if (ends_value(notification, event, notification->copying))
            notification->copying = 0;
    }
}

static bool is_given(const struct notification_text *text)
{
    return text->text != NULL;
}

static bool same_text(const struct notification_text *a,
                      const struct notification_text *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool read_guid(const struct notification_text *text, struct guid *guid)
{
    return is_given(text) && guid_read(guid, text->text, text->length);
}

void notification_identify(struct notification *notification, struct item *item)
{
    const struct notification_text *tenant =
        &notification->texts[NOTIFICATION_TENANT_ID];
    const struct notification_text *secret =
        &notification->texts[NOTIFICATION_CLIENT_STATE];

    *item = (struct item){.verdict = ITEM_UNJUDGED};
    item->has_subscription =
        read_guid(&notification->texts[NOTIFICATION_SUBSCRIPTION_ID],
                  &item->subscription_id);
    item->has_tenant = read_guid(tenant, &item->tenant_id);
    item->odd_tenant =
        notification->odd_tenant || (!item->has_tenant && is_given(tenant));
    item->has_secret = is_given(secret);
    if (!item->has_secret)
        return;
    if (!is_given(&notification->hashed) ||
        !same_text(&notification->hashed, secret)) {
        digest_make(&notification->digest, secret->text, secret->length);
        notification->hashed = *secret;
    }
    item->secret = notification->digest;
}

/* Without the leading slash, which Graph echoes as the subscriber sent it. */
static struct notification_text without_slash(struct notification_text path)
{
    if (path.length && path.text[0] == '/')
        return (struct notification_text){path.text + 1, path.length - 1};
    return path;
}

/* Without a query, and without the slash that some put at the end. */
static struct notification_text without_end(struct notification_text path)
{
    const char *query = memchr(path.text, '?', path.length);

    if (query)
        path.length = (size_t)(query - path.text);
    if (path.length && path.text[path.length - 1] == '/')
        path.length--;
    return path;
}

/* What stands behind host and version of an absolute URL; else the path. */
static struct notification_text below_version(struct notification_text path)
{
    const char *end = path.text + path.length;
    const char *at = memmem(path.text, path.length, "://", 3);

    if (!at)
        return without_slash(path);
    at += 3;
    for (int slashes = 0; at < end && slashes < 2; at++)
        slashes += *at == '/';
    return (struct notification_text){at, (size_t)(end - at)};
}

static bool is_call_record(const struct notification_text *resource)
{
    static const char collection[] = "communications/callRecords";
    size_t n = sizeof(collection) - 1;
    struct notification_text path = below_version(without_end(*resource));

    return path.length >= n && strncasecmp(path.text, collection, n) == 0 &&
           (path.length == n || path.text[n] == '/' || path.text[n] == '(');
}

/* The last part of a path, or the key in brackets at its end. */
static struct notification_text last_part(const struct notification_text *path)
{
    struct notification_text whole = without_end(*path);
    const char *end = whole.text + whole.length;
    const char *start = end;
    const char *key;

    while (start > whole.text && start[-1] != '/')
        start--;
    key = memmem(start, (size_t)(end - start), "('", 2);
    if (key && end - key >= 4 && end[-1] == ')' && end[-2] == '\'') {
        start = key + 2;
        end -= 2;
    }
    return (struct notification_text){start, (size_t)(end - start)};
}

/* The first of resourceData.id and the resource's last part that is a GUID. */
static bool read_call_id(const struct notification *notification,
                         struct guid *call_id)
{
    const struct notification_text *resource =
        &notification->texts[NOTIFICATION_RESOURCE];

    if (!is_given(resource) || !is_call_record(resource))
        return false;
    struct notification_text last = last_part(resource);
    return read_guid(&notification->texts[NOTIFICATION_DATA_ID], call_id) ||
           read_guid(&last, call_id);
}

/* Keeps the text of a member whose column cannot hold it, or has none. */
static void keep_text(struct notification *notification,
                      enum notification_member member)
{
    struct extra *extra =
        extra_of(notification, members[member].in_resource_data);
    const char *name = members[member].name;
    const struct notification_text *text = &notification->texts[member];

    if (!is_given(text))
        return;
    extra_add(extra, JSON_KEY, name, strlen(name));
    extra_add(extra, JSON_STRING, text->text, text->length);
}

/* Whether an @odata.id says no more than the resource or the call id does. */
static bool repeats_columns(const struct notification *notification,
                            enum notification_member member,
                            const struct guid *call_id)
{
    const struct notification_text *text = &notification->texts[member];
    struct notification_text resource =
        notification->texts[NOTIFICATION_RESOURCE];
    struct guid id;

    if (!is_given(text))
        return true;
    struct notification_text last = last_part(text);
    if (call_id && is_call_record(text) && read_guid(&last, &id) &&
        guid_equal(&id, call_id))
        return true;
    if (!is_given(&resource))
        return false;
    struct notification_text path = without_slash(*text);
    resource = without_slash(resource);
    return path.length == resource.length &&
           strncasecmp(path.text, resource.text, path.length) == 0;
}

/* Keeps what resourceData says beyond the columns. */
static void keep_resource_data(struct notification *notification,
                               const struct guid *call_id)
{
    static const char usual_type[] = "#microsoft.graph.callRecord";
    struct guid id;

    if (!call_id ||
        !read_guid(&notification->texts[NOTIFICATION_DATA_ID], &id) ||
        !guid_equal(&id, call_id))
        keep_text(notification, NOTIFICATION_DATA_ID);
    for (int m = NOTIFICATION_DATA_ODATA_ID; m <= NOTIFICATION_DATA_OID; m++)
        if (!repeats_columns(notification, (enum notification_member)m,
                             call_id))
            keep_text(notification, (enum notification_member)m);
    for (int m = NOTIFICATION_DATA_ODATA_TYPE; m <= NOTIFICATION_DATA_OTYPE;
         m++)
        if (!is_given(&notification->texts[m]) ||
            !same_but_case(notification->texts[m].text,
                           notification->texts[m].length, usual_type))
            keep_text(notification, (enum notification_member)m);
}

static void add_text(struct buffer *row, const struct notification_text *text)
{
    if (is_given(text))
        copy_row_text(row, text->text, text->length);
    else
        copy_row_null(row);
}

static void add_guid(struct buffer *row, const struct guid *guid)
{
    if (guid)
        copy_row_guid(row, guid);
    else
        copy_row_null(row);
}

void notification_finish(struct notification *notification,
                         const struct arrival *arrival, uint16_t index,
                         struct item *item, struct buffer *rows)
{
    const struct notification_text *expires =
        &notification->texts[NOTIFICATION_EXPIRES];
    struct guid id, call_id;
    int64_t expires_at = 0;
    size_t extra_length;

    bool has_call_id = read_call_id(notification, &call_id);
    bool has_expiry =
        is_given(expires) &&
        datetime_read(&expires_at, expires->text, expires->length);
    if (!item->has_subscription)
        keep_text(notification, NOTIFICATION_SUBSCRIPTION_ID);
    if (!item->has_tenant)
        keep_text(notification, NOTIFICATION_TENANT_ID);
    if (!has_expiry)
        keep_text(notification, NOTIFICATION_EXPIRES);
    keep_resource_data(notification, has_call_id ? &call_id : NULL);
    extra_add_object(&notification->item_extra, "resourceData",
                     &notification->data_extra);

    guid_make(&id, arrival->wall, index);
    item->row_at = (uint32_t)rows->length;
    copy_row_begin(rows);
    copy_row_guid(rows, &id);
    copy_row_time(rows, arrival->wall - CLOCK_EPOCH_SHIFT * 1000000);
    copy_row_guid(rows, &item->tenant_id);
    add_guid(rows, item->has_subscription ? &item->subscription_id : NULL);
    add_text(rows, &notification->texts[NOTIFICATION_CHANGE_TYPE]);
    add_text(rows, &notification->texts[NOTIFICATION_LIFECYCLE_EVENT]);
    add_guid(rows, has_call_id ? &call_id : NULL);
    add_text(rows, &notification->texts[NOTIFICATION_RESOURCE]);
    if (has_expiry)
        copy_row_time(rows, expires_at);
    else
        copy_row_null(rows);
    add_text(rows,
             &(struct notification_text){
                 arrival->forwarded_for,
                 arrival->forwarded_for ? strlen(arrival->forwarded_for) : 0});
    const char *extra = extra_end(&notification->item_extra, &extra_length);
    if (extra)
        copy_row_jsonb(rows, extra, extra_length);
    else
        copy_row_null(rows);
    item->row_length = (uint32_t)rows->length - item->row_at;
}

void notification_free(struct notification *notification)
{
    extra_free(&notification->item_extra);
    extra_free(&notification->data_extra);
}
