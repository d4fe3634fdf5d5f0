/* What needs a hand for a tenant, in plain words, from what is known. */
#ifndef RENEWER_HEALTH_H
#define RENEWER_HEALTH_H

#include <stddef.h>

#include "overview.h"
#include "settings.h"

struct sentences {
    char **all;
    size_t count;
};

struct health {
    struct sentences needs; /* somebody must act, or should look */
    struct sentences notes; /* the next runs see to it */
};

/* health_free() it. */
void health_find(struct health *health, const struct overview *overview,
                 const struct tenant *tenant);
void health_free(struct health *health);

/* "live", "announced" (Graph has not named it yet) or "expired". */
const char *health_state(const struct overview *overview,
                         const struct kept *kept);

#endif
