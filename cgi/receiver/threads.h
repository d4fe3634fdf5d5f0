/* The threads of a receiver: the committer, and the keeper of deadlines. */
#ifndef CALLHOOK_THREADS_H
#define CALLHOOK_THREADS_H

#include "receiver/receiver.h"

/* Starts them; the receiver must outlive them. */
void threads_start(struct receiver *receiver);

/*
 * Waits until nothing is in flight, then ends the threads. Nothing may be
 * parked any more. If the committer is stuck in a look-up of a host name, the
 * program ends with `status` at once.
 */
void threads_stop(struct receiver *receiver, int status);

#endif
