/* Threads that start, or the program ends. */
#include "base/thread.h"

#include <string.h>
#include <sysexits.h>

#include "base/log.h"

#define STACK_BYTES ((size_t)1 << 20)

void thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(thread, &attributes, run, context);
    pthread_attr_destroy(&attributes);
    if (error)
        die(EX_OSERR, "no thread can be started: %s", strerror(error));
}
