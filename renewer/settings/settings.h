/* The settings of a run, as renewer.conf has them. */
#ifndef RENEWER_SETTINGS_H
#define RENEWER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define TENANT_NAME_MAX 32

/*
 * One [tenant NAME]. Texts are never NULL; "" is "not given". What a tenant
 * does not set itself is filled in from [callhook], or with the default.
 */
struct tenant {
    char name[TENANT_NAME_MAX + 1];
    char *tenant_id; /* a GUID in lower case, as client_id */
    char *client_id;
    char *client_secret_file; /* this, or the next two */
    char *certificate_file;
    char *private_key_file;
    char *cloud;       /* "global", ... */
    const char *scope; /* follows it */
    char *login_url;   /* "https://login.microsoftonline.com", no path */
    char *graph_url;   /* "https://graph.microsoft.com", no path */
    char *ca_file;
    char *proxy;    /* "" = none */
    char *resource; /* as written, without a leading slash */
    char *change_type;
    char *notification_url;
    char *lifecycle_url; /* never "": notification_url by default */
    long lifetime_minutes;
    long renew_every_minutes;
    bool records;
    bool reconcile;
    bool pstn;
    bool quota; /* Graph's are kept */
};

struct settings {
    char *database; /* libpq conninfo, "" = the PG... environment */
    char *state_dir;
    char *status_page;  /* "" = none, as the next */
    char *metrics_file; /* a Prometheus textfile */
    long retention_days;
    bool silence_alarm;
    struct tenant *tenants;
    size_t tenant_count;
};

/* The tenant of that name, or NULL. */
const struct tenant *settings_tenant(const struct settings *settings,
                                     const char *name);

/* The same; logs that there is none. */
const struct tenant *settings_tenant_or_log(const struct settings *settings,
                                            const char *name);

#endif
