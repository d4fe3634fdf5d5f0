/* The end of a connection that owes an answer. */
#include "store/cancel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/thread.h"

/* At a time; servers that hang may hold each up for long. */
#define CANCELS_MAX 4

static atomic_int cancels;

static void *cancel(void *connection)
{
    PGcancel *owed = PQgetCancel(connection);
    char why[256];

    if (owed)
        PQcancel(owed, why, sizeof(why));
    PQfreeCancel(owed);
    PQfinish(connection);
    atomic_fetch_sub(&cancels, 1);
    return NULL;
}

/* For as long as a server that works may take, or not at all. */
static void leave(pthread_t thread, bool ends)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ends;
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) != 0)
        pthread_detach(thread);
}

void cancel_and_close(PGconn *connection, bool ends)
{
    pthread_t thread;

    if (atomic_fetch_add(&cancels, 1) < CANCELS_MAX &&
        thread_try(&thread, cancel, connection)) {
        leave(thread, ends);
    } else {
        atomic_fetch_sub(&cancels, 1);
        PQfinish(connection);
    }
}
