/* The hosts of libpq's environment, to be tried one by one. */
#include "store/hosts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <libpq-fe.h>

#include "base/log.h"

/* A comma separated list of libpq's; no text: no entries. */
struct list {
    const char *text;
    size_t count;
    bool has_gaps; /* an empty entry stands for something of libpq's */
};

static struct list list_of(const PQconninfoOption *options, const char *keyword)
{
    struct list list = {0};

    while (options->keyword && strcmp(options->keyword, keyword) != 0)
        options++;
    if (!options->keyword || !options->val || !*options->val)
        return list;
    list.text = options->val;
    for (const char *s = list.text;; s++) {
        size_t length = strcspn(s, ",");
        list.count++;
        list.has_gaps |= length == 0;
        s += length;
        if (!*s)
            return list;
    }
}

/* A copy of the entry; of a list of one, that one for all; NULL if none. */
static char *entry(const struct list *list, size_t index)
{
    const char *s = list->text;

    if (!s)
        return NULL;
    for (size_t i = list->count > 1 ? index : 0; i > 0; i--)
        s += strcspn(s, ",") + 1;
    char *copy = strndup(s, strcspn(s, ","));
    if (!copy)
        die(EX_OSERR, "out of memory");
    return copy;
}

void hosts_read(struct hosts *hosts)
{
    PQconninfoOption *options = PQconndefaults();

    *hosts = (struct hosts){.count = 1};
    if (!options)
        return;
    struct list names = list_of(options, "host");
    struct list addresses = list_of(options, "hostaddr");
    struct list ports = list_of(options, "port");
    size_t count = addresses.text ? addresses.count : names.count;
    if (count > 1 && count <= HOSTS_MAX && !names.has_gaps &&
        !addresses.has_gaps && !ports.has_gaps &&
        (!names.text || names.count == count) &&
        (ports.count <= 1 || ports.count == count)) {
        hosts->count = count;
        for (size_t i = 0; i < count; i++)
            hosts->list[i] = (struct host){.name = entry(&names, i),
                                           .address = entry(&addresses, i),
                                           .port = entry(&ports, i)};
    }
    PQconninfoFree(options);
}

void hosts_free(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        free(hosts->list[i].name);
        free(hosts->list[i].address);
        free(hosts->list[i].port);
    }
    *hosts = (struct hosts){0};
}
