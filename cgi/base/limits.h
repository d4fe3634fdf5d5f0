/* What the system must allow this process. */
#ifndef CALLHOOK_LIMITS_H
#define CALLHOOK_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Raises soft limits that are too low; false, and told, if the hard ones are.
 * A limit on the size of files makes a write fail from then on, and does not
 * end the program.
 */
bool limits_prepare(void);

/* How many connections there may be; the spool and the database need some
 * descriptors, too. */
size_t limits_connections(void);

#endif
