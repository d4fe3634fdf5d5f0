/* Microsoft's clouds. */
#include "settings/cloud.h"

#include <stddef.h>
#include <string.h>

#define CLOUD(name, login, graph)                                              \
    {                                                                          \
        (name), (login), (graph), graph "/.default"                            \
    }

const struct cloud *cloud_find(const char *name)
{
    static const struct cloud clouds[] = {
        CLOUD("global", "https://login.microsoftonline.com",
              "https://graph.microsoft.com"),
        CLOUD("usgov", "https://login.microsoftonline.us",
              "https://graph.microsoft.us"),
        CLOUD("dod", "https://login.microsoftonline.us",
              "https://dod-graph.microsoft.us"),
    };

    for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++)
        if (strcmp(clouds[i].name, name) == 0)
            return &clouds[i];
    return NULL;
}
