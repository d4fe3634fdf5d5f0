/* The keys of renewer.conf: where each may stand, and what it may say. */
#include "settings/settings_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/guid.h"
#include "base/memory.h"
#include "base/url.h"
#include "settings/cloud.h"
#include "settings/settings.h"

/* What may stand in [callhook] only, in both, in [tenant NAME] only. */
#define ROW(where, owner, member, what, otherwise)                             \
    .name = #member, .places = (where), .kind = (what),                        \
    .offset = offsetof(struct owner, member), .preset = (otherwise)
#define GENERAL(...) .general = true, ROW(IN_CALLHOOK, settings, __VA_ARGS__)
#define FOR_ALL(...) ROW(IN_CALLHOOK, tenant, __VA_ARGS__)
#define INHERITED(...) ROW(IN_CALLHOOK | IN_TENANT, tenant, __VA_ARGS__)
#define OWN(...) ROW(IN_TENANT, tenant, __VA_ARGS__)

/* Each with its kind and its preset, and a number's least and most. */
const struct key keys[KEY_COUNT] = {
    [KEY_DATABASE] = {GENERAL(database, KIND_TEXT, "")},
    [KEY_STATE_DIR] = {GENERAL(state_dir, KIND_FOLDER, "/var/lib/callhook")},
    [KEY_STATUS_PAGE] = {GENERAL(status_page, KIND_FILE, "")},
    [KEY_METRICS_FILE] = {GENERAL(metrics_file, KIND_FILE, "")},
    [KEY_RETENTION_DAYS] = {GENERAL(retention_days, KIND_NUMBER, "0"), 0,
                            36500},
    [KEY_SILENCE_ALARM] = {GENERAL(silence_alarm, KIND_SWITCH, "on")},
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
    [KEY_QUOTA] = {FOR_ALL(quota, KIND_SWITCH, "on")},
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

enum key_id settings_keys_find(const char *name)
{
    enum key_id id = 0;

    while (id < KEY_COUNT && strcmp(keys[id].name, name) != 0)
        id++;
    return id;
}

/* -- kinds of values --------------------------------------------------- */

static const char *find_url_fault(const char *url, enum key_kind kind)
{
    /* What RFC 3986 lets a URL consist of. */
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                     "-._~:/?#[]@!$&'()*+,;=%";
    const char *fault =
        kind == KIND_PROXY ? url_form_fault(url) : url_fault(url);
    const char *host = strstr(url, "//");
    size_t rest = host ? 2 + strcspn(host + 2, "/?") : 0;

    if (!fault && url[strspn(url, characters)])
        return "the URL holds a character that must be written as %XX";
    if (!fault && strchr(url, '#'))
        return "the URL has a fragment (#)";
    if (!fault && kind != KIND_URL && host[rest] &&
        strcmp(host + rest, "/") != 0)
        return "the URL has more than scheme, host and port";
    return fault;
}

/* The same list in our order; NULL: it is none. */
static const char *sort_changes(const char *value)
{
    static const char both[] = "created,updated";
    char plain[sizeof(both) + 1] = "";
    size_t n = 0;

    /* Without the blanks beside the comma. */
    for (const char *s = value; *s; s++) {
        bool beside = (n && plain[n - 1] == ',') || s[strspn(s, " \t")] == ',';

        if (strchr(" \t", *s) && beside)
            continue;
        if (n == sizeof(both))
            return NULL;
        plain[n++] = *s;
    }
    if (strcmp(plain, both) == 0 || strcmp(plain, "updated,created") == 0)
        return both;
    if (strcmp(plain, "created") == 0)
        return "created";
    return strcmp(plain, "updated") == 0 ? "updated" : NULL;
}

/* 0 or 1; -1: it is neither. */
static int read_switch(const char *value)
{
    static const char *const words[] = {"off",   "on",   "no", "yes",
                                        "false", "true", "0",  "1"};

    for (int i = 0; i < 8; i++)
        if (strcasecmp(value, words[i]) == 0)
            return i % 2;
    return -1;
}

static bool is_number(const struct key *key, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10); /* LONG_MAX is over any limit */

    return isdigit((unsigned char)*value) && !*end && number >= key->least &&
           number <= key->most;
}

static const char *find_fault(const struct key *key, const char *value)
{
    char guid[GUID_SIZE];

    switch (key->kind) {
    case KIND_NUMBER:
        return is_number(key, value) ? NULL : "is no whole number";
    case KIND_SWITCH:
        return read_switch(value) >= 0 ? NULL : "is neither on nor off";
    case KIND_FOLDER:
        return *value == '/' ? NULL : "is no absolute path";
    case KIND_FILE:
        return !*value || *value == '/' ? NULL : "is no absolute path";
    case KIND_GUID:
        return guid_read(guid, value) ? NULL : "is no GUID";
    case KIND_CLOUD:
        return cloud_find(value) ? NULL : "is neither global nor usgov nor dod";
    case KIND_CHANGES:
        return sort_changes(value) ? NULL
                                   : "is not created, updated or both with a "
                                     "comma";
    case KIND_PATH:
        return !*value         ? "is empty"
               : *value == '/' ? "begins with a slash, which Graph refuses"
                               : NULL;
    case KIND_TEXT:
        return NULL;
    default:
        return *value ? find_url_fault(value, key->kind) : NULL;
    }
}

bool settings_keys_check(const struct key *key, const char *value,
                         char why[WHY_SIZE])
{
    const char *fault = find_fault(key, value);

    if (!fault)
        return true;
    /* A URL is not quoted: it may hold a secret. */
    if (key->kind >= KIND_PATH)
        snprintf(why, WHY_SIZE, "%s", fault);
    else if (key->kind == KIND_NUMBER)
        snprintf(why, WHY_SIZE, "\"%.80s\" %s from %ld to %ld", value, fault,
                 key->least, key->most);
    else
        snprintf(why, WHY_SIZE, "\"%.80s\" %s", value, fault);
    return false;
}

/* -- members ----------------------------------------------------------- */

/* As it is kept; the caller frees. */
static char *keep_text(enum key_kind kind, const char *value)
{
    size_t length = strlen(value);
    char guid[GUID_SIZE];

    if (kind == KIND_GUID)
        return memory_copy(guid_read(guid, value) ? guid : "");
    if (kind == KIND_CHANGES)
        return memory_copy(sort_changes(value));
    if (kind > KIND_URL && length && value[length - 1] == '/')
        length--;
    return memory_copy_bytes(value, length);
}

void settings_keys_put(const struct key *key, void *base, const char *value)
{
    void *place = (char *)base + key->offset;

    if (key->kind == KIND_NUMBER)
        *(long *)place = strtol(value, NULL, 10);
    else if (key->kind == KIND_SWITCH)
        *(bool *)place = read_switch(value) > 0;
    else
        *(char **)place = keep_text(key->kind, value);
}

void settings_keys_free(void *base, bool general)
{
    for (const struct key *key = keys; key < keys + KEY_COUNT; key++)
        if (key->kind >= KIND_TEXT && key->general == general) {
            char **text = (char **)(void *)((char *)base + key->offset);

            memory_wipe(*text); /* a database's may hold a password */
        }
}
