/* The values of renewer.conf: what is wrong with them, and how they are kept.
 */
#ifndef RENEWER_SETTINGS_VALUES_H
#define RENEWER_SETTINGS_VALUES_H

#include <stddef.h>

struct key;

/* One of Microsoft's clouds. */
struct cloud {
    const char *name;
    const char *login_url;
    const char *graph_url;
};

/* NULL: there is none of that name. */
const struct cloud *cloud_find(const char *name);

/*
 * Each returns the value as it is kept, for the caller to free; or NULL, and
 * then `why` says what is wrong with it. Where "" is "not given", it is fine.
 */
char *value_text(const struct key *key, const char *value, char *why,
                 size_t why_size);
char *value_folder(const struct key *key, const char *value, char *why,
                   size_t why_size);
char *value_number(const struct key *key, const char *value, char *why,
                   size_t why_size);
char *value_switch(const struct key *key, const char *value, char *why,
                   size_t why_size); /* "on" or "off" */
char *value_guid(const struct key *key, const char *value, char *why,
                 size_t why_size);
char *value_url(const struct key *key, const char *value, char *why,
                size_t why_size);
char *value_origin(const struct key *key, const char *value, char *why,
                   size_t why_size);
char *value_proxy(const struct key *key, const char *value, char *why,
                  size_t why_size);
char *value_cloud(const struct key *key, const char *value, char *why,
                  size_t why_size);
char *value_resource(const struct key *key, const char *value, char *why,
                     size_t why_size);
char *value_changes(const struct key *key, const char *value, char *why,
                    size_t why_size);

#endif
