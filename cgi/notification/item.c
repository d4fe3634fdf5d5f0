/* Lists of notifications. */
#include "notification/item.h"

#include <stdlib.h>

#include "base/memory.h"

void item_list_add(struct item_list *list, const struct item *item)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 4;
        list->items = memory_resize(list->items, room * sizeof(*list->items));
        list->room = room;
    }
    list->items[list->count++] = *item;
}

void item_list_free(struct item_list *list)
{
    free(list->items);
    buffer_free(&list->rows);
    *list = (struct item_list){0};
}

bool item_list_has_trusted(const struct item_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].verdict == ITEM_TRUSTED)
            return true;
    return false;
}

size_t item_list_bytes(const struct item_list *list)
{
    return list->room * sizeof(*list->items) + list->rows.room;
}
