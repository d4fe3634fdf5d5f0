/* The settings of a run, as renewer.conf has them. */
#include "settings/settings.h"

#include <string.h>

#include "base/log.h"

const struct tenant *settings_tenant(const struct settings *settings,
                                     const char *name)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].name, name) == 0)
            return &settings->tenants[i];
    return NULL;
}

const struct tenant *settings_tenant_or_log(const struct settings *settings,
                                            const char *name)
{
    const struct tenant *tenant = settings_tenant(settings, name);

    if (!tenant)
        log_line("there is no tenant \"%.80s\" in the settings: "
                 "callhook-renewer -n names them",
                 name);
    return tenant;
}
