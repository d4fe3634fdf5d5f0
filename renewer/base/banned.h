/*
 * What the build includes first in every file: the types that all of them use,
 * and the calls that are an error, for they overflow, cannot tell a bad number,
 * or must not be made by threads.
 */
#ifndef RENEWER_BANNED_H
#define RENEWER_BANNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf
#pragma GCC poison gets strtok atoi atol atoll atof
#pragma GCC poison asctime ctime gmtime localtime asctime_r ctime_r

#endif
