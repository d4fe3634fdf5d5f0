/* Array literals of PostgreSQL: many values in one text parameter. */
#ifndef RENEWER_LITERAL_H
#define RENEWER_LITERAL_H

#include <stddef.h>

/* Zero it; literal_free() it. */
struct literal {
    char *text;
    size_t length;
    size_t room;
};

/* Adds an element. Whatever it holds, it cannot end its quotes. */
void literal_add(struct literal *literal, const char *element);

/* Ends it; the text lives until literal_free(). */
const char *literal_end(struct literal *literal);

void literal_free(struct literal *literal);

#endif
