/* Writing JSON. */
#include "base/json_writer.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/memory.h"

static void must(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok)
        die(EX_SOFTWARE, "yajl: status %d", (int)status);
}

/* yajl's own buffer would leave parts of a secret where it was before. */
static void take(void *context, const char *bytes, size_t length)
{
    struct json_writer *writer = context;
    size_t needed = writer->length + length + 1;

    if (needed > writer->room) {
        char *larger = memory_new(2 * needed, 1);

        if (writer->length)
            memcpy(larger, writer->text, writer->length);
        memory_wipe(writer->text);
        writer->text = larger;
        writer->room = 2 * needed;
    }
    memcpy(writer->text + writer->length, bytes, length);
    writer->length += length;
}

static void put_key(struct json_writer *writer, const char *key)
{
    if (key)
        must(yajl_gen_string(writer->gen, (const unsigned char *)key,
                             strlen(key)));
}

void json_writer_begin(struct json_writer *writer)
{
    *writer = (struct json_writer){.gen = yajl_gen_alloc(NULL)};
    if (!writer->gen ||
        !yajl_gen_config(writer->gen, yajl_gen_print_callback, take, writer))
        die(EX_OSERR, "out of memory");
    json_writer_open_object(writer, NULL);
}

void json_writer_text(struct json_writer *writer, const char *key,
                      const char *text)
{
    put_key(writer, key);
    if (text)
        put_key(writer, text);
    else
        must(yajl_gen_null(writer->gen));
}

void json_writer_number(struct json_writer *writer, const char *key,
                        int64_t number)
{
    put_key(writer, key);
    must(yajl_gen_integer(writer->gen, number));
}

void json_writer_bool(struct json_writer *writer, const char *key, bool value)
{
    put_key(writer, key);
    must(yajl_gen_bool(writer->gen, value));
}

void json_writer_open_object(struct json_writer *writer, const char *key)
{
    put_key(writer, key);
    must(yajl_gen_map_open(writer->gen));
}

void json_writer_close_object(struct json_writer *writer)
{
    must(yajl_gen_map_close(writer->gen));
}

void json_writer_open_array(struct json_writer *writer, const char *key)
{
    put_key(writer, key);
    must(yajl_gen_array_open(writer->gen));
}

void json_writer_close_array(struct json_writer *writer)
{
    must(yajl_gen_array_close(writer->gen));
}

char *json_writer_end(struct json_writer *writer)
{
    json_writer_close_object(writer);
    yajl_gen_free(writer->gen);
    return writer->text;
}
