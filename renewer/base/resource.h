/* Paths of resources, which Graph takes for the same although they differ. */
#ifndef RENEWER_RESOURCE_H
#define RENEWER_RESOURCE_H

#include <stdbool.h>

/*
 * The form in which equal ones are equal: without a leading slash, in lower
 * case. The caller frees.
 */
char *resource_key(const char *resource);

bool resource_is_same(const char *a, const char *b);

/* Whether it is about call records; it may have a filter, or name one of them.
 */
bool resource_is_call_records(const char *resource);

#endif
