/* Threads that take turns, each with connections of its own. */
#include "http/workers.h"

#include <pthread.h>

#include "base/memory.h"

struct pool {
    const struct workers *workers;
    pthread_mutex_t lock;
};

static void *take(struct pool *pool, void *last)
{
    void *task;

    pthread_mutex_lock(&pool->lock);
    task = pool->workers->take(pool->workers->context, last);
    pthread_mutex_unlock(&pool->lock);
    return task;
}

/* Returns NULL if all went well. */
static void *work(void *argument)
{
    struct pool *pool = argument;
    const struct workers *workers = pool->workers;
    struct http *http = http_open();
    void *task = NULL;
    bool good = true;

    while ((task = take(pool, task)))
        good = workers->work(workers->context, task, http) && good;
    http_close(http);
    return good ? NULL : pool;
}

/* This thread is one of them, so that there is always one. */
bool workers_run(const struct workers *workers)
{
    struct pool pool = {.workers = workers, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t *threads = memory_new(workers->count, sizeof(*threads));
    size_t count = 0;
    void *failed;
    bool good;

    while (count + 1 < workers->count &&
           pthread_create(&threads[count], NULL, work, &pool) == 0)
        count++;
    good = work(&pool) == NULL;
    while (count) {
        pthread_join(threads[--count], &failed);
        good = good && !failed;
    }
    free(threads);
    return good;
}
