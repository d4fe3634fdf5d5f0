/* /etc/callhook/renewer.conf, read and checked. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "settings_check.h"
#include "settings_keys.h"
#include "settings_reading.h"
#include "settings_values.h"

/* What is empty is taken from elsewhere. */
static void fill_in(char **text, const char *instead)
{
    if (**text)
        return;
    free(*text);
    *text = memory_copy(instead);
}

static void resolve_tenant(const struct reading *reading,
                           const struct section *section, struct tenant *tenant)
{
    const struct cloud *cloud =
        cloud_find(reading_text(reading, section, KEY_CLOUD));

    for (enum key_id id = 0; id < KEY_COUNT; id++)
        if (keys[id].places & IN_TENANT)
            key_keep(&keys[id], tenant, reading_text(reading, section, id));
    memcpy(tenant->name, section->name, sizeof(tenant->name));
    fill_in(&tenant->login_url, cloud->login_url);
    fill_in(&tenant->graph_url, cloud->graph_url);
    fill_in(&tenant->lifecycle_url, tenant->notification_url);
    tenant->scope = memory_print("%s/.default", cloud->graph_url);
    if (!reading_source(reading, section, KEY_RENEW_EVERY_MINUTES) &&
        tenant->renew_every_minutes > tenant->lifetime_minutes / 2)
        tenant->renew_every_minutes = tenant->lifetime_minutes / 2;
}

static void resolve(const struct reading *reading, struct settings *settings)
{
    for (enum key_id id = 0; id < KEY_COUNT; id++)
        if (keys[id].places == IN_CALLHOOK)
            key_keep(&keys[id], settings,
                     reading_text(reading, &reading->callhook, id));
    settings->tenant_count = reading->tenant_count;
    settings->tenants =
        memory_new(reading->tenant_count, sizeof(*settings->tenants));
    for (size_t i = 0; i < reading->tenant_count; i++)
        resolve_tenant(reading, &reading->tenants[i], &settings->tenants[i]);
}

size_t settings_read(struct settings *settings, const char *path)
{
    struct reading reading;

    *settings = (struct settings){0};
    reading_begin(&reading, path);
    settings_check(&reading);
    resolve(&reading, settings);
    size_t faults = reading.faults;
    reading_end(&reading);
    return faults;
}

static void tenant_free(struct tenant *tenant)
{
    for (enum key_id id = 0; id < KEY_COUNT; id++)
        if ((keys[id].places & IN_TENANT) && keys[id].type == TYPE_TEXT)
            free(*(char **)(void *)((char *)tenant + keys[id].offset));
    free(tenant->scope);
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        tenant_free(&settings->tenants[i]);
    free(settings->tenants);
    memory_wipe(settings->database);
    free(settings->state_dir);
    *settings = (struct settings){0};
}

const struct tenant *settings_tenant(const struct settings *settings,
                                     const char *name)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].name, name) == 0)
            return &settings->tenants[i];
    return NULL;
}
