/* The form of a spool file. */
#include "spool/spool_file.h"

#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "notification/copy_row.h"

/* Files of the version before may wait at an upgrade: a new head leaves the
 * readers of this one in. */
static const char head[] = "callhook spool 1\n";
#define HEAD_BYTES (sizeof(head) - 1)

static const char not_ours[] = "it is no spool file of this version";
static const char changed[] = "its digest does not match";

/* What stands before each row. */
struct record {
    uint8_t subscription_id[16];
    uint8_t tenant_id[16];
    uint8_t secret[32];
    uint8_t flags;
    uint8_t row_length[4]; /* network order */
};

enum {
    HAS_SUBSCRIPTION = 1,
    HAS_TENANT = 2,
    ODD_TENANT = 4,
    HAS_SECRET = 8,
    TRUSTED = 16,
};

void spool_file_begin(struct buffer *bytes)
{
    bytes->length = 0;
    buffer_add(bytes, head, HEAD_BYTES);
}

void spool_file_add(struct buffer *bytes, const struct item *item,
                    const char *row)
{
    struct record record = {0};
    uint32_t length = htobe32(item->row_length);

    memcpy(record.subscription_id, &item->subscription_id, 16);
    memcpy(record.tenant_id, &item->tenant_id, 16);
    memcpy(record.secret, &item->secret, 32);
    memcpy(record.row_length, &length, 4);
    record.flags = (uint8_t)((item->has_subscription ? HAS_SUBSCRIPTION : 0) |
                             (item->has_tenant ? HAS_TENANT : 0) |
                             (item->odd_tenant ? ODD_TENANT : 0) |
                             (item->has_secret ? HAS_SECRET : 0) |
                             (item->verdict == ITEM_TRUSTED ? TRUSTED : 0));
    buffer_add(bytes, &record, sizeof(record));
    buffer_add(bytes, row, item->row_length);
}

void spool_file_end(struct buffer *bytes)
{
    struct digest digest;

    digest_make(&digest, bytes->data, bytes->length);
    buffer_add(bytes, &digest, sizeof(digest));
}

static void read_record(const struct record *record, struct item *item)
{
    uint32_t length;

    *item = (struct item){
        .has_subscription = record->flags & HAS_SUBSCRIPTION,
        .has_tenant = record->flags & HAS_TENANT,
        .odd_tenant = record->flags & ODD_TENANT,
        .has_secret = record->flags & HAS_SECRET,
        .verdict = record->flags & TRUSTED ? ITEM_TRUSTED : ITEM_UNJUDGED,
    };
    memcpy(&item->subscription_id, record->subscription_id, 16);
    memcpy(&item->tenant_id, record->tenant_id, 16);
    memcpy(&item->secret, record->secret, 32);
    memcpy(&length, record->row_length, 4);
    item->row_length = be32toh(length);
}

const char *spool_file_check(int fd, uint64_t length)
{
    char begin[HEAD_BYTES];
    struct digest there, made;
    uint64_t end = length - sizeof(there);

    if (length < HEAD_BYTES + sizeof(there) ||
        pread(fd, begin, sizeof(begin), 0) != (ssize_t)sizeof(begin) ||
        memcmp(begin, head, sizeof(begin)) != 0)
        return not_ours;
    if (length > SPOOL_FILE_MOST)
        return "it is longer than any that is written";
    if (pread(fd, &there, sizeof(there), (off_t)end) !=
            (ssize_t)sizeof(there) ||
        !digest_read(&made, fd, end) || digest_compare(&there, &made) != 0)
        return changed;
    return NULL;
}

const char *spool_file_read(const struct buffer *bytes, struct item_list *list)
{
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];
    struct digest digest;
    struct record record;
    struct item item;

    if (bytes->length < HEAD_BYTES + sizeof(digest) ||
        memcmp(bytes->data, head, HEAD_BYTES) != 0)
        return not_ours;
    size_t end = bytes->length - sizeof(digest);
    digest_make(&digest, bytes->data, end);
    if (memcmp(&digest, bytes->data + end, sizeof(digest)) != 0)
        return changed;
    for (size_t at = HEAD_BYTES; at < end; at += item.row_length) {
        if (end - at < sizeof(record))
            return "a record is cut";
        memcpy(&record, bytes->data + at, sizeof(record));
        read_record(&record, &item);
        at += sizeof(record);
        if (item.row_length > end - at ||
            !copy_row_fields(bytes->data + at, item.row_length, values,
                             lengths))
            return "a row is damaged";
        item.row_at = (uint32_t)list->rows.length;
        buffer_add(&list->rows, bytes->data + at, item.row_length);
        item_list_add(list, &item);
    }
    return NULL;
}
