/* Random bytes, GUIDs and secrets, from the kernel. */
#ifndef RENEWER_RANDOM_H
#define RENEWER_RANDOM_H

#include <stddef.h>

/* Room for a GUID as text. */
#define RANDOM_GUID_SIZE 37

/* A subscription's secret (clientState), which is kept as its digest. */
struct secret {
    char text[33];               /* 128 random bits, in hexadecimal */
    char sha256_hex[2 * 32 + 1]; /* of the text */
};

/* At most 256 bytes. */
void random_bytes(void *out, size_t length);

/* Writes a GUID of version 4, in lower case. */
void random_guid(char text[RANDOM_GUID_SIZE]);

void secret_make(struct secret *secret);

/* Writes bytes in hexadecimal; `text` has room for them and a NUL. */
void hex_write(char *text, const unsigned char *bytes, size_t length);

#endif
