/* /etc/callhook/renewer.conf, read and checked. */
#ifndef RENEWER_SETTINGS_READER_H
#define RENEWER_SETTINGS_READER_H

#include <stddef.h>

#include "settings/settings.h"

/*
 * Reads `path` and every file that it names, checks all of it, and tells each
 * fault on a line of its own, "FILE:LINE: what". Returns how many there were;
 * 0: settings can be used. settings_reader_free() in either case.
 */
size_t settings_reader_read(struct settings *settings, const char *path);

void settings_reader_free(struct settings *settings);

#endif
