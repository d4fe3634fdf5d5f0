/* The keys of renewer.conf: where each may stand, and what it may say. */
#ifndef RENEWER_SETTINGS_KEYS_H
#define RENEWER_SETTINGS_KEYS_H

#include <stddef.h>

enum key_id {
    KEY_DATABASE,
    KEY_STATE_DIR,
    KEY_RETENTION_DAYS,
    KEY_NOTIFICATION_URL,
    KEY_LIFECYCLE_URL,
    KEY_LIFETIME_MINUTES,
    KEY_RENEW_EVERY_MINUTES,
    KEY_RECORDS,
    KEY_RECONCILE,
    KEY_PSTN,
    KEY_PROXY,
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

/* A tenant inherits what may stand in both. */
enum {
    IN_CALLHOOK = 1,
    IN_TENANT = 2,
};

enum key_type {
    TYPE_TEXT,   /* char * */
    TYPE_NUMBER, /* long */
    TYPE_SWITCH, /* bool */
    TYPE_NONE,   /* decides on others, is not kept itself */
};

struct key {
    const char *name;
    enum key_type type;
    unsigned places;
    size_t offset; /* in struct settings for [callhook] only, else in tenant */
    const char *preset; /* what it says by default; "": nothing */
    long min, max;      /* of a number */

    /* One of settings_values.h. */
    char *(*read)(const struct key *key, const char *value, char *why,
                  size_t why_size);
};

extern const struct key keys[KEY_COUNT];

/* KEY_COUNT: there is no such key. */
enum key_id key_find(const char *name);

/*
 * Puts what read() gave, or `preset`, into its place in the struct at `base`;
 * a text as a copy.
 */
void key_keep(const struct key *key, void *base, const char *text);

#endif
