/* Allocation that succeeds or ends the program. */
#ifndef CALLHOOK_MEMORY_H
#define CALLHOOK_MEMORY_H

#include <stddef.h>

#include <yajl/yajl_common.h>

/*
 * An allocation that fails ends the program with EX_OSERR: what it has not
 * answered yet will be sent again, what it has answered is durable.
 */
void *memory_new(size_t count, size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);

/* The same for yajl, which does not check what its allocator returns. */
yajl_alloc_funcs *memory_for_yajl(void);

#endif
