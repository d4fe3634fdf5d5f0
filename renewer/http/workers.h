/* Threads that take turns, each with connections of its own. */
#ifndef RENEWER_WORKERS_H
#define RENEWER_WORKERS_H

#include "http/http.h"

/* Fill it in. */
struct workers {
    size_t count; /* threads at a time; 0 is the same as 1 */
    /*
     * The next task, or NULL: this worker's work is over. `last` is the task
     * that it has just done, NULL at first. One worker at a time is in it.
     */
    void *(*take)(void *context, void *last);
    /* Does a task; returns false if it failed. */
    bool (*work)(void *context, void *task, struct http *http);
    void *context;
};

/* Returns when no task is left: false if any failed. */
bool workers_run(const struct workers *workers);

#endif
