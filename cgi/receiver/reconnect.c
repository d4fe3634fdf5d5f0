/* Connecting again: when, and what shows that the database takes rows. */
#include "receiver/reconnect.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/insert.h"

#define MS INT64_C(1000)

/* Pauses between attempts to connect: a database that is back is noticed
 * within 5 s. */
#define BACKOFF_MIN_US (50 * MS)
#define BACKOFF_MAX_US (2000 * MS)
/* How long a connection that owes an answer is waited for before another is
 * made: each that is given up may leave a process behind in the server. */
#define PATIENCE_MIN_US (3 * 1000 * MS)
#define PATIENCE_MAX_US (600 * 1000 * MS)

/*
 * A batch of no rows shows that the table takes one, a record in the log that
 * a commit gets through; both must, for a server can hang in either.
 */
static bool probe(struct database *database, int64_t deadline)
{
    static const char commit[] = "SELECT "
                                 "pg_catalog.pg_logical_emit_message(true, "
                                 "'callhook', '')";
    const struct buffer nothing = {0};

    insert_copy_begin(database);
    enum database_outcome outcome = insert_copy(database, &nothing, deadline);
    if (outcome == DATABASE_DONE) {
        outcome = DATABASE_DOUBT;
        if (PQsendQuery(database->connection, commit))
            outcome = database_settle(database, DATABASE_DONE, deadline);
    }
    if (outcome != DATABASE_DONE)
        log_cause(LOG_CONNECTION, "the database takes no rows: %s",
                  database_fault(database));
    return outcome == DATABASE_DONE;
}

/* Waits for the connection that owes an answer, then gives it up. */
static void watch_overdue(struct reconnect *reconnect,
                          struct database *database)
{
    int64_t patience =
        reconnect->patience_us ? 2 * reconnect->patience_us : PATIENCE_MIN_US;
    int64_t end;

    reconnect->patience_us =
        patience < PATIENCE_MAX_US ? patience : PATIENCE_MAX_US;
    end = clock_now() + reconnect->patience_us;
    while (!receiver_is_closing(reconnect->receiver) && clock_now() < end)
        if (database_has_stirred(database, clock_now() + 200 * MS))
            break;
    database_close(database);
}

static void pause_before_next_try(struct reconnect *reconnect)
{
    struct receiver *receiver = reconnect->receiver;
    int64_t backoff =
        reconnect->backoff_us ? 2 * reconnect->backoff_us : BACKOFF_MIN_US;

    reconnect->backoff_us = backoff < BACKOFF_MAX_US ? backoff : BACKOFF_MAX_US;
    int64_t until = clock_now() + reconnect->backoff_us;
    pthread_mutex_lock(&receiver->lock);
    while (!receiver->closing && clock_now() < until)
        receiver_wait_for_work(receiver, until);
    pthread_mutex_unlock(&receiver->lock);
}

void reconnect_attempt(struct reconnect *reconnect, struct database *database,
                       struct trust *trust)
{
    struct receiver *receiver = reconnect->receiver;

    if (database->overdue) {
        receiver_note_database(receiver, false, true);
        watch_overdue(reconnect, database);
    }
    bool reached = (database->connection || database_connect(database)) &&
                   trust_read(trust, database) &&
                   probe(database, clock_now() + receiver->settings->ack_us);

    receiver_note_database(receiver, reached, !reached);
    if (!reached) {
        if (database->overdue)
            return;
        /* Another session may have other settings, or another server. */
        database_close(database);
        pause_before_next_try(reconnect);
        return;
    }
    if (reconnect->backoff_us || reconnect->patience_us)
        log_line("the database takes rows again");
    reconnect->backoff_us = 0;
}

void reconnect_forget(struct reconnect *reconnect)
{
    reconnect->patience_us = 0;
}
