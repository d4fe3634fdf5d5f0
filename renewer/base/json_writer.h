/* Writing JSON: yajl's generator, over memory that leaves no secret behind. */
#ifndef RENEWER_JSON_WRITER_H
#define RENEWER_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_gen.h>

struct json_writer {
    yajl_gen gen;
    char *text;
    size_t length;
    size_t room;
};

/* Begins with an object, which json_writer_end() closes. */
void json_writer_begin(struct json_writer *writer);

/* Members; `key` NULL: an element of an array. A text of NULL is null. */
void json_writer_text(struct json_writer *writer, const char *key,
                      const char *text);
void json_writer_number(struct json_writer *writer, const char *key,
                        int64_t number);
void json_writer_bool(struct json_writer *writer, const char *key, bool value);

/* An object or an array within. */
void json_writer_open_object(struct json_writer *writer, const char *key);
void json_writer_close_object(struct json_writer *writer);
void json_writer_open_array(struct json_writer *writer, const char *key);
void json_writer_close_array(struct json_writer *writer);

/* The text, with a NUL behind it: memory_wipe() it. */
char *json_writer_end(struct json_writer *writer);

#endif
