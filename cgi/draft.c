/* One changeNotification while its JSON is being read. */
#include "draft.h"

#include <string.h>
#include <strings.h>

#include "clock.h"
#include "datetime.h"
#include "row.h"

static const struct {
    const char *name;
    bool in_resource_data;
} members[DRAFT_MEMBERS] = {
    [DRAFT_SUBSCRIPTION_ID] = {"subscriptionId", false},
    [DRAFT_EXPIRES] = {"subscriptionExpirationDateTime", false},
    [DRAFT_TENANT_ID] = {"tenantId", false},
    [DRAFT_CLIENT_STATE] = {"clientState", false},
    [DRAFT_CHANGE_TYPE] = {"changeType", false},
    [DRAFT_LIFECYCLE_EVENT] = {"lifecycleEvent", false},
    [DRAFT_RESOURCE] = {"resource", false},
    [DRAFT_RESOURCE_DATA] = {"resourceData", false},
    [DRAFT_DATA_ID] = {"id", true},
    [DRAFT_DATA_ODATA_ID] = {"@odata.id", true},
    [DRAFT_DATA_OID] = {"oDataId", true},
    [DRAFT_DATA_ODATA_TYPE] = {"@odata.type", true},
    [DRAFT_DATA_OTYPE] = {"oDataType", true},
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
static struct extra *extra_of(struct draft *draft, bool in_resource_data)
{
    return in_resource_data ? &draft->data_extra : &draft->item_extra;
}

void draft_begin(struct draft *draft)
{
    extra_clear(&draft->item_extra);
    extra_clear(&draft->data_extra);
    *draft = (struct draft){
        .level = 1,
        .expected = DRAFT_NO_MEMBER,
        .hashed = draft->hashed,
        .digest = draft->digest,
        .item_extra = draft->item_extra,
        .data_extra = draft->data_extra,
    };
}

static void take_key(struct draft *draft, const char *key, size_t length)
{
    bool in_data = draft->in_resource_data;

    draft->expected = DRAFT_NO_MEMBER;
    for (int m = 0; m < DRAFT_MEMBERS; m++) {
        if (members[m].in_resource_data != in_data ||
            !same(key, length, members[m].name))
            continue;
        /* jsonb keeps the last of two, yajl gives both: trust neither. */
        if (draft->given[m])
            draft->malformed = true;
        draft->given[m] = true;
        draft->expected = (enum draft_member)m;
        return;
    }
    /* A secret is not kept, however it is spelled. */
    if (same_but_case(key, length, "clientState")) {
        draft->skipping = draft->level;
        return;
    }
    extra_add(extra_of(draft, in_data), JSON_KEY, key, length);
    draft->copying = draft->level;
}

/* A value that is for a member of ours, but has not the type of its column. */
static void take_odd_value(struct draft *draft, enum draft_member member)
{
    const char *name = members[member].name;

    if (member == DRAFT_CLIENT_STATE) {
        draft->skipping = draft->level;
        return;
    }
    extra_add(extra_of(draft, draft->in_resource_data), JSON_KEY, name,
              strlen(name));
    draft->copying = draft->level;
}

/* Takes the first event of a value; true if it is dealt with. */
static bool take_member(struct draft *draft, enum json_event event,
                        const char *text, size_t length)
{
    enum draft_member member = draft->expected;

    if (member == DRAFT_NO_MEMBER)
        return false;
    draft->expected = DRAFT_NO_MEMBER;
    if (event == JSON_NULL)
        return true;
    if (event == JSON_MAP && member == DRAFT_RESOURCE_DATA) {
        draft->in_resource_data = true;
        draft->level++;
        return true;
    }
    if (event == JSON_STRING && member != DRAFT_RESOURCE_DATA) {
        draft->texts[member] = (struct draft_text){text, length};
        return true;
    }
    take_odd_value(draft, member);
    return false;
}

static bool ends_value(const struct draft *draft, enum json_event event,
                       unsigned began)
{
    return draft->level == began && event != JSON_KEY && event != JSON_MAP &&
           event != JSON_ARRAY;
}

void draft_event(struct draft *draft, enum json_event event, const char *text,
                 size_t length)
{
    if (draft->malformed)
        return;
    if (!draft->copying && !draft->skipping) {
        if (event == JSON_KEY) {
            take_key(draft, text, length);
            return;
        }
        if (event == JSON_END_MAP) { /* of resourceData */
            draft->in_resource_data = false;
            draft->level--;
            return;
        }
        if (take_member(draft, event, text, length))
            return;
    }
    if (draft->copying && !draft->skipping && event == JSON_KEY &&
        same_but_case(text, length, "clientState")) {
        draft->skipping = draft->level;
        return;
    }
    if (event == JSON_MAP || event == JSON_ARRAY) {
        if (++draft->level > DRAFT_LEVELS_MAX) {
            draft->malformed = true;
            return;
        }
    } else if (event == JSON_END_MAP || event == JSON_END_ARRAY) {
        draft->level--;
    }
    if (draft->skipping) {
        if (ends_value(draft, event, draft->skipping))
            draft->skipping = 0;
    } else {
        extra_add(extra_of(draft, draft->in_resource_data), event, text,
                  length);
        if (ends_value(draft, event, draft->copying))
            draft->copying = 0;
    }
}

static bool is_given(const struct draft_text *text)
{
    return text->text != NULL;
}

static bool same_text(const struct draft_text *a, const struct draft_text *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool read_guid(const struct draft_text *text, struct guid *guid)
{
    return is_given(text) && guid_read(guid, text->text, text->length);
}

void draft_identify(struct draft *draft, struct item *item)
{
    const struct draft_text *tenant = &draft->texts[DRAFT_TENANT_ID];
    const struct draft_text *secret = &draft->texts[DRAFT_CLIENT_STATE];

    *item = (struct item){.verdict = ITEM_UNJUDGED};
    item->has_subscription =
        read_guid(&draft->texts[DRAFT_SUBSCRIPTION_ID], &item->subscription_id);
    item->has_tenant = read_guid(tenant, &item->tenant_id);
    item->odd_tenant = !item->has_tenant && is_given(tenant);
    item->has_secret = is_given(secret);
    if (!item->has_secret)
        return;
    if (!is_given(&draft->hashed) || !same_text(&draft->hashed, secret)) {
        digest_make(&draft->digest, secret->text, secret->length);
        draft->hashed = *secret;
    }
    item->secret = draft->digest;
}

/* Without the leading slash, which Graph echoes as the subscriber sent it. */
static struct draft_text without_slash(struct draft_text path)
{
    if (path.length && path.text[0] == '/')
        return (struct draft_text){path.text + 1, path.length - 1};
    return path;
}

static bool is_call_record(const struct draft_text *resource)
{
    static const char collection[] = "communications/callRecords";
    size_t n = sizeof(collection) - 1;
    struct draft_text path = without_slash(*resource);

    return path.length >= n && strncasecmp(path.text, collection, n) == 0 &&
           (path.length == n || strchr("/?(", path.text[n]));
}

/* The last part of a path, without a query. */
static struct draft_text last_part(const struct draft_text *path)
{
    const char *query = memchr(path->text, '?', path->length);
    const char *end = query ? query : path->text + path->length;
    const char *start = end;

    while (start > path->text && start[-1] != '/')
        start--;
    return (struct draft_text){start, (size_t)(end - start)};
}

/* The first of resourceData.id and the resource's last part that is a GUID. */
static bool read_call_id(const struct draft *draft, struct guid *call_id)
{
    const struct draft_text *resource = &draft->texts[DRAFT_RESOURCE];

    if (!is_given(resource) || !is_call_record(resource))
        return false;
    struct draft_text last = last_part(resource);
    return read_guid(&draft->texts[DRAFT_DATA_ID], call_id) ||
           read_guid(&last, call_id);
}

/* Keeps the text of a member whose column cannot hold it, or has none. */
static void keep_text(struct draft *draft, enum draft_member member)
{
    struct extra *extra = extra_of(draft, members[member].in_resource_data);
    const char *name = members[member].name;
    const struct draft_text *text = &draft->texts[member];

    if (!is_given(text))
        return;
    extra_add(extra, JSON_KEY, name, strlen(name));
    extra_add(extra, JSON_STRING, text->text, text->length);
}

/* Whether an @odata.id says no more than the resource or the call id does. */
static bool repeats_columns(const struct draft *draft, enum draft_member member,
                            const struct guid *call_id)
{
    const struct draft_text *text = &draft->texts[member];
    struct draft_text resource = draft->texts[DRAFT_RESOURCE];
    struct guid id;

    if (!is_given(text))
        return true;
    struct draft_text last = last_part(text);
    if (call_id && is_call_record(text) && read_guid(&last, &id) &&
        guid_equal(&id, call_id))
        return true;
    if (!is_given(&resource))
        return false;
    struct draft_text path = without_slash(*text);
    resource = without_slash(resource);
    return path.length == resource.length &&
           strncasecmp(path.text, resource.text, path.length) == 0;
}

/* Keeps what resourceData says beyond the columns. */
static void keep_resource_data(struct draft *draft, const struct guid *call_id)
{
    static const char usual_type[] = "#microsoft.graph.callRecord";
    struct guid id;

    if (!call_id || !read_guid(&draft->texts[DRAFT_DATA_ID], &id) ||
        !guid_equal(&id, call_id))
        keep_text(draft, DRAFT_DATA_ID);
    for (int m = DRAFT_DATA_ODATA_ID; m <= DRAFT_DATA_OID; m++)
        if (!repeats_columns(draft, (enum draft_member)m, call_id))
            keep_text(draft, (enum draft_member)m);
    for (int m = DRAFT_DATA_ODATA_TYPE; m <= DRAFT_DATA_OTYPE; m++)
        if (!is_given(&draft->texts[m]) ||
            !same_but_case(draft->texts[m].text, draft->texts[m].length,
                           usual_type))
            keep_text(draft, (enum draft_member)m);
}

static void add_text(struct buffer *row, const struct draft_text *text)
{
    if (is_given(text))
        row_text(row, text->text, text->length);
    else
        row_null(row);
}

static void add_guid(struct buffer *row, const struct guid *guid)
{
    if (guid)
        row_guid(row, guid);
    else
        row_null(row);
}

void draft_finish(struct draft *draft, const struct arrival *arrival,
                  uint16_t index, struct item *item, struct buffer *rows)
{
    const struct draft_text *expires = &draft->texts[DRAFT_EXPIRES];
    struct guid id, call_id;
    int64_t expires_at = 0;
    size_t extra_length;

    bool has_call_id = read_call_id(draft, &call_id);
    bool has_expiry =
        is_given(expires) &&
        datetime_read(&expires_at, expires->text, expires->length);
    if (!item->has_subscription)
        keep_text(draft, DRAFT_SUBSCRIPTION_ID);
    if (!item->has_tenant)
        keep_text(draft, DRAFT_TENANT_ID);
    if (!has_expiry)
        keep_text(draft, DRAFT_EXPIRES);
    keep_resource_data(draft, has_call_id ? &call_id : NULL);
    extra_add_object(&draft->item_extra, "resourceData", &draft->data_extra);

    guid_make(&id, arrival->wall, index);
    item->row_at = (uint32_t)rows->length;
    row_begin(rows);
    row_guid(rows, &id);
    row_time(rows, arrival->wall - CLOCK_EPOCH_SHIFT * 1000000);
    row_guid(rows, &item->tenant_id);
    add_guid(rows, item->has_subscription ? &item->subscription_id : NULL);
    add_text(rows, &draft->texts[DRAFT_CHANGE_TYPE]);
    add_text(rows, &draft->texts[DRAFT_LIFECYCLE_EVENT]);
    add_guid(rows, has_call_id ? &call_id : NULL);
    add_text(rows, &draft->texts[DRAFT_RESOURCE]);
    if (has_expiry)
        row_time(rows, expires_at);
    else
        row_null(rows);
    add_text(rows, &(struct draft_text){arrival->forwarded_for,
                                        arrival->forwarded_for
                                            ? strlen(arrival->forwarded_for)
                                            : 0});
    const char *extra = extra_end(&draft->item_extra, &extra_length);
    if (extra)
        row_jsonb(rows, extra, extra_length);
    else
        row_null(rows);
    item->row_length = (uint32_t)rows->length - item->row_at;
}

void draft_free(struct draft *draft)
{
    extra_free(&draft->item_extra);
    extra_free(&draft->data_extra);
}
