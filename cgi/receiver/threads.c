/* The threads of a receiver: the committer, and the keeper of deadlines. */
#include "receiver/threads.h"

#include <pthread.h>
#include <unistd.h>

#include "base/thread.h"
#include "receiver/committer.h"
#include "receiver/deadline.h"

/* How long a committer that must end may take once nothing is in flight. */
#define STOP_S 1

static pthread_t committer, deadline;

void threads_start(struct receiver *receiver)
{
    thread_start(&committer, committer_run, receiver);
    thread_start(&deadline, deadline_run, receiver);
}

void threads_stop(struct receiver *receiver, int status)
{
    struct timespec until;

    receiver_close(receiver);
    pthread_join(deadline, NULL);
    /* The time of day: TSan does not know the call with another clock. */
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    if (pthread_timedjoin_np(committer, NULL, &until))
        _exit(status); /* it still uses the settings */
    receiver_free(receiver);
}
