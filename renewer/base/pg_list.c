/* Many values in one text parameter of PostgreSQL. */
#include "base/pg_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void add(struct pg_list *pg_list, char before, const char *text)
{
    size_t length = strlen(text);
    size_t needed = pg_list->length + length + 2;

    if (needed > pg_list->room) {
        pg_list->room = needed * 2;
        pg_list->text = memory_resize(pg_list->text, pg_list->room);
    }
    pg_list->text[pg_list->length++] = before;
    memcpy(pg_list->text + pg_list->length, text, length + 1);
    pg_list->length += length;
}

void pg_list_add(struct pg_list *pg_list, const char *element)
{
    add(pg_list, pg_list->length ? ',' : pg_list->brackets[0], element);
}

const char *pg_list_end(struct pg_list *pg_list)
{
    if (!pg_list->length)
        pg_list_add(pg_list, "");
    add(pg_list, pg_list->brackets[1], "");
    return pg_list->text;
}

void pg_list_free(struct pg_list *pg_list)
{
    free(pg_list->text);
}
