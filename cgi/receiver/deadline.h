/* The thread that keeps the deadline of every answer. */
#ifndef CALLHOOK_DEADLINE_H
#define CALLHOOK_DEADLINE_H

/* The thread; `receiver` is a struct receiver. Ends when that closes. */
void *deadline_run(void *receiver);

#endif
