/* The forms that each run writes into the files of the settings. */
#ifndef RENEWER_FILES_H
#define RENEWER_FILES_H

#include <stdbool.h>

#include "settings/settings.h"

/* False: one could not be written, which has been told. */
bool files_write(const struct settings *settings);

#endif
