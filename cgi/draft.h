/* One changeNotification while its JSON is being read. */
#ifndef CALLHOOK_DRAFT_H
#define CALLHOOK_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "extra.h"
#include "item.h"

/* The item's object is level 1. */
#define DRAFT_LEVELS_MAX 16

/* The members that are read (graph-facts: changeNotification). */
enum draft_member {
    DRAFT_SUBSCRIPTION_ID,
    DRAFT_EXPIRES,
    DRAFT_TENANT_ID,
    DRAFT_CLIENT_STATE,
    DRAFT_CHANGE_TYPE,
    DRAFT_LIFECYCLE_EVENT,
    DRAFT_RESOURCE,
    DRAFT_RESOURCE_DATA,
    DRAFT_DATA_ID,
    DRAFT_DATA_ODATA_ID,
    DRAFT_DATA_OID,
    DRAFT_DATA_ODATA_TYPE,
    DRAFT_DATA_OTYPE,
    DRAFT_MEMBERS,
    DRAFT_NO_MEMBER = DRAFT_MEMBERS
};

/* A string of the item; NULL if it is absent, null or no string. */
struct draft_text {
    const char *text;
    size_t length;
};

struct draft {
    bool malformed; /* refused whatever follows */
    unsigned level; /* objects and arrays that are open */
    bool given[DRAFT_MEMBERS];
    struct draft_text texts[DRAFT_MEMBERS];
    enum draft_member expected; /* the member that the next value is for */
    bool in_resource_data;
    unsigned copying;  /* level on which a member without a column began */
    unsigned skipping; /* the same for one that must not be kept */
    struct draft_text hashed; /* the last clientState, of an earlier item */
    struct digest digest;     /* and its digest: they are mostly the same */
    struct extra item_extra;
    struct extra data_extra; /* of resourceData */
};

/* What is known of a request besides its body. */
struct arrival {
    int64_t wall;              /* clock_wall() when it was read */
    const char *forwarded_for; /* sound UTF-8, or NULL */
};

/* Begins a new item, its opening brace read. */
void draft_begin(struct draft *draft);

/*
 * Takes what stands between the item's braces. Strings must stay where they
 * are as long as the draft is in use, for later items, too.
 */
void draft_event(struct draft *draft, enum json_event event, const char *text,
                 size_t length);

/* Reads what the item is judged by. */
void draft_identify(struct draft *draft, struct item *item);

/*
 * Adds the row of a sound draft to `rows`, and its place to `item`, which
 * draft_identify has filled. `index` is the item's place in its request.
 */
void draft_finish(struct draft *draft, const struct arrival *arrival,
                  uint16_t index, struct item *item, struct buffer *rows);

void draft_free(struct draft *draft);

#endif
