/* Room in memory for answers. */
#include "graph/lanes.h"

#include <pthread.h>

#include "http/http.h"

/*
 * 32 MiB in all. libpq keeps a copy of the largest, and the rest of the program
 * has some 12 MiB. A buffer grows by doubling: one byte more than the last
 * limit would take 32 MiB.
 */
static struct {
    size_t limit;
    int places;
} lanes[LANES] = {
    {256UL << 10, 48},
    {2UL << 20, 2},
    {HTTP_PAGE - 1, 1},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

size_t lanes_limit(size_t lane)
{
    return lanes[lane].limit;
}

bool lanes_take(size_t lane)
{
    bool taken;

    pthread_mutex_lock(&lock);
    taken = lanes[lane].places > 0;
    lanes[lane].places -= taken;
    pthread_mutex_unlock(&lock);
    return taken;
}

void lanes_give(size_t lane)
{
    pthread_mutex_lock(&lock);
    lanes[lane].places++;
    pthread_mutex_unlock(&lock);
}
