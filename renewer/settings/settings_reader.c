/* The settings of a run, made of what stands in renewer.conf. */
#include "settings/settings_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "settings/cloud.h"
#include "settings/settings_check.h"
#include "settings/settings_file.h"

/* What neither the tenant nor [callhook] says, or says badly, is preset. */
static void put_all(void *base, bool general, const struct settings_file *file,
                    const struct section *section)
{
    for (enum key_id id = 0; id < KEY_COUNT; id++) {
        const struct section *giver = settings_file_giver(file, section, id);
        const char *value = giver ? giver->values[id] : NULL;

        if (keys[id].general == general)
            settings_keys_put(&keys[id], base, value ? value : keys[id].preset);
    }
}

/* What is empty is taken from elsewhere. */
static void fill_in(char **text, const char *instead)
{
    if (**text)
        return;
    free(*text);
    *text = memory_copy(instead);
}

static void make_tenant(struct tenant *tenant, const struct settings_file *file,
                        const struct section *section)
{
    const struct cloud *cloud;

    put_all(tenant, false, file, section);
    snprintf(tenant->name, sizeof(tenant->name), "%s", section->name);
    cloud = cloud_find(tenant->cloud);
    tenant->scope = cloud->scope;
    fill_in(&tenant->login_url, cloud->login_url);
    fill_in(&tenant->graph_url, cloud->graph_url);
    fill_in(&tenant->lifecycle_url, tenant->notification_url);
    if (!settings_file_giver(file, section, KEY_RENEW_EVERY_MINUTES) &&
        tenant->renew_every_minutes > tenant->lifetime_minutes / 2)
        tenant->renew_every_minutes = tenant->lifetime_minutes / 2;
}

size_t settings_reader_read(struct settings *settings, const char *path)
{
    struct settings_file file;
    size_t faults;

    settings_file_read(&file, path);
    put_all(settings, true, &file, &file.sections[0]);
    settings->tenant_count = file.count - 1;
    settings->tenants =
        memory_new(settings->tenant_count, sizeof(*settings->tenants));
    for (size_t i = 0; i < settings->tenant_count; i++)
        make_tenant(&settings->tenants[i], &file, &file.sections[i + 1]);
    settings_check(&file, settings);
    faults = file.faults;
    settings_file_free(&file);
    return faults;
}

void settings_reader_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        settings_keys_free(&settings->tenants[i], false);
    free(settings->tenants);
    settings_keys_free(settings, true);
    *settings = (struct settings){0};
}
