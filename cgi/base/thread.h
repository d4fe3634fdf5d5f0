/* Threads that start, or else the program ends. */
#ifndef CALLHOOK_THREAD_H
#define CALLHOOK_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts one, with a stack of our size whatever the limits of the shell. */
void thread_start(pthread_t *thread, void *(*run)(void *context),
                  void *context);

/* The same for one without which the program goes on: false, it did not. */
bool thread_try(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
