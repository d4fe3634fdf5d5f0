/* The keys of renewer.conf, and the sections as they are read. */
#ifndef RENEWER_SETTINGS_KEYS_H
#define RENEWER_SETTINGS_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "settings/settings.h"

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

enum key_kind {
    KIND_NUMBER,  /* long */
    KIND_SWITCH,  /* bool */
    KIND_TEXT,    /* char *, as the others */
    KIND_FOLDER,  /* an absolute path */
    KIND_GUID,    /* kept in lower case */
    KIND_URL,     /* "": not given */
    KIND_ORIGIN,  /* as URL, but scheme, host and port only */
    KIND_PROXY,   /* as ORIGIN, http everywhere */
    KIND_CLOUD,   /* one of Microsoft's */
    KIND_PATH,    /* of a resource at Graph */
    KIND_CHANGES, /* a list, kept in one order */
};

struct key {
    const char *name; /* also of the member that holds it */
    unsigned places;
    enum key_kind kind;
    size_t offset; /* in struct settings for [callhook] only, else in tenant */
    const char *preset;
    long min, max; /* of a number */
};

extern const struct key keys[KEY_COUNT];

/* Room for what is wrong with a value. */
#define WHY_SIZE 256

/*
 * Reads a value into its place in the struct at `base`. False: nothing is
 * changed, and `why` says what is wrong.
 */
bool settings_keys_read(const struct key *key, void *base, const char *value,
                        char why[WHY_SIZE]);

/* Where a text stands in the struct at `base`; NULL: the key is no text. */
char **settings_keys_text(const struct key *key, void *base);

/* One of Microsoft's clouds; NULL: there is none of that name. */
const struct cloud {
    const char *name;
    const char *login_url;
    const char *graph_url;
} * cloud_find(const char *name);

/* A section, with the values of its keys, or their presets. */
struct section {
    unsigned place;          /* IN_CALLHOOK or IN_TENANT */
    int line;                /* of its header; 0: it is not there */
    bool stray;              /* its keys are looked at, and nothing else */
    int lines[KEY_COUNT];    /* where a key stands; 0: nowhere */
    bool faulty[KEY_COUNT];  /* it is there and could not be read */
    struct settings general; /* of [callhook] */
    struct tenant tenant;    /* in [callhook]: what tenants inherit */
};

struct reading {
    const char *path;
    size_t faults;
    int line;                 /* the one that is read */
    struct section *sections; /* the first is [callhook] */
    size_t count;
    struct section *current; /* NULL: none, or one that is unknown */
    bool begun;              /* a header has been seen */
    bool tenant;             /* and one of a tenant, good or bad */
};

/* Tells one more fault; line 0: of the file as a whole. */
void settings_fault(struct reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The line of what counts for the tenant's key, its own or [callhook]'s; 0:
 * neither says anything.
 */
int settings_line(const struct reading *reading, const struct section *tenant,
                  enum key_id id);

/*
 * Checks what several keys say together once tenants have inherited, and the
 * files that they name; tells each fault.
 */
void settings_check(struct reading *reading);

#endif
