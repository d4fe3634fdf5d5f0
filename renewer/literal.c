/* Array literals of PostgreSQL: many values in one text parameter. */
#include "literal.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void make_room(struct literal *literal, size_t more)
{
    size_t needed = literal->length + more;

    if (needed <= literal->room)
        return;
    literal->room = literal->room * 2 > needed ? literal->room * 2 : needed;
    literal->text = memory_resize(literal->text, literal->room);
}

static void add_byte(struct literal *literal, char byte)
{
    literal->text[literal->length++] = byte;
}

void literal_add(struct literal *literal, const char *element)
{
    /* Each byte may need a backslash; and a brace, comma, quotes. */
    make_room(literal, 2 * strlen(element) + 4);
    add_byte(literal, literal->length ? ',' : '{');
    add_byte(literal, '"');
    for (; *element; element++) {
        if (*element == '"' || *element == '\\')
            add_byte(literal, '\\');
        add_byte(literal, *element);
    }
    add_byte(literal, '"');
}

const char *literal_end(struct literal *literal)
{
    make_room(literal, 3);
    if (!literal->length)
        add_byte(literal, '{');
    add_byte(literal, '}');
    add_byte(literal, '\0');
    return literal->text;
}

void literal_free(struct literal *literal)
{
    free(literal->text);
    *literal = (struct literal){0};
}
