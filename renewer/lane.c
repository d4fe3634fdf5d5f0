/* How many answers of which size may be on their way, over all threads. */
#include "lane.h"

#include <pthread.h>

#include "http.h"

static struct {
    size_t limit;
    int places;
} lanes[LANES] = {
    {256UL << 10, 64},
    {2UL << 20, 4},
    {HTTP_PAGE, 1},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

size_t lane_limit(size_t lane)
{
    return lanes[lane].limit;
}

bool lane_take(size_t lane)
{
    bool taken;

    pthread_mutex_lock(&lock);
    taken = lanes[lane].places > 0;
    lanes[lane].places -= taken;
    pthread_mutex_unlock(&lock);
    return taken;
}

void lane_give(size_t lane)
{
    pthread_mutex_lock(&lock);
    lanes[lane].places++;
    pthread_mutex_unlock(&lock);
}
