/* Allocation that succeeds or ends the program. */
#include "base/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/log.h"

void *memory_new(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);

    if (!memory)
        die(EX_OSERR, "out of memory");
    return memory;
}

void *memory_resize(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (!memory)
        die(EX_OSERR, "out of memory");
    return memory;
}

static void *yajl_new(void *context, size_t size)
{
    (void)context;
    return memory_resize(NULL, size);
}

/* yajl's stack grows by 128 bytes: copied each time, a body of a million
 * brackets would take seconds. */
static void *yajl_resize(void *context, void *old, size_t size)
{
    size_t room = malloc_usable_size(old);

    (void)context;
    if (size <= room)
        return old;
    return memory_resize(old, size < 2 * room ? 2 * room : size);
}

static void yajl_drop(void *context, void *memory)
{
    (void)context;
    free(memory);
}

yajl_alloc_funcs *memory_for_yajl(void)
{
    static yajl_alloc_funcs funcs = {yajl_new, yajl_resize, yajl_drop, NULL};

    return &funcs;
}
