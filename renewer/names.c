/* Texts that Graph takes for the same although they differ. */
#include "names.h"

#include <ctype.h>
#include <strings.h>

#include "memory.h"

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

char *names_resource(const char *resource)
{
    return lower(memory_copy(without_slash(resource)));
}

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

char *names_change_type(const char *change_type)
{
    char text[32] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof(change_types) / sizeof(*change_types); i++)
        if (lists(change_type, change_types[i]))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
                                  n ? "," : "", change_types[i]);
    return memory_copy(text);
}

bool names_guid(char guid[GUID_SIZE], const char *text)
{
    static const char form[GUID_SIZE] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < GUID_SIZE; i++) {
        unsigned char c = (unsigned char)text[i];

        if (form[i] == 'x' ? !isxdigit(c) : c != (unsigned char)form[i])
            return false;
        guid[i] = (char)tolower(c);
    }
    return true;
}

bool names_same_resource(const char *a, const char *b)
{
    return strcasecmp(without_slash(a), without_slash(b)) == 0;
}

bool names_same_change_type(const char *a, const char *b)
{
    for (size_t i = 0; i < sizeof(change_types) / sizeof(*change_types); i++)
        if (lists(a, change_types[i]) != lists(b, change_types[i]))
            return false;
    return true;
}
