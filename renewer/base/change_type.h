/* Change types ("created,updated"), in any order and case. */
#ifndef RENEWER_CHANGE_TYPE_H
#define RENEWER_CHANGE_TYPE_H

#include <stdbool.h>

/* The form in which equal ones are equal. The caller frees. */
char *change_type_key(const char *change_type);

bool change_type_is_same(const char *a, const char *b);

#endif
