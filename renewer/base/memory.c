/* Allocation and texts that succeed or end the program. */
#include "base/memory.h"

#include <stdarg.h>
#include <sysexits.h>

#include "base/log.h"

static void *checked(void *memory)
{
    if (!memory)
        die(EX_OSERR, "out of memory");
    return memory;
}

void *memory_new(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *memory_resize(void *old, size_t size)
{
    return checked(realloc(old, size ? size : 1));
}

char *memory_copy(const char *text)
{
    return checked(strdup(text));
}

char *memory_copy_bytes(const char *bytes, size_t length)
{
    char *copy = memory_new(length + 1, 1);

    if (length)
        memcpy(copy, bytes, length);
    return copy;
}

char *memory_print(const char *format, ...)
{
    char *text;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(length < 0 ? NULL : text);
}

void memory_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
