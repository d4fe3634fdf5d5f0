/* Texts that Graph takes for the same although they differ. */
#ifndef RENEWER_NAMES_H
#define RENEWER_NAMES_H

#include <stdbool.h>

/*
 * Forms in which equal ones are equal: a resource without a leading slash and
 * in lower case; a change type with its list in order. The caller frees.
 */
char *names_resource(const char *resource);
char *names_change_type(const char *change_type);

/* Room for a GUID as text. */
#define GUID_SIZE 37

/* The GUID in lower case; false: the text is none. */
bool names_guid(char guid[GUID_SIZE], const char *text);

bool names_same_resource(const char *a, const char *b);
bool names_same_change_type(const char *a, const char *b);

#endif
