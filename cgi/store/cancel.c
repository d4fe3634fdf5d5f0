/* The end of a connection that owes an answer. */
#include "store/cancel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/thread.h"

/* At a time; servers that hang may hold each up for long. */
#define CANCELS_MAX 4

static atomic_int cancels;

/*
 * Once more when it is closed: of several transactions that were sent the next
 * may have begun to wait, and now there is none behind it.
 */
static void *cancel(void *connection)
{
    PGcancel *owed = PQgetCancel(connection);
    char why[256];

    if (owed)
        PQcancel(owed, why, sizeof(why));
    PQfinish(connection);
    if (owed)
        PQcancel(owed, why, sizeof(why));
    PQfreeCancel(owed);
    atomic_fetch_sub(&cancels, 1);
    return NULL;
}

/* For as long as a server that works may take, or not at all. */
static void leave(pthread_t thread, bool ends)
{
    struct timespec until;

    /* The time of day: TSan does not know the call with another clock. */
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (!ends || pthread_timedjoin_np(thread, NULL, &until) != 0)
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
