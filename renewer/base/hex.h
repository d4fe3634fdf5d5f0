/* Bytes in hexadecimal. */
#ifndef RENEWER_HEX_H
#define RENEWER_HEX_H

#include <stddef.h>

/* Writes bytes in hexadecimal; `text` has room for them and a NUL. */
void hex_write(char *text, const unsigned char *bytes, size_t length);

#endif
