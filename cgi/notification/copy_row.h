/*
 * Rows of callhook_store.notifications in the form of COPY ... (FORMAT
 * binary): a 16-bit count of fields, then a 32-bit length (-1: null) and the
 * bytes of each. The same bytes go into COPY, into the parameters of INSERT
 * and into the spool.
 */
#ifndef CALLHOOK_COPY_ROW_H
#define CALLHOOK_COPY_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/guid.h"

/* The columns in their order; COPY_ROW_COLUMNS names them for SQL. */
enum copy_row_column {
    COPY_ROW_NOTIFICATION_ID,
    COPY_ROW_RECEIVED_AT,
    COPY_ROW_TENANT_ID, /* never null, so that it can be set in place */
    COPY_ROW_SUBSCRIPTION_ID,
    COPY_ROW_CHANGE_TYPE,
    COPY_ROW_LIFECYCLE_EVENT,
    COPY_ROW_CALL_ID,
    COPY_ROW_RESOURCE,
    COPY_ROW_SUBSCRIPTION_EXPIRES_AT,
    COPY_ROW_FORWARDED_FOR,
    COPY_ROW_EXTRA,
    COPY_ROW_FIELDS
};

#define COPY_ROW_COLUMNS                                                       \
    "notification_id, received_at, tenant_id, subscription_id, change_type, "  \
    "lifecycle_event, call_id, resource, subscription_expires_at, "            \
    "forwarded_for, extra"

/* Writers, to be called in the order of the columns. */
void copy_row_begin(struct buffer *row);
void copy_row_null(struct buffer *row);
void copy_row_guid(struct buffer *row, const struct guid *guid);
void copy_row_time(struct buffer *row, int64_t us_since_2000);
void copy_row_text(struct buffer *row, const char *text, size_t length);
void copy_row_jsonb(struct buffer *row, const void *json, size_t length);

/* The notification_id of a finished row. */
void copy_row_get_id(const char *row, struct guid *id);

/* Sets the tenant of a finished row. */
void copy_row_set_tenant(char *row, const struct guid *tenant);

/*
 * Points `values` and `lengths` (-1: null) at the fields of a row. False if
 * the bytes are no row: they came from a disk.
 */
bool copy_row_fields(const char *row, size_t length,
                     const char *values[static COPY_ROW_FIELDS],
                     int lengths[static COPY_ROW_FIELDS]);

#endif
