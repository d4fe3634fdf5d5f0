/* Paths of resources, which Graph takes for the same although they differ. */
#include "base/resource.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* Graph's documentation writes it with the slash and without. */
static const char *without_slash(const char *resource)
{
    return resource + (*resource == '/');
}

static char *lower(char *text)
{
    for (char *s = text; *s; s++)
        *s = (char)tolower((unsigned char)*s);
    return text;
}

char *resource_key(const char *resource)
{
    return lower(memory_copy(without_slash(resource)));
}

bool resource_is_same(const char *a, const char *b)
{
    return strcasecmp(without_slash(a), without_slash(b)) == 0;
}

bool resource_is_call_records(const char *resource)
{
    static const char path[] = "communications/callRecords";
    size_t length = sizeof(path) - 1;

    resource = without_slash(resource);
    return strncasecmp(resource, path, length) == 0 &&
           strchr("/?", resource[length]); /* or its end */
}
