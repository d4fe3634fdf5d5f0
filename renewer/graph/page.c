/* A page of call records: whether it can be stored, and where it goes on. */
#include "graph/page.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <yajl/yajl_parse.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/url.h"
#include "base/utf8.h"

#define DEPTH_MAX 64

/* Room in a link for the longest that a request takes. */
#define LINK_MAX 16384

struct scan {
    struct page *page;
    size_t depth;
    char **link; /* what the value that follows is to be, or NULL */
    bool value;  /* it is the member `value` */
};

/* Any value but a text or null where a link is wanted is a fault. */
static int no_link(struct scan *scan)
{
    return scan->link == NULL;
}

static int take_null(void *context)
{
    struct scan *scan = context;

    scan->link = NULL;
    return scan->depth > 0;
}

static int take_boolean(void *context, int value)
{
    (void)value;
    return no_link(context);
}

static int take_number(void *context, const char *text, size_t length)
{
    (void)text;
    (void)length;
    return no_link(context);
}

static int take_string(void *context, const unsigned char *text, size_t length)
{
    struct scan *scan = context;

    if (!scan->link)
        return scan->depth > 0;
    if (length > LINK_MAX || memchr(text, '\0', length))
        return 0;
    free(*scan->link);
    *scan->link = memory_copy_bytes((const char *)text, length);
    scan->link = NULL;
    return 1;
}

static bool is(const char *name, const unsigned char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

static int take_key(void *context, const unsigned char *text, size_t length)
{
    static const char *const names[LINKS] = {
        [LINK_NEXT] = "@odata.nextLink",
        [LINK_SESSIONS] = "sessions@odata.nextLink",
        [LINK_PARTICIPANTS] = "participants_v2@odata.nextLink",
    };
    struct scan *scan = context;

    scan->value = scan->depth == 1 && is("value", text, length);
    for (int i = 0; scan->depth == 1 && i < LINKS; i++)
        if (is(names[i], text, length))
            scan->link = &scan->page->links[i];
    return 1;
}

static int begin_object(void *context)
{
    struct scan *scan = context;

    return no_link(scan) && ++scan->depth <= DEPTH_MAX;
}

static int begin_array(void *context)
{
    struct scan *scan = context;

    if (scan->depth == 1 && scan->value)
        scan->page->rows = true;
    scan->value = false;
    return scan->depth > 0 && begin_object(context);
}

static int end(void *context)
{
    struct scan *scan = context;

    scan->depth--;
    return 1;
}

static bool scan_all(struct scan *scan, const char *text, size_t length)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = take_null,
        .yajl_boolean = take_boolean,
        .yajl_number = take_number,
        .yajl_string = take_string,
        .yajl_start_map = begin_object,
        .yajl_map_key = take_key,
        .yajl_end_map = end,
        .yajl_start_array = begin_array,
        .yajl_end_array = end,
    };
    yajl_handle parser = yajl_alloc(&callbacks, NULL, scan);
    bool sound;

    if (!parser)
        die(EX_OSERR, "out of memory");
    yajl_config(parser, yajl_dont_validate_strings, 1); /* utf8.c did */
    sound = yajl_parse(parser, (const unsigned char *)text, length) ==
                yajl_status_ok &&
            yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return sound;
}

static bool refuse(struct transfer *transfer, const char *code,
                   const char *text)
{
    snprintf(transfer->fault.code, sizeof(transfer->fault.code), "%s", code);
    fault_say(&transfer->fault, transfer->step, "%s", text);
    return false;
}

bool page_read(struct page *page, struct transfer *transfer, bool must_have)
{
    const char *text = transfer->answer;
    size_t length = transfer->answer_length;
    struct scan scan = {.page = page};

    if (!length || memchr(text, '\0', length) || !utf8_is_sound(text, length) ||
        !scan_all(&scan, text, length) || (must_have && !page->rows))
        return refuse(transfer, "unreadable",
                      "the answer could not be understood");
    for (int i = 0; i < LINKS; i++)
        if (page->links[i] &&
            !url_same_origin(page->links[i], transfer->tenant->graph_url))
            return refuse(transfer, "foreignLink",
                          "a link leads to another host, not followed");
    return true;
}

void page_free(struct page *page)
{
    for (int i = 0; i < LINKS; i++)
        free(page->links[i]);
    *page = (struct page){0};
}
