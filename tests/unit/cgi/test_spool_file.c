/* The form of a spool file: what is written is read, or found damaged. */
#include "unit.h"

#include "base/digest.h"
#include "notification/copy_row.h"
#include "spool/spool_file.h"

enum { HEAD = 17, RECORD = 16 + 16 + 32 + 1 + 4, ROW = 86, DIGEST = 32 };
/* Where the second item of make_file begins. */
enum { SECOND = HEAD + RECORD + ROW };

static void make_row(struct buffer *row, char letter, size_t extra_length)
{
    struct guid guid;

    memset(&guid, letter, sizeof(guid));
    copy_row_begin(row);
    copy_row_guid(row, &guid);
    copy_row_time(row, 1);
    copy_row_guid(row, &GUID_NIL);
    for (int column = COPY_ROW_SUBSCRIPTION_ID; column < COPY_ROW_EXTRA;
         column++)
        copy_row_null(row);
    if (extra_length == 0)
        copy_row_null(row);
    else {
        buffer_add32(row, (int32_t)extra_length);
        for (size_t i = 0; i < extra_length; i++)
            buffer_add(row, &letter, 1);
    }
}

static struct item make_item(unsigned flags, uint8_t verdict)
{
    struct item item = {
        .has_subscription = flags & 1,
        .has_tenant = flags & 2,
        .odd_tenant = flags & 4,
        .has_secret = flags & 8,
        .verdict = verdict,
    };

    memset(&item.subscription_id, 'S', sizeof(item.subscription_id));
    memset(&item.tenant_id, 'T', sizeof(item.tenant_id));
    digest_make(&item.secret, "secret", 6);
    return item;
}

static void add(struct buffer *bytes, struct item item, char letter,
                size_t extra_length)
{
    struct buffer row = {0};

    make_row(&row, letter, extra_length);
    item.row_length = (uint32_t)row.length;
    spool_file_add(bytes, &item, row.data);
    buffer_free(&row);
}

/* A file with two items. */
static void make_file(struct buffer *bytes)
{
    spool_file_begin(bytes);
    add(bytes, make_item(15, ITEM_TRUSTED), 'a', 0);
    add(bytes, make_item(8, ITEM_UNJUDGED), 'b', 10);
    spool_file_end(bytes);
}

/* Puts the right digest behind what was changed. */
static void seal(struct buffer *bytes)
{
    bytes->length -= DIGEST;
    spool_file_end(bytes);
}

static void assert_damaged(const struct buffer *bytes)
{
    struct item_list list = {0};

    assert_non_null(spool_file_read(bytes, &list));
    item_list_free(&list);
}

TEST(an_empty_file)
{
    struct buffer bytes = {0};
    struct item_list list = {0};

    spool_file_begin(&bytes);
    spool_file_end(&bytes);
    assert_int_equal(bytes.length, HEAD + DIGEST);
    assert_null(spool_file_read(&bytes, &list));
    assert_int_equal(list.count, 0);
    buffer_free(&bytes);
}

TEST(what_is_written_is_read)
{
    struct buffer bytes = {0}, row = {0};
    struct item_list list = {0};

    spool_file_begin(&bytes);
    for (unsigned flags = 0; flags < 16; flags++)
        add(&bytes, make_item(flags, ITEM_UNJUDGED), (char)('a' + flags),
            100 * flags);
    spool_file_end(&bytes);
    assert_null(spool_file_read(&bytes, &list));
    assert_int_equal(list.count, 16);
    for (unsigned flags = 0; flags < 16; flags++) {
        const struct item *item = &list.items[flags];
        const struct item expected = make_item(flags, ITEM_UNJUDGED);

        assert_true(
            guid_equal(&item->subscription_id, &expected.subscription_id));
        assert_true(guid_equal(&item->tenant_id, &expected.tenant_id));
        assert_int_equal(digest_compare(&item->secret, &expected.secret), 0);
        assert_int_equal(item->has_subscription, (flags & 1) != 0);
        assert_int_equal(item->has_tenant, (flags & 2) != 0);
        assert_int_equal(item->odd_tenant, (flags & 4) != 0);
        assert_int_equal(item->has_secret, (flags & 8) != 0);
        row.length = 0;
        make_row(&row, (char)('a' + flags), 100 * flags);
        assert_int_equal(item->row_length, row.length);
        assert_memory_equal(list.rows.data + item->row_at, row.data,
                            row.length);
    }
    item_list_free(&list);
    buffer_free(&row);
    buffer_free(&bytes);
}

/* Only trust is written down: all else is judged again. */
TEST(verdicts)
{
    for (int verdict = 0; verdict < ITEM_VERDICTS; verdict++) {
        struct buffer bytes = {0};
        struct item_list list = {0};

        spool_file_begin(&bytes);
        add(&bytes, make_item(0, (uint8_t)verdict), 'a', 0);
        spool_file_end(&bytes);
        assert_null(spool_file_read(&bytes, &list));
        assert_int_equal(list.items[0].verdict, verdict == ITEM_TRUSTED
                                                    ? ITEM_TRUSTED
                                                    : ITEM_UNJUDGED);
        item_list_free(&list);
        buffer_free(&bytes);
    }
}

