/* The members of an item that have no column. */
#include "notification/extra.h"

#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

/* yajl's generator refuses only a wrong order of calls, and that is ours. */
static void expect(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        die(EX_SOFTWARE, "the JSON generator says %d", (int)status);
}

static void begin(struct extra *extra)
{
    if (extra->begun)
        return;
    if (!extra->gen)
        extra->gen = yajl_gen_alloc(memory_for_yajl());
    if (!extra->gen)
        die(EX_OSERR, "out of memory");
    expect(yajl_gen_map_open(extra->gen));
    extra->begun = true;
}

static yajl_gen_status string(yajl_gen gen, const char *text, size_t length)
{
    return yajl_gen_string(gen, (const unsigned char *)text, length);
}

void extra_add(struct extra *extra, enum json_event event, const char *text,
               size_t length)
{
    begin(extra);
    switch (event) {
    case JSON_NULL:
        expect(yajl_gen_null(extra->gen));
        break;
    case JSON_FALSE:
    case JSON_TRUE:
        expect(yajl_gen_bool(extra->gen, event == JSON_TRUE));
        break;
    case JSON_NUMBER:
        if (text_number_fits(text, length))
            expect(yajl_gen_number(extra->gen, text, length));
        else
            expect(string(extra->gen, text, length));
        break;
    case JSON_STRING:
    case JSON_KEY:
        expect(string(extra->gen, text, length));
        break;
    case JSON_MAP:
        expect(yajl_gen_map_open(extra->gen));
        break;
    case JSON_ARRAY:
        expect(yajl_gen_array_open(extra->gen));
        break;
    case JSON_END_MAP:
        expect(yajl_gen_map_close(extra->gen));
        break;
    case JSON_END_ARRAY:
        expect(yajl_gen_array_close(extra->gen));
        break;
    }
}

void extra_add_object(struct extra *extra, const char *key,
                      struct extra *object)
{
    size_t length;
    const char *json = extra_end(object, &length);

    if (!json)
        return;
    extra_add(extra, JSON_KEY, key, strlen(key));
    /* yajl_gen_number writes the text that it is given as it is. */
    expect(yajl_gen_number(extra->gen, json, length));
}

const char *extra_end(struct extra *extra, size_t *length)
{
    const unsigned char *json;

    if (!extra->begun)
        return NULL;
    expect(yajl_gen_map_close(extra->gen));
    expect(yajl_gen_get_buf(extra->gen, &json, length));
    return (const char *)json;
}

void extra_clear(struct extra *extra)
{
    if (!extra->begun)
        return;
    yajl_gen_clear(extra->gen);
    yajl_gen_reset(extra->gen, NULL);
    extra->begun = false;
}

void extra_free(struct extra *extra)
{
    if (extra->gen)
        yajl_gen_free(extra->gen);
    *extra = (struct extra){0};
}
