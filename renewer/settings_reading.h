/* renewer.conf as it was read: each section with its values and their lines. */
#ifndef RENEWER_SETTINGS_READING_H
#define RENEWER_SETTINGS_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"
#include "settings_keys.h"

struct section {
    unsigned place;                 /* IN_CALLHOOK or IN_TENANT */
    char name[TENANT_NAME_MAX + 1]; /* of the tenant */
    int line;                       /* of its header; 0: it is not there */
    int lines[KEY_COUNT];           /* where a key stands; 0: nowhere */
    char *texts[KEY_COUNT]; /* as kept; NULL: nothing that could be used */
};

struct reading {
    const char *path;
    size_t faults;
    struct section callhook;
    struct section *tenants;
    size_t tenant_count;
    struct section stray; /* its keys are looked at, and then forgotten */
    struct section *current;
    bool begun;  /* a header has been seen */
    bool tenant; /* and one of a tenant, good or bad */
};

/* Tells one more fault; line 0: of the file as a whole. */
void reading_fault(struct reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the file and tells the faults of single lines. */
void reading_begin(struct reading *reading, const char *path);

void reading_end(struct reading *reading);

/*
 * The section whose word counts for the tenant's key: its own, or [callhook],
 * or NULL: neither says anything.
 */
const struct section *reading_source(const struct reading *reading,
                                     const struct section *tenant,
                                     enum key_id id);

/* What counts for the tenant: that section's text, or the default. */
const char *reading_text(const struct reading *reading,
                         const struct section *tenant, enum key_id id);

#endif
