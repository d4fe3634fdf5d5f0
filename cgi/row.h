/*
 * Rows of callhook_store.notifications in the form of COPY ... (FORMAT
 * binary): a 16-bit count of fields, then a 32-bit length (-1: null) and the
 * bytes of each. The same bytes go into COPY, into the parameters of INSERT
 * and into the spool.
 */
#ifndef CALLHOOK_ROW_H
#define CALLHOOK_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "guid.h"

/* The columns in their order; ROW_COLUMNS names them for SQL. */
enum row_column {
    ROW_NOTIFICATION_ID,
    ROW_RECEIVED_AT,
    ROW_TENANT_ID, /* never null, so that it can be set in place */
    ROW_SUBSCRIPTION_ID,
    ROW_CHANGE_TYPE,
    ROW_LIFECYCLE_EVENT,
    ROW_CALL_ID,
    ROW_RESOURCE,
    ROW_SUBSCRIPTION_EXPIRES_AT,
    ROW_FORWARDED_FOR,
    ROW_EXTRA,
    ROW_FIELDS
};

#define ROW_COLUMNS                                                            \
    "notification_id, received_at, tenant_id, subscription_id, change_type, "  \
    "lifecycle_event, call_id, resource, subscription_expires_at, "            \
    "forwarded_for, extra"

/* Writers, to be called in the order of the columns. */
void row_begin(struct buffer *row);
void row_null(struct buffer *row);
void row_guid(struct buffer *row, const struct guid *guid);
void row_time(struct buffer *row, int64_t us_since_2000);
void row_text(struct buffer *row, const char *text, size_t length);
void row_jsonb(struct buffer *row, const void *json, size_t length);

/* The notification_id of a finished row. */
void row_get_id(const char *row, struct guid *id);

/* Sets the tenant of a finished row. */
void row_set_tenant(char *row, const struct guid *tenant);

/*
 * Points `values` and `lengths` (-1: null) at the fields of a row. False if
 * the bytes are no row: they came from a disk.
 */
bool row_fields(const char *row, size_t length,
                const char *values[static ROW_FIELDS],
                int lengths[static ROW_FIELDS]);

#endif
