/* What the command `status` found, and its two forms. */
#ifndef RENEWER_STATUS_H
#define RENEWER_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "health.h"
#include "overview.h"
#include "settings.h"

struct status {
    const struct settings *settings;
    struct overview overview; /* empty where the database is away */
    char database_fault[400]; /* "": it is there */
    bool last_known;          /* last_item_at could be read */
    struct health *health;    /* of each tenant; NULL: the database is away */
    size_t in_need;           /* tenants that need a hand */
};

/* A table of 80 columns on standard output; red in it where `colour`. */
void status_print_table(const struct status *status, bool colour);

/* One JSON object on standard output. */
void status_print_json(const struct status *status);

#endif