TEST(a_buffer_is_begun_anew)
{
    struct buffer once = {0}, twice = {0};

    make_file(&once);
    make_file(&twice);
    make_file(&twice);
    assert_int_equal(once.length, twice.length);
    assert_memory_equal(once.data, twice.data, once.length);
    buffer_free(&once);
    buffer_free(&twice);
}

TEST(it_names_itself)
{
    struct buffer bytes = {0};

    make_file(&bytes);
    assert_memory_equal(bytes.data, "callhook spool 1\n", HEAD);
    bytes.data[HEAD - 2] = '2'; /* another version, with a right digest */
    seal(&bytes);
    assert_damaged(&bytes);
    buffer_free(&bytes);
}

TEST(no_clear_secret_is_in_it)
{
    struct buffer bytes = {0};

    make_file(&bytes);
    assert_null(memmem(bytes.data, bytes.length, "secret", 6));
    buffer_free(&bytes);
}

TEST(every_cut_is_found)
{
    struct buffer bytes = {0};

    make_file(&bytes);
    while (bytes.length-- > 0)
        assert_damaged(&bytes);
    buffer_free(&bytes);
}

/* Between two items a file may end, if its digest says so. */
TEST(every_cut_item_is_found)
{
    struct buffer bytes = {0}, cut = {0};

    make_file(&bytes);
    size_t end = bytes.length - DIGEST;
    for (size_t length = HEAD; length <= end; length++) {
        bool whole = length == HEAD || length == SECOND || length == end;
        struct item_list list = {0};

        cut.length = 0;
        buffer_add(&cut, bytes.data, length);
        spool_file_end(&cut);
        assert_int_equal(spool_file_read(&cut, &list) == NULL, whole);
        item_list_free(&list);
    }
    buffer_free(&cut);
    buffer_free(&bytes);
}

TEST(more_behind_it_is_found)
{
    struct buffer bytes = {0};

    make_file(&bytes);
    buffer_add(&bytes, "\n", 1);
    assert_damaged(&bytes);
    buffer_free(&bytes);
}

TEST(every_changed_byte_is_found)
{
    struct buffer bytes = {0};

    make_file(&bytes);
    for (size_t i = 0; i < bytes.length; i++) {
        bytes.data[i] ^= 0x10;
        assert_damaged(&bytes);
        bytes.data[i] ^= 0x10;
    }
    buffer_free(&bytes);
}

/* Bytes of the second item that say lengths; its digest is a right one. */
static const struct lie_case {
    const char *name;
    size_t at; /* from the item's beginning */
    const char *bytes;
    size_t length;
} lie_cases[] = {
    {"the row is longer", RECORD - 4, "\0\0\0\x61", 4},
    {"the row is shorter", RECORD - 4, "\0\0\0\x5f", 4},
    {"the row is empty", RECORD - 4, "\0\0\0\0", 4},
    {"the row is endless", RECORD - 4, "\xff\xff\xff\xff", 4},
    {"fewer fields", RECORD, "\0\x0a", 2},
    {"more fields", RECORD, "\0\x0c", 2},
    {"a field is longer", RECORD + 2, "\0\0\0\x11", 4},
    {"a field is endless", RECORD + 2, "\x7f\xff\xff\xff", 4},
    {"a field's length is negative", RECORD + 2, "\xff\xff\xff\xfe", 4},
    {"a null has another sign", RECORD + 54, "\xff\xff\xff\xfe", 4},
};

TEST_EACH(lies, lie_cases, c)
{
    struct buffer bytes = {0};

    make_file(&bytes);
    memcpy(bytes.data + SECOND + c->at, c->bytes, c->length);
    seal(&bytes);
    assert_damaged(&bytes);
    buffer_free(&bytes);
}

/* A row in form, with a tenant of this length and bytes behind its end. */
static void try_row(size_t tenant_length, size_t behind)
{
    struct buffer bytes = {0}, row = {0};
    struct item item = make_item(0, ITEM_TRUSTED);

    copy_row_begin(&row);
    for (int column = 0; column < COPY_ROW_FIELDS; column++)
        if (column == COPY_ROW_TENANT_ID && tenant_length)
            copy_row_text(&row, "0123456789abcdefgh", tenant_length);
        else
            copy_row_null(&row);
    buffer_add(&row, "0123456789", behind);
    item.row_length = (uint32_t)row.length;
    spool_file_begin(&bytes);
    spool_file_add(&bytes, &item, row.data);
    spool_file_end(&bytes);
    if (tenant_length == 16 && behind == 0) {
        struct item_list list = {0};

        assert_null(spool_file_read(&bytes, &list));
        item_list_free(&list);
    } else {
        assert_damaged(&bytes);
    }
    buffer_free(&bytes);
    buffer_free(&row);
}

/* The tenant is set in place, so it must be there in full. */
TEST(rows_that_are_none)
{
    try_row(16, 0); /* the one that is a row */
    try_row(0, 0);
    try_row(15, 0);
    try_row(17, 0);
    try_row(16, 1);
    try_row(16, 4);
}
