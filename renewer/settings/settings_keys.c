/* The keys of renewer.conf: where each may stand, and what it may say. */
#include "settings/settings_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guid.h"
#include "base/memory.h"
#include "base/url.h"

/* What may stand in [callhook] only, in both, in [tenant NAME] only. */
#define ROW(where, owner, member, what, otherwise)                             \
    .name = #member, .places = (where), .kind = (what),                        \
    .offset = offsetof(struct owner, member), .preset = (otherwise)
#define GENERAL(...) ROW(IN_CALLHOOK, settings, __VA_ARGS__)
#define INHERITED(...) ROW(IN_CALLHOOK | IN_TENANT, tenant, __VA_ARGS__)
#define OWN(...) ROW(IN_TENANT, tenant, __VA_ARGS__)

/* Each with its kind and its preset, and a number's least and most. */
const struct key keys[KEY_COUNT] = {
    [KEY_DATABASE] = {GENERAL(database, KIND_TEXT, "")},
    [KEY_STATE_DIR] = {GENERAL(state_dir, KIND_FOLDER, "/var/lib/callhook")},
    [KEY_RETENTION_DAYS] = {GENERAL(retention_days, KIND_NUMBER, "0"), 0,
                            36500},
    [KEY_NOTIFICATION_URL] = {INHERITED(notification_url, KIND_URL, "")},
    [KEY_LIFECYCLE_URL] = {INHERITED(lifecycle_url, KIND_URL, "")},
    [KEY_LIFETIME_MINUTES] = {INHERITED(lifetime_minutes, KIND_NUMBER, "4200"),
                              45, 4230},
    [KEY_RENEW_EVERY_MINUTES] = {INHERITED(renew_every_minutes, KIND_NUMBER,
                                           "120"),
                                 1, 2115},
    [KEY_RECORDS] = {INHERITED(records, KIND_SWITCH, "off")},
    [KEY_RECONCILE] = {INHERITED(reconcile, KIND_SWITCH, "on")},
    [KEY_PSTN] = {INHERITED(pstn, KIND_SWITCH, "off")},
    [KEY_PROXY] = {INHERITED(proxy, KIND_PROXY, "")},
    [KEY_TENANT_ID] = {OWN(tenant_id, KIND_GUID, "")},
    [KEY_CLIENT_ID] = {OWN(client_id, KIND_GUID, "")},
    [KEY_CLIENT_SECRET_FILE] = {OWN(client_secret_file, KIND_TEXT, "")},
    [KEY_CERTIFICATE_FILE] = {OWN(certificate_file, KIND_TEXT, "")},
    [KEY_PRIVATE_KEY_FILE] = {OWN(private_key_file, KIND_TEXT, "")},
    [KEY_CLOUD] = {OWN(cloud, KIND_CLOUD, "global")},
    [KEY_LOGIN_URL] = {OWN(login_url, KIND_ORIGIN, "")},
    [KEY_GRAPH_URL] = {OWN(graph_url, KIND_ORIGIN, "")},
    [KEY_CA_FILE] = {OWN(ca_file, KIND_TEXT, "")},
    [KEY_RESOURCE] = {OWN(resource, KIND_PATH, "communications/callRecords")},
    [KEY_CHANGE_TYPE] = {OWN(change_type, KIND_CHANGES, "updated")},
};

/* -- URLs -------------------------------------------------------------- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What RFC 3986 lets a URL consist of. */
static const char url_characters[] = LETTERS DIGITS "-._~:/?#[]@!$&'()*+,;=%";

/* How long the host is that `text` begins with; 0: there is none. */
static size_t host_length(const char *text)
{
    size_t n;

    if (*text != '[')
        return strspn(text, LETTERS DIGITS "-._");
    n = strspn(text + 1, "abcdefABCDEF" DIGITS ":.");
    return n && text[1 + n] == ']' ? n + 2 : 0;
}

/* Whether "", or ":443", stands in the `length` bytes. */
static bool is_port(const char *text, size_t length)
{
    if (length == 0)
        return true;
    if (*text != ':' || length < 2 || length > 6 ||
        strspn(text + 1, DIGITS) != length - 1)
        return false;
    long port = strtol(text + 1, NULL, 10);
    return port >= 1 && port <= 65535;
}

/*
 * What is wrong with a URL, or NULL. It is not quoted: it may hold a password
 * where none should be. libcurl's parser takes more than can be meant.
 */
