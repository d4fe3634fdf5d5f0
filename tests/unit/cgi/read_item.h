/* One item, read through the gate, and the fields of its row. */
#ifndef CALLHOOK_READ_ITEM_H
#define CALLHOOK_READ_ITEM_H

#include "unit.h"

#include <stdio.h>

#include "notification/collection.h"
#include "notification/copy_row.h"

#define CALL "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER "11234567-89ab-cdef-0123-456789abcdef"
#define UPPER_CALL "01234567-89AB-CDEF-0123-456789ABCDEF"
#define RESOURCE "communications/callRecords/" CALL

static const struct settings nobody = {0};

/* The first item of a body, and its row's fields. */
struct reading {
    struct item_list list;
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];
};

/* Reads an item of the given members; a clientState is added to them. */
static inline void read_item(struct reading *reading, const char *members,
                             const char *forwarded_for)
{
    const struct arrival arrival = {.wall = INT64_C(1645557742123456),
                                    .forwarded_for = forwarded_for};
    char body[4096];
    int length = snprintf(body, sizeof(body),
                          "{\"value\":[{%s%s\"clientState\":\"s3cret\"}]}",
                          members, *members ? "," : "");

    assert_true(length > 0 && (size_t)length < sizeof(body));
    *reading = (struct reading){0};
    assert_null(collection_read(body, (size_t)length, &arrival, &nobody,
                                &reading->list));
    assert_int_equal(reading->list.count, 1);
    assert_true(copy_row_fields(
        reading->list.rows.data + reading->list.items[0].row_at,
        reading->list.items[0].row_length, reading->values, reading->lengths));
}

/* jsonb: a version byte, then the text. */
static inline void assert_extra(const struct reading *reading,
                                const char *expected)
{
    if (!expected) {
        assert_int_equal(reading->lengths[COPY_ROW_EXTRA], -1);
        return;
    }
    assert_int_equal(reading->lengths[COPY_ROW_EXTRA], strlen(expected) + 1);
    assert_int_equal(reading->values[COPY_ROW_EXTRA][0], 1);
    assert_memory_equal(reading->values[COPY_ROW_EXTRA] + 1, expected,
                        strlen(expected));
}

#endif
