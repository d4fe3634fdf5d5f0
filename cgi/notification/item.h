/* One notification, from the gate to the table. */
#ifndef CALLHOOK_ITEM_H
#define CALLHOOK_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/guid.h"

/* Why an item is not stored; ITEM_TRUSTED: it is. */
enum item_verdict {
    ITEM_UNJUDGED,
    ITEM_TRUSTED,
    ITEM_UNKNOWN,      /* names no subscription that we know */
    ITEM_WRONG_SECRET, /* or tenant */
    ITEM_MALFORMED,
    ITEM_VERDICTS
};

/* What an item is judged by, and where its row is. */
struct item {
    struct guid subscription_id;
    struct guid tenant_id;
    struct digest secret; /* of its clientState */
    bool has_subscription;
    bool has_tenant; /* a GUID */
    bool odd_tenant; /* given, but no GUID: matches no known tenant */
    bool has_secret;
    uint8_t verdict; /* enum item_verdict */
    uint32_t row_at; /* in the `rows` of its list */
    uint32_t row_length;
};

/* The items of one request, or of one spool file. */
struct item_list {
    struct item *items;
    size_t count;
    size_t room;
    struct buffer rows;            /* as copy_row.h describes */
    size_t refused[ITEM_VERDICTS]; /* left out, by reason */
};

/* Adds a copy; its row is already at the end of `rows`. */
void item_list_add(struct item_list *list, const struct item *item);

void item_list_free(struct item_list *list);

/* Whether any item is trusted, and so must be made durable. */
bool item_list_has_trusted(const struct item_list *list);

/* Bytes that the list holds, for the limit on what is in flight. */
size_t item_list_bytes(const struct item_list *list);

#endif
