/*
 * Spool files that are damaged. An input is a byte, and the file: where the
 * byte is odd, the digest at its end is set right, so that what is before it
 * gets read. The same bytes are read as a row, too.
 */
#include "fuzz.h"

#include <string.h>

#include "notification/copy_row.h"
#include "spool/spool_file.h"

static void set_digest_right(struct buffer *file)
{
    struct digest digest;

    if (file->length < sizeof(digest))
        return;
    file->length -= sizeof(digest);
    digest_make(&digest, file->data, file->length);
    buffer_add(file, &digest, sizeof(digest));
}

static bool check_row(const char *row, size_t length)
{
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];

    if (!copy_row_fields(row, length, values, lengths))
        return false;
    REQUIRE(lengths[COPY_ROW_TENANT_ID] == sizeof(struct guid));
    for (int i = 0; i < COPY_ROW_FIELDS; i++) {
        REQUIRE(lengths[i] >= -1 && (lengths[i] == -1) == !values[i]);
        REQUIRE(!values[i] ||
                (values[i] > row && values[i] + lengths[i] <= row + length));
    }
    return true;
}

static void check_items(const struct item_list *list)
{
    size_t at = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        REQUIRE(item->row_at == at);
        REQUIRE(check_row(list->rows.data + at, item->row_length));
        REQUIRE(item->verdict == ITEM_TRUSTED ||
                item->verdict == ITEM_UNJUDGED);
        at += item->row_length;
    }
    REQUIRE(at == list->rows.length);
}

static void check_same(const struct item *a, const struct item *b)
{
    REQUIRE(guid_equal(&a->subscription_id, &b->subscription_id));
    REQUIRE(guid_equal(&a->tenant_id, &b->tenant_id));
    REQUIRE(digest_compare(&a->secret, &b->secret) == 0);
    REQUIRE(a->has_subscription == b->has_subscription);
    REQUIRE(a->has_tenant == b->has_tenant);
    REQUIRE(a->odd_tenant == b->odd_tenant);
    REQUIRE(a->has_secret == b->has_secret);
    REQUIRE(a->verdict == b->verdict);
    REQUIRE(a->row_at == b->row_at);
    REQUIRE(a->row_length == b->row_length);
}

/* What was read, written again, must be read as the same. */
static void check_round_trip(const struct item_list *list)
{
    struct buffer file = {0};
    struct item_list again = {0};

    spool_file_begin(&file);
    for (size_t i = 0; i < list->count; i++)
        spool_file_add(&file, &list->items[i],
                       list->rows.data + list->items[i].row_at);
    spool_file_end(&file);
    REQUIRE(spool_file_read(&file, &again) == NULL);
    REQUIRE(again.count == list->count);
    REQUIRE(again.rows.length == list->rows.length);
    REQUIRE(list->count == 0 ||
            memcmp(again.rows.data, list->rows.data, list->rows.length) == 0);
    for (size_t i = 0; i < list->count; i++)
        check_same(&list->items[i], &again.items[i]);
    item_list_free(&again);
    buffer_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer file = {0};
    struct item_list list = {0};

    if (size < 2)
        return 0;
    check_row((const char *)data + 1, size - 1);
    file.limit = size - 1; /* not a byte more, for ASan to see */
    buffer_add(&file, data + 1, size - 1);
    if (data[0] & 1)
        set_digest_right(&file);
    const char *why = spool_file_read(&file, &list);
    REQUIRE(!why || *why);
    check_items(&list);
    if (!why)
        check_round_trip(&list);
    for (size_t i = 0; i < list.count; i++)
        copy_row_set_tenant(list.rows.data + list.items[i].row_at,
                            &list.items[i].subscription_id);
    item_list_free(&list);
    buffer_free(&file);
    return 0;
}
