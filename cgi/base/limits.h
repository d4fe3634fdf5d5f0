/* What the system must allow this process. */
#ifndef CALLHOOK_LIMITS_H
#define CALLHOOK_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Nothing else may get the number of a standard stream that is closed: messages
 * would go into a file or to the database. Writing to it fails, as before.
 */
void limits_fill_streams(void);

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
