/* The environment variables that callhook reads. */
#include "base/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

#define MEBI (UINT64_C(1) << 20)

/* Reads a whole decimal number into `value`, which holds the default. */
static bool read_number(const char *name, uint64_t min, uint64_t max,
                        uint64_t *value)
{
    const char *text = getenv(name);
    char *end;

    if (!text)
        return true;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number < min ||
        number > max) {
        log_line("%s: \"%s\" is no whole number from %llu to %llu", name, text,
                 (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *value = number;
    return true;
}

/* Trims spaces; false at the end of the list. Moves `list` on. */
static bool next_entry(const char **list, const char **entry, size_t *length)
{
    const char *s = *list;

    if (!s)
        return false;
    size_t n = strcspn(s, ",");
    *list = s[n] ? s + n + 1 : NULL;
    while (n && *s == ' ')
        s++, n--;
    while (n && s[n - 1] == ' ')
        n--;
    *entry = s;
    *length = n;
    return true;
}

/* Room for every entry of a comma separated list; never NULL. */
static void *list_room(const char *list, size_t size)
{
    size_t n = 1;

    for (const char *s = list; *s; s++)
        n += *s == ',';
    return memory_new(n, size);
}

static bool read_client_states(struct settings *settings)
{
    static const char name[] = "CALLHOOK_CLIENT_STATE";
    char *text = getenv(name);
    const char *list = text;
    const char *entry;
    size_t length;
    bool sound = true;

    if (!text || !*text)
        return true;
    settings->client_states = list_room(text, sizeof(struct digest));
    while (next_entry(&list, &entry, &length)) {
        if (length == 0 || length > 255) {
            log_line("%s: an entry is empty or longer than 255 bytes", name);
            sound = false;
            continue;
        }
        digest_make(&settings->client_states[settings->client_states_count++],
                    entry, length);
    }
    explicit_bzero(text, strlen(text));
    unsetenv(name);
    return sound;
}

static bool read_open_subscriptions(struct settings *settings)
{
    static const char name[] = "CALLHOOK_OPEN_SUBSCRIPTIONS";
    const char *list = getenv(name);
    const char *entry;
    size_t length;
    bool sound = true;

    if (!list || !*list)
        return true;
    settings->open_subscriptions = list_room(list, sizeof(struct guid));
    while (next_entry(&list, &entry, &length)) {
        struct guid *guid =
            &settings->open_subscriptions[settings->open_subscriptions_count];
        if (guid_read(guid, entry, length)) {
            settings->open_subscriptions_count++;
            continue;
        }
        log_line("%s: \"%.*s\" is no subscription id (a GUID)", name,
                 (int)(length > 80 ? 80 : length), entry);
        sound = false;
    }
    return sound;
}

static bool read_spool(struct settings *settings)
{
    const char *folder = getenv("CALLHOOK_SPOOL");

    settings->spool = folder ? folder : "/var/spool/callhook";
    if (!*settings->spool)
        settings->spool = NULL;
    if (settings->spool && settings->spool[0] != '/') {
        log_line("CALLHOOK_SPOOL: \"%s\" is no absolute path", folder);
        return false;
    }
    if (settings->spool && strlen(settings->spool) > 1024) {
        log_line("CALLHOOK_SPOOL: the path is longer than 1024 bytes");
        return false;
    }
    return true;
}

bool settings_read(struct settings *settings)
{
    uint64_t spool_max = 1024 * MEBI, max_body = 4 * MEBI;
    uint64_t ack_ms = 2000, requests = 256;
    bool sound = true;

    *settings = (struct settings){0};
    sound &= read_spool(settings);
    sound &= read_number("CALLHOOK_SPOOL_MAX", 1, INT64_MAX, &spool_max);
    sound &= read_client_states(settings);
    sound &= read_open_subscriptions(settings);
    sound &= read_number("CALLHOOK_MAX_BODY", 1, 256 * MEBI, &max_body);
    sound &= read_number("CALLHOOK_ACK_MS", 1, 600000, &ack_ms);
    sound &= read_number("CALLHOOK_REQUESTS", 1, 65536, &requests);
    settings->spool_max = spool_max;
    settings->max_body = (size_t)max_body;
    settings->ack_us = (int64_t)ack_ms * 1000;
    settings->requests = (size_t)requests;
    return sound;
}

void settings_free(struct settings *settings)
{
    free(settings->client_states);
    free(settings->open_subscriptions);
    *settings = (struct settings){0};
}
