/* The thread that keeps the deadline of every answer. */
#ifndef CALLHOOK_KEEPER_H
#define CALLHOOK_KEEPER_H

/* The thread; `engine` is a struct engine. Ends when that closes. */
void *keeper_run(void *engine);

#endif
