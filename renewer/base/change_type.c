/* Change types, which Graph takes for the same in any order and case. */
#include "base/change_type.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* Only these three are there. */
static const char *const change_types[] = {"created", "deleted", "updated"};

static bool lists(const char *change_type, const char *one)
{
    size_t length = strlen(one);

    for (const char *s = change_type; *s; s += *s == ',') {
        size_t n;

        s += strspn(s, " ");
        n = strcspn(s, ", ");
        if (n == length && strncasecmp(s, one, n) == 0)
            return true;
        s += strcspn(s, ",");
    }
    return false;
}

char *change_type_key(const char *change_type)
{
    char text[32] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof(change_types) / sizeof(*change_types); i++)
        if (lists(change_type, change_types[i]))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
                                  n ? "," : "", change_types[i]);
    return memory_copy(text);
}

bool change_type_is_same(const char *a, const char *b)
{
    for (size_t i = 0; i < sizeof(change_types) / sizeof(*change_types); i++)
        if (lists(a, change_types[i]) != lists(b, change_types[i]))
            return false;
    return true;
}