static const char *url_fault(const char *url, enum key_kind kind)
{
    size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
                    : strncasecmp(url, "http://", 7) == 0 ? 7
                                                          : 0;
    const char *host = url + scheme;
    size_t authority = strcspn(host, "/?#");
    const char *path = host + authority;
    size_t length = host_length(host);

    if (!scheme)
        return "the URL does not begin with https://";
    if (memchr(host, '@', authority))
        return "the URL holds a user name or a password";
    if (url[strspn(url, url_characters)])
        return "the URL holds a character that must be written as %XX";
    if (strchr(url, '#'))
        return "the URL has a fragment (#)";
    if (!length)
        return "the URL names no host";
    if (!is_port(host + length, authority - length))
        return "the URL has a host or a port that cannot be";
    if (kind != KIND_URL && strcmp(path, "") != 0 && strcmp(path, "/") != 0)
        return "the URL has more than scheme, host and port";
    if (kind != KIND_PROXY && !url_is_allowed(url))
        return "the URL is not https (http is for loopback addresses only)";
    return NULL;
}

/* -- other kinds of values --------------------------------------------- */

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

/* The same list in our order; NULL: it is none. */
static const char *sorted_changes(const char *value)
{
    bool created = false, updated = false;

    for (const char *s = value, *comma; s; s = comma ? comma + 1 : NULL) {
        comma = strchr(s, ',');
        s += strspn(s, " \t");
        size_t n = strcspn(s, " \t,");
        size_t blank = strspn(s + n, " \t");

        if (n != 7 || (s[n + blank] && s[n + blank] != ',') ||
            (memcmp(s, "created", n) != 0 && memcmp(s, "updated", n) != 0))
            return NULL;
        if (*s == 'c')
            created = true;
        else
            updated = true;
    }
    if (created && updated)
        return "created,updated";
    return created ? "created" : "updated";
}

static bool read_switch(bool *place, const char *value)
{
    static const char *const words[][2] = {
        {"off", "on"}, {"no", "yes"}, {"false", "true"}, {"0", "1"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (int on = 0; on < 2; on++)
            if (strcasecmp(value, words[i][on]) == 0) {
                *place = on;
                return true;
            }
    return false;
}

static bool read_number(const struct key *key, long *place, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10); /* LONG_MAX is over any max */

    if (!isdigit((unsigned char)*value) || *end || number < key->min ||
        number > key->max)
        return false;
    *place = number;
    return true;
}

/* The text as it is kept, for the caller to free; NULL: it is wrong. */
static char *read_text(enum key_kind kind, const char *value)
{
    size_t length = strlen(value);
    char guid[GUID_SIZE];

    switch (kind) {
    case KIND_FOLDER:
        return *value == '/' ? memory_copy(value) : NULL;
    case KIND_GUID:
        return guid_read(guid, value) ? memory_copy(guid) : NULL;
    case KIND_CLOUD:
        return cloud_find(value) ? memory_copy(value) : NULL;
    case KIND_PATH:
        return value[strspn(value, "/")] ? memory_copy(value) : NULL;
    case KIND_CHANGES:
        value = sorted_changes(value);
        return value ? memory_copy(value) : NULL;
    case KIND_URL:
    case KIND_ORIGIN:
    case KIND_PROXY:
        if (length && url_fault(value, kind))
            return NULL;
        if (length && kind != KIND_URL && value[length - 1] == '/')
            length--;
        return memory_copy_bytes(value, length);
    default:
        return memory_copy(value);
    }
}

static void say_why(const struct key *key, const char *value,
                    char why[WHY_SIZE])
{
    static const char *const phrases[] = {
        [KIND_SWITCH] = "is neither on nor off",
        [KIND_FOLDER] = "is no absolute path",
        [KIND_GUID] = "is no GUID",
        [KIND_CLOUD] = "is neither global nor usgov nor dod",
        [KIND_CHANGES] = "is not created, updated or both with a comma",
    };

    switch (key->kind) {
    case KIND_NUMBER:
        snprintf(why, WHY_SIZE, "\"%.80s\" is no whole number from %ld to %ld",
                 value, key->min, key->max);
        break;
    case KIND_PATH:
        snprintf(why, WHY_SIZE, "is empty");
        break;
    case KIND_URL:
    case KIND_ORIGIN:
    case KIND_PROXY:
        snprintf(why, WHY_SIZE, "%s", url_fault(value, key->kind));
        break;
    default:
        snprintf(why, WHY_SIZE, "\"%.80s\" %s", value, phrases[key->kind]);
    }
}

char **settings_keys_text(const struct key *key, void *base)
{
    bool is_text = key->kind != KIND_NUMBER && key->kind != KIND_SWITCH;

    return is_text ? (char **)(void *)((char *)base + key->offset) : NULL;
}

bool settings_keys_read(const struct key *key, void *base, const char *value,
                        char why[WHY_SIZE])
{
    void *place = (char *)base + key->offset;
    char **text = settings_keys_text(key, base);
    char *copy = text ? read_text(key->kind, value) : NULL;

    if (text && copy) {
        memory_wipe(*text);
        *text = copy;
        return true;
    }
    if ((key->kind == KIND_NUMBER && read_number(key, place, value)) ||
        (key->kind == KIND_SWITCH && read_switch(place, value)))
        return true;
    say_why(key, value, why);
    return false;
}
