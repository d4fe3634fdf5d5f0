/* What several keys say together, and the files that they name. */
#ifndef RENEWER_SETTINGS_CHECK_H
#define RENEWER_SETTINGS_CHECK_H

#include "settings/settings.h"
#include "settings/settings_file.h"

/* Reports each fault; tenant number i is made of section number i + 1. */
void settings_check(struct settings_file *file,
                    const struct settings *settings);

#endif
