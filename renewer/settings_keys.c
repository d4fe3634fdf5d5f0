/* The keys of renewer.conf: where each may stand, and what it may say. */
#include "settings_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "settings.h"
#include "settings_values.h"

/* Places and offset: in [callhook] only, in both, in [tenant NAME] only. */
#define GENERAL(member) IN_CALLHOOK, offsetof(struct settings, member)
#define INHERITED(member)                                                      \
    IN_CALLHOOK | IN_TENANT, offsetof(struct tenant, member)
#define OWN(member) IN_TENANT, offsetof(struct tenant, member)

const struct key keys[KEY_COUNT] = {
    [KEY_DATABASE] = {"database", TYPE_TEXT, GENERAL(database), "", 0, 0,
                      value_text},
    [KEY_STATE_DIR] = {"state_dir", TYPE_TEXT, GENERAL(state_dir),
                       "/var/lib/callhook", 0, 0, value_folder},
    [KEY_RETENTION_DAYS] = {"retention_days", TYPE_NUMBER,
                            GENERAL(retention_days), "0", 0, 36500,
                            value_number},
    [KEY_NOTIFICATION_URL] = {"notification_url", TYPE_TEXT,
                              INHERITED(notification_url), "", 0, 0, value_url},
    [KEY_LIFECYCLE_URL] = {"lifecycle_url", TYPE_TEXT, INHERITED(lifecycle_url),
                           "", 0, 0, value_url},
    [KEY_LIFETIME_MINUTES] = {"lifetime_minutes", TYPE_NUMBER,
                              INHERITED(lifetime_minutes), "4200", 45, 4230,
                              value_number},
    [KEY_RENEW_EVERY_MINUTES] = {"renew_every_minutes", TYPE_NUMBER,
                                 INHERITED(renew_every_minutes), "120", 1, 2115,
                                 value_number},
    [KEY_RECORDS] = {"records", TYPE_SWITCH, INHERITED(records), "off", 0, 0,
                     value_switch},
    [KEY_RECONCILE] = {"reconcile", TYPE_SWITCH, INHERITED(reconcile), "on", 0,
                       0, value_switch},
    [KEY_PSTN] = {"pstn", TYPE_SWITCH, INHERITED(pstn), "off", 0, 0,
                  value_switch},
    [KEY_PROXY] = {"proxy", TYPE_TEXT, INHERITED(proxy), "", 0, 0, value_proxy},
    [KEY_TENANT_ID] = {"tenant_id", TYPE_TEXT, OWN(tenant_id), "", 0, 0,
                       value_guid},
    [KEY_CLIENT_ID] = {"client_id", TYPE_TEXT, OWN(client_id), "", 0, 0,
                       value_guid},
    [KEY_CLIENT_SECRET_FILE] = {"client_secret_file", TYPE_TEXT,
                                OWN(client_secret_file), "", 0, 0, value_text},
    [KEY_CERTIFICATE_FILE] = {"certificate_file", TYPE_TEXT,
                              OWN(certificate_file), "", 0, 0, value_text},
    [KEY_PRIVATE_KEY_FILE] = {"private_key_file", TYPE_TEXT,
                              OWN(private_key_file), "", 0, 0, value_text},
    [KEY_CLOUD] = {"cloud", TYPE_NONE, IN_TENANT, 0, "global", 0, 0,
                   value_cloud},
    [KEY_LOGIN_URL] = {"login_url", TYPE_TEXT, OWN(login_url), "", 0, 0,
                       value_origin},
    [KEY_GRAPH_URL] = {"graph_url", TYPE_TEXT, OWN(graph_url), "", 0, 0,
                       value_origin},
    [KEY_CA_FILE] = {"ca_file", TYPE_TEXT, OWN(ca_file), "", 0, 0, value_text},
    [KEY_RESOURCE] = {"resource", TYPE_TEXT, OWN(resource),
                      "communications/callRecords", 0, 0, value_resource},
    [KEY_CHANGE_TYPE] = {"change_type", TYPE_TEXT, OWN(change_type), "updated",
                         0, 0, value_changes},
};

enum key_id key_find(const char *name)
{
    enum key_id id = 0;

    while (id < KEY_COUNT && strcmp(keys[id].name, name) != 0)
        id++;
    return id;
}

void key_keep(const struct key *key, void *base, const char *text)
{
    char *place = (char *)base + key->offset;

    switch (key->type) {
    case TYPE_TEXT:
        *(char **)(void *)place = memory_copy(text);
        break;
    case TYPE_NUMBER:
        *(long *)(void *)place = strtol(text, NULL, 10);
        break;
    case TYPE_SWITCH:
        *(bool *)(void *)place = strcmp(text, "on") == 0;
        break;
    case TYPE_NONE:
        break;
    }
}
