/* Allocation and texts that succeed or end the program. */
#ifndef RENEWER_MEMORY_H
#define RENEWER_MEMORY_H

#include <stddef.h>

void *memory_new(size_t count, size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);

/* Copies; the caller frees. */
char *memory_copy(const char *text);
char *memory_copy_bytes(const char *bytes, size_t length); /* and a NUL */
char *memory_print(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Wipes and frees a secret; NULL is nothing. As free(), it leaves errno. */
void memory_wipe(char *secret);

#endif
