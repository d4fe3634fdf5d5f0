/* GUIDs as text, in lower case. */
#ifndef RENEWER_GUID_H
#define RENEWER_GUID_H

#include <stdbool.h>

/* Room for one and a NUL. */
#define GUID_SIZE 37

/* The GUID in lower case; false: the text is none. */
bool guid_read(char guid[GUID_SIZE], const char *text);

/* A new one of version 4. */
void guid_make(char guid[GUID_SIZE]);

#endif
