/* Many values in one text parameter: {a,b}, or [a,b] of JSON. */
#ifndef RENEWER_PG_LIST_H
#define RENEWER_PG_LIST_H

#include <stddef.h>

/* Set the brackets, zero the rest; pg_list_free() it. */
struct pg_list {
    const char *brackets; /* "{}" or "[]" */
    char *text;
    size_t length;
    size_t room;
};

/* Adds an element as it is: a GUID, a number, or sound JSON. */
void pg_list_add(struct pg_list *pg_list, const char *element);

/* Ends it; the text lives until pg_list_free(). */
const char *pg_list_end(struct pg_list *pg_list);

void pg_list_free(struct pg_list *pg_list);

#endif
