/* Microsoft's clouds. */
#ifndef RENEWER_CLOUD_H
#define RENEWER_CLOUD_H

struct cloud {
    const char *name;
    const char *login_url;
    const char *graph_url;
    const char *scope; /* of Graph's tokens */
};

/* NULL: there is none of that name. */
const struct cloud *cloud_find(const char *name);

#endif
