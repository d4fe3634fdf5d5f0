/* What several keys say together, and the files that they name. */
#ifndef RENEWER_SETTINGS_CHECK_H
#define RENEWER_SETTINGS_CHECK_H

#include "settings_reading.h"

/* Checks all that has been read and tells each fault. */
void settings_check(struct reading *reading);

#endif
