/* The keys of renewer.conf: where each may stand, and what it may say. */
#ifndef RENEWER_SETTINGS_KEYS_H
#define RENEWER_SETTINGS_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum key_id {
    KEY_DATABASE,
    KEY_STATE_DIR,
    KEY_STATUS_PAGE,
    KEY_METRICS_FILE,
    KEY_RETENTION_DAYS,
    KEY_SILENCE_ALARM,
    KEY_NOTIFICATION_URL,
    KEY_LIFECYCLE_URL,
    KEY_LIFETIME_MINUTES,
    KEY_RENEW_EVERY_MINUTES,
    KEY_RECORDS,
    KEY_RECONCILE,
    KEY_PSTN,
    KEY_PROXY,
    KEY_QUOTA,
    KEY_TENANT_ID,
    KEY_CLIENT_ID,
    KEY_CLIENT_SECRET_FILE,
    KEY_CERTIFICATE_FILE,
    KEY_PRIVATE_KEY_FILE,
    KEY_CLOUD,
    KEY_LOGIN_URL,
    KEY_GRAPH_URL,
    KEY_CA_FILE,
    KEY_RESOURCE,
    KEY_CHANGE_TYPE,
    KEY_COUNT,
};

/* Sections; a tenant inherits what [callhook] says of tenants. */
enum {
    IN_CALLHOOK = 1,
    IN_TENANT = 2,
};

struct key {
    const char *name; /* also of the member that holds it */
    unsigned places;  /* where it may stand */
    bool general;     /* a member of struct settings, else of struct tenant */
    size_t offset;    /* of the member */
    enum key_kind {
        KIND_NUMBER,  /* long */
        KIND_SWITCH,  /* bool */
        KIND_TEXT,    /* char *, as the others */
        KIND_FOLDER,  /* an absolute path */
        KIND_FILE,    /* the same, or "": not given */
        KIND_GUID,    /* kept in lower case */
        KIND_CLOUD,   /* one of Microsoft's */
        KIND_CHANGES, /* a list, kept in one order */
        KIND_PATH,    /* of a resource at Graph */
        KIND_URL,     /* "": not given */
        KIND_ORIGIN,  /* as URL, but scheme, host and port only */
        KIND_PROXY,   /* as ORIGIN, http everywhere */
    } kind;
    const char *preset;
    long least, most; /* of a number */
};

extern const struct key keys[KEY_COUNT];

/* The key of that name; KEY_COUNT: there is none. */
enum key_id settings_keys_find(const char *name);

/* Room for what is wrong with a value. */
#define WHY_SIZE 256

/* Whether the value may be the key's; if not, `why` says what is wrong. */
bool settings_keys_check(const struct key *key, const char *value,
                         char why[WHY_SIZE]);

/* Puts such a value into its place in the struct at `base`, where 0 was. */
void settings_keys_put(const struct key *key, void *base, const char *value);

/* Wipes and frees all texts of a struct settings (`general`) or tenant. */
void settings_keys_free(void *base, bool general);

#endif
