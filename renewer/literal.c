/* Many values in one text parameter of PostgreSQL. */
#include "literal.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void add(struct literal *literal, char before, const char *text)
{
    size_t length = strlen(text);
    size_t needed = literal->length + length + 2;

    if (needed > literal->room) {
        literal->room = needed * 2;
        literal->text = memory_resize(literal->text, literal->room);
    }
    literal->text[literal->length++] = before;
    memcpy(literal->text + literal->length, text, length + 1);
    literal->length += length;
}

void literal_add(struct literal *literal, const char *element)
{
    add(literal, literal->length ? ',' : literal->brackets[0], element);
}

const char *literal_end(struct literal *literal)
{
    if (!literal->length)
        literal_add(literal, "");
    add(literal, literal->brackets[1], "");
    return literal->text;
}

void literal_free(struct literal *literal)
{
    free(literal->text);
}
