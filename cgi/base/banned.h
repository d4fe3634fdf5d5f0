/*
 * Calls that overflow, that cannot tell a bad number, or that threads must not
 * make. The build includes this first; using one of them is an error.
 */
#ifndef CALLHOOK_BANNED_H
#define CALLHOOK_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf
#pragma GCC poison gets strtok atoi atol atoll atof
#pragma GCC poison asctime ctime gmtime localtime asctime_r ctime_r

#endif
