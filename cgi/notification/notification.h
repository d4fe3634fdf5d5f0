/* One changeNotification while its JSON is being read. */
#ifndef CALLHOOK_NOTIFICATION_H
#define CALLHOOK_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "notification/extra.h"
#include "notification/item.h"

/* The item's object is level 1. */
#define NOTIFICATION_LEVELS_MAX 16

/* The members that are read (graph-facts: changeNotification). */
enum notification_member {
    NOTIFICATION_SUBSCRIPTION_ID,
    NOTIFICATION_EXPIRES,
    NOTIFICATION_TENANT_ID,
    NOTIFICATION_CLIENT_STATE,
    NOTIFICATION_CHANGE_TYPE,
    NOTIFICATION_LIFECYCLE_EVENT,
    NOTIFICATION_RESOURCE,
    NOTIFICATION_RESOURCE_DATA,
    NOTIFICATION_DATA_ID,
    NOTIFICATION_DATA_ODATA_ID,
    NOTIFICATION_DATA_OID,
    NOTIFICATION_DATA_ODATA_TYPE,
    NOTIFICATION_DATA_OTYPE,
    NOTIFICATION_MEMBERS,
    NOTIFICATION_NO_MEMBER = NOTIFICATION_MEMBERS
};

/* A string of the item; NULL if it is absent, null or no string. */
struct notification_text {
    const char *text;
    size_t length;
};

struct notification {
    bool malformed;  /* refused whatever follows */
    bool odd_tenant; /* tenantId is no text, nor null */
    unsigned level;  /* objects and arrays that are open */
    bool given[NOTIFICATION_MEMBERS];
    struct notification_text texts[NOTIFICATION_MEMBERS];
    enum notification_member
        expected; /* the member that the next value is for */
    bool in_resource_data;
    unsigned copying;  /* level on which a member without a column began */
    unsigned skipping; /* the same for one that must not be kept */
    struct notification_text
        hashed;           /* the last clientState, of an earlier item */
    struct digest digest; /* and its digest: they are mostly the same */
    struct extra item_extra;
    struct extra data_extra; /* of resourceData */
};

/* What is known of a request besides its body. */
struct arrival {
    int64_t wall;              /* clock_wall() when it was read */
    const char *forwarded_for; /* sound UTF-8, or NULL */
};

/* Begins a new item, its opening brace read. */
void notification_begin(struct notification *notification);

/*
 * Takes what stands between the item's braces. Strings must stay where they
 * are as long as the notification is in use, for later items, too.
 */
void notification_event(struct notification *notification,
                        enum json_event event, const char *text, size_t length);

/* Reads what the item is judged by. */
void notification_identify(struct notification *notification,
                           struct item *item);

/*
 * Adds the row of a sound notification to `rows`, and its place to `item`,
 * which notification_identify has filled. `index` is the item's place in its
 * request.
 */
void notification_finish(struct notification *notification,
                         const struct arrival *arrival, uint16_t index,
                         struct item *item, struct buffer *rows);

void notification_free(struct notification *notification);

#endif
