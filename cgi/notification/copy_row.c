/* Rows in the form of COPY ... (FORMAT binary). */
#include "notification/copy_row.h"

#include <endian.h>
#include <string.h>

/* The count, notification_id and received_at, and the tenant's own length. */
#define ID_AT (2 + 4)
#define TENANT_AT (2 + 4 + 16 + 4 + 8 + 4)
#define JSONB_VERSION 1

void copy_row_begin(struct buffer *row)
{
    buffer_add16(row, COPY_ROW_FIELDS);
}

void copy_row_null(struct buffer *row)
{
    buffer_add32(row, -1);
}

void copy_row_guid(struct buffer *row, const struct guid *guid)
{
    buffer_add32(row, sizeof(guid->bytes));
    buffer_add(row, guid->bytes, sizeof(guid->bytes));
}

void copy_row_time(struct buffer *row, int64_t us_since_2000)
{
    buffer_add32(row, sizeof(us_since_2000));
    buffer_add64(row, us_since_2000);
}

void copy_row_text(struct buffer *row, const char *text, size_t length)
{
    buffer_add32(row, (int32_t)length);
    buffer_add(row, text, length);
}

void copy_row_jsonb(struct buffer *row, const void *json, size_t length)
{
    char version = JSONB_VERSION;

    buffer_add32(row, (int32_t)(length + 1));
    buffer_add(row, &version, 1);
    buffer_add(row, json, length);
}

void copy_row_get_id(const char *row, struct guid *id)
{
    memcpy(id->bytes, row + ID_AT, sizeof(id->bytes));
}

void copy_row_set_tenant(char *row, const struct guid *tenant)
{
    memcpy(row + TENANT_AT, tenant->bytes, sizeof(tenant->bytes));
}

bool copy_row_fields(const char *row, size_t length,
                     const char *values[static COPY_ROW_FIELDS],
                     int lengths[static COPY_ROW_FIELDS])
{
    const char *end = row + length;
    uint16_t fields;

    if (length < sizeof(fields))
        return false;
    memcpy(&fields, row, sizeof(fields));
    if (be16toh(fields) != COPY_ROW_FIELDS)
        return false;
    row += sizeof(fields);
    for (int i = 0; i < COPY_ROW_FIELDS; i++) {
        uint32_t net;
        if ((size_t)(end - row) < sizeof(net))
            return false;
        memcpy(&net, row, sizeof(net));
        row += sizeof(net);
        lengths[i] = (int)be32toh(net);
        values[i] = lengths[i] < 0 ? NULL : row;
        if (lengths[i] < -1 || (lengths[i] > 0 && end - row < lengths[i]))
            return false;
        if (lengths[i] > 0)
            row += lengths[i];
    }
    return row == end &&
           lengths[COPY_ROW_TENANT_ID] == (int)sizeof(struct guid);
}
