/* Threads that start, or else the program ends. */
#include "base/thread.h"

#include <string.h>
#include <sysexits.h>

#include "base/log.h"

#define STACK_BYTES ((size_t)1 << 20)

static int start(pthread_t *thread, void *(*run)(void *context), void *context)
{
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(thread, &attributes, run, context);
    pthread_attr_destroy(&attributes);
    return error;
}

void thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
    int error = start(thread, run, context);

    if (error)
        die(EX_OSERR, "no thread can be started: %s", strerror(error));
}

bool thread_try(pthread_t *thread, void *(*run)(void *context), void *context)
{
    return start(thread, run, context) == 0;
}
