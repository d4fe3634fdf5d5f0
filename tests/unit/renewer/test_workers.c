/* Workers that take turns. */
#include "http/workers.h"

#include "unit.h"

#define TASKS 100

struct work {
    int tasks[TASKS]; /* how often each was done */
    size_t next;
    size_t over; /* were shown to take() as the last one */
    int fails;   /* the number of the task that fails; -1: none */
};

static void *take(void *context, void *last)
{
    struct work *work = context;

    work->over += last != NULL;
    return work->next < TASKS ? &work->tasks[work->next++] : NULL;
}

static bool do_one(void *context, void *task, struct http *http)
{
    struct work *work = context;
    int *times = task;

    (*times)++;
    return http && times - work->tasks != work->fails;
}

static const struct crew {
    const char *name;
    size_t count;
    int fails;
} crews[] = {
    {"none asked for", 0, -1},
    {"one", 1, -1},
    {"many", 7, -1},
    {"many, the first task fails", 7, 0},
    {"one, a task fails", 1, 50},
};

TEST_EACH(each_task_once, crews, crew)
{
    struct work work = {.fails = crew->fails};
    const struct workers workers = {
        .count = crew->count, .take = take, .work = do_one, .context = &work};

    assert_int_equal(workers_run(&workers), crew->fails < 0);
    for (size_t i = 0; i < TASKS; i++)
        assert_int_equal(work.tasks[i], 1);
    assert_int_equal(work.over, TASKS);
}
