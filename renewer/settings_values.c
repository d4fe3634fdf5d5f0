/* The values of renewer.conf: what is wrong with them, and how they are kept.
 */
#include "settings_values.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "memory.h"
#include "settings_keys.h"
#include "settings_url.h"

char *value_text(const struct key *key, const char *value, char *why,
                 size_t why_size)
{
    (void)key, (void)why, (void)why_size;
    return memory_copy(value);
}

char *value_folder(const struct key *key, const char *value, char *why,
                   size_t why_size)
{
    (void)key;
    if (*value == '/')
        return memory_copy(value);
    snprintf(why, why_size, "\"%.80s\" is no absolute path", value);
    return NULL;
}

char *value_number(const struct key *key, const char *value, char *why,
                   size_t why_size)
{
    char *end;

    long number = strtol(value, &end, 10); /* LONG_MAX is over any max */
    if (isdigit((unsigned char)*value) && !*end && number >= key->min &&
        number <= key->max)
        return memory_print("%ld", number);
    snprintf(why, why_size, "\"%.80s\" is no whole number from %ld to %ld",
             value, key->min, key->max);
    return NULL;
}

char *value_switch(const struct key *key, const char *value, char *why,
                   size_t why_size)
{
    static const char *const words[][2] = {
        {"on", "off"}, {"yes", "no"}, {"true", "false"}, {"1", "0"}};

    (void)key;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i][0]) == 0)
            return memory_copy("on");
        if (strcasecmp(value, words[i][1]) == 0)
            return memory_copy("off");
    }
    snprintf(why, why_size, "\"%.80s\" is neither on nor off", value);
    return NULL;
}

char *value_guid(const struct key *key, const char *value, char *why,
                 size_t why_size)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool fits = strlen(value) == sizeof(form) - 1;

    (void)key;
    for (size_t i = 0; fits && form[i]; i++)
        fits = form[i] == 'x' ? isxdigit((unsigned char)value[i])
                              : value[i] == form[i];
    if (!fits) {
        snprintf(why, why_size, "\"%.80s\" is no GUID", value);
        return NULL;
    }
    char *guid = memory_copy(value);
    for (char *c = guid; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return guid;
}

/* Messages quote no URL: it may hold a password where none should be. */
static char *read_any_url(const char *value, bool origin, bool plain_http,
                          char *why, size_t why_size)
{
    const char *fault = *value ? settings_url_fault(value, origin) : NULL;

    if (!fault && *value && !plain_http && !http_url_allowed(value))
        fault = "is not https (http is for loopback addresses only)";
    if (fault) {
        snprintf(why, why_size, "the URL %s", fault);
        return NULL;
    }
    size_t n = strlen(value);
    return memory_copy_bytes(value,
                             origin && n && value[n - 1] == '/' ? n - 1 : n);
}

char *value_url(const struct key *key, const char *value, char *why,
                size_t why_size)
{
    (void)key;
    return read_any_url(value, false, false, why, why_size);
}

char *value_origin(const struct key *key, const char *value, char *why,
                   size_t why_size)
{
    (void)key;
    return read_any_url(value, true, false, why, why_size);
}

char *value_proxy(const struct key *key, const char *value, char *why,
                  size_t why_size)
{
    (void)key;
    return read_any_url(value, true, true, why, why_size);
}

const struct cloud *cloud_find(const char *name)
{
    static const struct cloud clouds[] = {
        {"global", "https://login.microsoftonline.com",
         "https://graph.microsoft.com"},
        {"usgov", "https://login.microsoftonline.us",
         "https://graph.microsoft.us"},
        {"dod", "https://login.microsoftonline.us",
         "https://dod-graph.microsoft.us"},
    };

    for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++)
        if (strcmp(clouds[i].name, name) == 0)
            return &clouds[i];
    return NULL;
}

char *value_cloud(const struct key *key, const char *value, char *why,
                  size_t why_size)
{
    (void)key;
    if (cloud_find(value))
        return memory_copy(value);
    snprintf(why, why_size, "\"%.80s\" is neither global nor usgov nor dod",
             value);
    return NULL;
}

char *value_resource(const struct key *key, const char *value, char *why,
                     size_t why_size)
{
    (void)key;
    if (value[strspn(value, "/")])
        return memory_copy(value);
    snprintf(why, why_size, "is empty");
    return NULL;
}

/* A comma list, kept in one order whatever the file's is. */
char *value_changes(const struct key *key, const char *value, char *why,
                    size_t why_size)
{
    bool created = false, updated = false;

    (void)key;
    for (const char *s = value, *comma; s; s = comma ? comma + 1 : NULL) {
        comma = strchr(s, ',');
        s += strspn(s, " \t");
        size_t n = strcspn(s, " \t,");
        size_t blank = strspn(s + n, " \t");

        if (n != 7 || (s[n + blank] && s[n + blank] != ',') ||
            (memcmp(s, "created", n) != 0 && memcmp(s, "updated", n) != 0)) {
            snprintf(why, why_size,
                     "\"%.80s\" is not created, updated or both with a comma",
                     value);
            return NULL;
        }
        if (*s == 'c')
            created = true;
        else
            updated = true;
    }
    return memory_copy(!created  ? "updated"
                       : updated ? "created,updated"
                                 : "created");
}
