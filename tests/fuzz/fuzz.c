/* What the fuzz targets share. */
#include "fuzz.h"

#include <endian.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/log.h"
#include "base/text.h"
#include "notification/copy_row.h"
#include "notification/notification.h"

#define US_A_SECOND INT64_C(1000000)
#define YEAR_1 (INT64_C(-63082281600) * US_A_SECOND)
#define YEAR_10000 (INT64_C(252455616000) * US_A_SECOND)

_Noreturn void __wrap_die(int status, const char *format, ...);

_Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
    abort();
}

/* The linker puts it in the place of die(), whose _exit() nobody would see. */
_Noreturn void __wrap_die(int status, const char *format, ...)
{
    fprintf(stderr, "died with status %d: %s\n", status, format);
    abort();
}

static int on_number(void *depth, const char *text, size_t length)
{
    (void)depth;
    REQUIRE(text_number_fits(text, length));
    return 1;
}

static int on_open(void *depth)
{
    REQUIRE(++*(unsigned *)depth <= NOTIFICATION_LEVELS_MAX);
    return 1;
}

static int on_close(void *depth)
{
    --*(unsigned *)depth;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_number = on_number,
    .yajl_start_map = on_open,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open,
    .yajl_end_array = on_close,
};

/* An object that jsonb can hold. */
static void check_json(const char *json, size_t length)
{
    unsigned depth = 0;
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, &depth);

    REQUIRE(length >= 2 && json[0] == '{' && json[length - 1] == '}');
    REQUIRE(text_is_utf8(json, length));
    REQUIRE(text_escapes_are_sound(json, length));
    REQUIRE(yajl_parse(yajl, (const unsigned char *)json, length) ==
            yajl_status_ok);
    REQUIRE(yajl_complete_parse(yajl) == yajl_status_ok);
    REQUIRE(depth == 0);
    yajl_free(yajl);
}

static void check_time(const char *value)
{
    uint64_t net;

    memcpy(&net, value, sizeof(net));
    int64_t us = (int64_t)be64toh(net);
    REQUIRE(us >= YEAR_1 && us < YEAR_10000);
}

static void check_field(enum copy_row_column column, const char *value,
                        int length)
{
    switch (column) {
    case COPY_ROW_NOTIFICATION_ID:
    case COPY_ROW_TENANT_ID:
        REQUIRE(length == 16);
        break;
    case COPY_ROW_SUBSCRIPTION_ID:
    case COPY_ROW_CALL_ID:
        REQUIRE(length == 16 || length == -1);
        break;
    case COPY_ROW_RECEIVED_AT:
        REQUIRE(length == 8);
        check_time(value);
        break;
    case COPY_ROW_SUBSCRIPTION_EXPIRES_AT:
        REQUIRE(length == 8 || length == -1);
        if (value)
            check_time(value);
        break;
    case COPY_ROW_CHANGE_TYPE:
    case COPY_ROW_LIFECYCLE_EVENT:
    case COPY_ROW_RESOURCE:
    case COPY_ROW_FORWARDED_FOR:
        REQUIRE(!value || text_is_utf8(value, (size_t)length));
        REQUIRE(!value || !memchr(value, 0, (size_t)length));
        break;
    case COPY_ROW_EXTRA:
        if (!value)
            break;
        REQUIRE(length > 1 && value[0] == 1);
        check_json(value + 1, (size_t)length - 1);
        break;
    case COPY_ROW_FIELDS:
        break;
    }
}

static void check_row(const char *row, const struct item *item)
{
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];

    REQUIRE(copy_row_fields(row, item->row_length, values, lengths));
    for (int i = 0; i < COPY_ROW_FIELDS; i++)
        check_field((enum copy_row_column)i, values[i], lengths[i]);
    REQUIRE(memcmp(values[COPY_ROW_TENANT_ID], &item->tenant_id, 16) == 0);
    REQUIRE(item->has_subscription ==
            (values[COPY_ROW_SUBSCRIPTION_ID] != NULL));
    REQUIRE(!item->has_subscription || memcmp(values[COPY_ROW_SUBSCRIPTION_ID],
                                              &item->subscription_id, 16) == 0);
}

void fuzz_check_rows(const struct item_list *list)
{
    size_t at = 0;

    REQUIRE(list->count <= list->room);
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        REQUIRE(item->has_tenant || guid_equal(&item->tenant_id, &GUID_NIL));
        REQUIRE(!(item->has_tenant && item->odd_tenant));
        if (item->row_length == 0) { /* nobody can vouch for it: not written */
            REQUIRE(!item->has_secret);
            continue;
        }
        REQUIRE(item->row_at == at);
        REQUIRE(item->row_length <= list->rows.length - at);
        check_row(list->rows.data + at, item);
        at += item->row_length;
    }
    REQUIRE(at == list->rows.length);
}
