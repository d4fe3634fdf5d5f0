/* Random bytes and GUIDs, from the kernel. */
#ifndef RENEWER_RANDOM_H
#define RENEWER_RANDOM_H

#include <stddef.h>

/* Room for a GUID as text. */
#define RANDOM_GUID_SIZE 37

/* At most 256 bytes. */
void random_bytes(void *out, size_t length);

/* Writes a GUID of version 4, in lower case. */
void random_guid(char text[RANDOM_GUID_SIZE]);

#endif
