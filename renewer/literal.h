/* Many values in one text parameter: {a,b}, or [a,b] of JSON. */
#ifndef RENEWER_LITERAL_H
#define RENEWER_LITERAL_H

#include <stddef.h>

/* Set the brackets, zero the rest; literal_free() it. */
struct literal {
    const char *brackets; /* "{}" or "[]" */
    char *text;
    size_t length;
    size_t room;
};

/* Adds an element as it is: a GUID, a number, or sound JSON. */
void literal_add(struct literal *literal, const char *element);

/* Ends it; the text lives until literal_free(). */
const char *literal_end(struct literal *literal);

void literal_free(struct literal *literal);

#endif
