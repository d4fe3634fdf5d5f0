/* Reading small JSON answers of a trusted peer: yajl's tree, with our limits.
 */
#ifndef RENEWER_JSON_H
#define RENEWER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_tree.h>

/*
 * Parses `length` bytes; NULL if they are no JSON, hold a NUL (also as an
 * escape), are nested deeper than 64 or are no valid UTF-8. Free with
 * yajl_tree_free().
 */
yajl_val json_parse(const char *text, size_t length);

/* Whether they are JSON in valid UTF-8, of any size; nothing is kept of it. */
bool json_is_sound(const char *text, size_t length);

/* The member of an object; NULL if there is none, or it is no object. */
yajl_val json_member(yajl_val object, const char *name);

/*
 * The same as text, or NULL if it is none or holds half of a surrogate pair.
 * It lives as long as the tree.
 */
const char *json_text(yajl_val object, const char *name);

/* The same as a whole number, also where it came as text. */
bool json_number(yajl_val object, const char *name, int64_t *number);

/* Frees the tree; first wipes the text of that member, which is a secret. */
void json_free_secret(yajl_val tree, const char *name);

#endif
