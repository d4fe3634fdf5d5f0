/* A large call record, taken apart step by step. */
#include "calls/record_large.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/result.h"

/* Room for the name of a step, which is the database's affair. */
#define STEP_SIZE 32

/* False: the database failed. The last step says what became of it. */
static bool take_steps(struct database *database,
                       const struct record_store *store,
                       struct reading *reading, char step[STEP_SIZE])
{
    struct database_number place = database_number(0);
    bool going_on = true;

    snprintf(step, STEP_SIZE, "begin");
    while (going_on && record_store_keep(store, reading)) {
        const char *const values[] = {store->tenant_id, reading->call_id,
                                      reading->no, step, place.text};
        PGresult *result = database_try(database,
                                        "SELECT * FROM "
                                        "callhook_store.take_large($1::uuid,"
                                        " $2::uuid, $3::bigint, $4, "
                                        "$5::integer)",
                                        5, values, reading->sqlstate);

        if (!result)
            return false;
        snprintf(step, STEP_SIZE, "%s", result_text(result, 0, "step"));
        place = database_number(result_number(result, 0, "place"));
        PQclear(result);
        going_on = strcmp(step, "stored") != 0 && strcmp(step, "lost") != 0;
    }
    return !going_on;
}

/*
 * One at a time: the run has one watchdog, which a second thread would find
 * stopped, and leave so. Each statement has a deadline; all together have none.
 */
static pthread_mutex_t watchdog_lock = PTHREAD_MUTEX_INITIALIZER;

bool record_large_store(const struct record_store *store,
                        struct reading *reading)
{
    if (pthread_mutex_trylock(&watchdog_lock) != 0)
        return false;
    unsigned watchdog = alarm(0);
    struct database *database = database_open_beside(store->database);
    char step[STEP_SIZE];

    if (database && database_do(database, "BEGIN", 0, NULL) &&
        take_steps(database, store, reading, step)) {
        if (strcmp(step, "stored") != 0)
            reading->result = READING_LOST;
        else if (database_do(database, "COMMIT", 0, NULL))
            reading->result = READING_STORED;
    }
    database_close(database); /* what is not committed is taken back */
    alarm(watchdog);
    pthread_mutex_unlock(&watchdog_lock);
    return true;
}
