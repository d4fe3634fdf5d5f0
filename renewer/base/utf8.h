/* Whether bytes are UTF-8, strictly: RFC 3629. */
#ifndef RENEWER_UTF8_H
#define RENEWER_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_is_sound(const char *text, size_t length);

#endif
