/* Threads that start, or the program ends. */
#ifndef CALLHOOK_THREAD_H
#define CALLHOOK_THREAD_H

#include <pthread.h>

/* Starts one, with a stack of our size whatever the limits of the shell. */
void thread_start(pthread_t *thread, void *(*run)(void *context),
                  void *context);

#endif
