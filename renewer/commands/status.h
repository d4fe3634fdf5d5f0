/* What the command `status` found. */
#ifndef RENEWER_STATUS_H
#define RENEWER_STATUS_H

#include <stddef.h>

#include "commands/status_data.h"
#include "settings/settings.h"

enum kind {
    NEED, /* somebody must act, or should look */
    NOTE, /* the next runs see to it, or nobody can */
};

/* How it stands with a tenant, in sentences. */
struct status_findings {
    struct sentence {
        enum kind kind;
        char *text;
    } * all;
    size_t count;
    size_t needs; /* how many of them */
};

struct status {
    const struct settings *settings;
    struct status_data status_data; /* empty where the database is away */
    char database_fault[400];       /* "": it is there */
    struct status_findings
        *status_findings; /* of each tenant; NULL: the database is away */
    size_t in_need;       /* tenants that need a hand */
};

/* Of tenant number `i` of the settings. status_findings_free() it. */
void status_findings_find(struct status_findings *status_findings,
                          const struct status_data *status_data,
                          const struct settings *settings, size_t i);
void status_findings_free(struct status_findings *status_findings);

/* One JSON object on standard output. */
void status_json_print(const struct status *status);

#endif
