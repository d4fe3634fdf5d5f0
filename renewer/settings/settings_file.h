/* renewer.conf as it stands: sections, and what was wrong on the way. */
#ifndef RENEWER_SETTINGS_FILE_H
#define RENEWER_SETTINGS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "settings/settings_keys.h"

struct section {
    const char *name;     /* of the tenant; "": [callhook] */
    unsigned place;       /* IN_CALLHOOK or IN_TENANT */
    int line;             /* of its header; 0: it is not there */
    bool stray;           /* its keys are looked at, and nothing else */
    int lines[KEY_COUNT]; /* where a key stands; 0: nowhere */
    const char *values[KEY_COUNT]; /* NULL: none, or a bad one */
};

struct settings_file {
    const char *path;
    char *bytes; /* what names and values are in */
    size_t length;
    size_t faults;            /* reported */
    struct section *sections; /* the first is [callhook] */
    size_t count;
};

/* Reads the file, and tells each fault. settings_file_free() it. */
void settings_file_read(struct settings_file *file, const char *path);
void settings_file_free(struct settings_file *file);

/* Reports one more fault; line 0: of the file as a whole. */
void settings_file_fault(struct settings_file *file, int line,
                         const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The section whose word counts for the tenant's key, its own or [callhook];
 * NULL: neither has the key. */
const struct section *settings_file_giver(const struct settings_file *file,
                                          const struct section *tenant,
                                          enum key_id id);

#endif
