/* The settings of a run, as renewer.conf has them. */
#include "settings/settings.h"

#include <string.h>

const struct tenant *settings_tenant(const struct settings *settings,
                                     const char *name)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].name, name) == 0)
            return &settings->tenants[i];
    return NULL;
}
