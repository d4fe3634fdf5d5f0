/*
 * The thread that owns the database connection. It takes all that is parked
 * as one batch, so that requests which arrive while a commit is under way
 * share the next one; one batch is in flight at a time. The last one is
 * answered while the database prepares for the next: at 20 items x 32
 * connections that made 1.14 of the rate (answers after the rows were sent
 * made 1.2, but would wait for a locked table).
 */
#include "receiver/committer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stats.h"
#include "receiver/drain.h"
#include "receiver/receiver.h"
#include "receiver/reconnect.h"
#include "receiver/trust.h"
#include "store/batch.h"
#include "store/database.h"
#include "store/refusals.h"
#include "store/statistics.h"

#define MS INT64_C(1000)

#define MINUTE_US (60 * 1000 * MS)
/* From which duration of a commit on it pays to wait for company, what each
 * row may add to it, and how long at most. Tried without the rows' share: the
 * batches of large bodies on a fast disk waited for nothing. */
#define HOLD_FROM_US (1 * MS)
#define HOLD_ROW_US 5
#define HOLD_MAX_US (20 * MS)

struct committer {
    struct receiver *receiver;
    struct database database;
    struct batch batch;
    struct drain drain;
    struct trust trust;
    struct reconnect reconnect;
    int64_t minute_due; /* the end of this one */
    bool minutes_due;   /* to be written */
    int64_t commit_us;  /* the last batch took, its rows' share left out */
    size_t returning;   /* clients that it answered, or that waited then */
    struct exchange_list stored, failed; /* to be answered */
};

/* Takes all that is decided into the batch. */
static bool fill_batch(struct committer *c)
{
    struct receiver *receiver = c->receiver;
    struct exchange *exchange;

    batch_clear(&c->batch);
    pthread_mutex_lock(&receiver->lock);
    exchange_list_move(&receiver->taken, &receiver->decided);
    receiver->taken_is_sent = false;
    pthread_mutex_unlock(&receiver->lock);
    /* The list is this thread's until it is marked as sent. */
    for (exchange = receiver->taken.first; exchange;
         exchange = exchange->next) {
        batch_add(&c->batch, &exchange->items);
        c->batch.maybe_stored |= exchange->in_doubt;
    }
    pthread_mutex_lock(&receiver->lock);
    receiver->taken_is_sent = true;
    pthread_mutex_unlock(&receiver->lock);
    return c->batch.owners > 0;
}

/* Takes back those that were not claimed meanwhile. */
static struct exchange_list unclaimed(struct receiver *receiver)
{
    struct exchange_list list = {0};

    pthread_mutex_lock(&receiver->lock);
    exchange_list_move(&list, &receiver->taken);
    receiver->taken_is_sent = false;
    pthread_mutex_unlock(&receiver->lock);
    return list;
}

/* A batch is stored; `failed` owners have rows that are not. */
static void sort_stored(struct committer *c, const bool *failed)
{
    struct exchange_list list = unclaimed(c->receiver);
    struct exchange *exchange;
    unsigned owner = 0;

    while ((exchange = exchange_list_take(&list)))
        exchange_list_add(failed[owner++] ? &c->failed : &c->stored, exchange);
}

static void answer_sorted(struct committer *c)
{
    receiver_answer(c->receiver, &c->stored, ANSWER_STORED);
    receiver_answer(c->receiver, &c->failed, ANSWER_LATER);
}

/* Gives a batch that is not stored back, to be tried again or spooled. */
static void give_back(struct receiver *receiver, bool in_doubt, bool away)
{
    struct exchange_list list = unclaimed(receiver);

    for (struct exchange *e = list.first; e; e = e->next)
        e->in_doubt |= in_doubt;
    pthread_mutex_lock(&receiver->lock);
    exchange_list_move(&list, &receiver->decided); /* the older ones first */
    receiver->decided = list;
    if (away)
        receiver->away = receiver->unproven = true;
    pthread_cond_signal(&receiver->deadline);
    pthread_mutex_unlock(&receiver->lock);
}

static void store_batch(struct committer *c)
{
    struct receiver *receiver = c->receiver;
    bool *failed = memory_new(c->batch.owners, sizeof(*failed));

    batch_begin(&c->batch, &c->database);
    answer_sorted(c); /* of the last batch, while the database prepares */
    int64_t begun = clock_now();
    enum database_outcome outcome =
        batch_store(&c->batch, &c->database, &receiver->spool,
                    receiver->settings->ack_us, failed);

    c->commit_us = clock_now() - begun - (int64_t)c->batch.count * HOLD_ROW_US;
    switch (outcome) {
    case DATABASE_DONE:
        stats_count(STATS_STORED, c->batch.count - c->batch.refused);
        reconnect_prove(&c->reconnect);
        pthread_mutex_lock(&receiver->lock);
        receiver->unproven = false;
        c->returning = c->batch.owners + receiver->decided.count;
        pthread_mutex_unlock(&receiver->lock);
        sort_stored(c, failed);
        break;
    case DATABASE_REFUSED:
    case DATABASE_LATER:
        log_cause(LOG_STATEMENT, "the database does not take rows: %s",
                  database_fault(&c->database));
        give_back(receiver, false, true);
        break;
    case DATABASE_DOUBT:
        give_back(receiver, true, c->database.overdue);
        break;
    }
    free(failed);
}

/* The next moment at which something is due without being asked for. */
static int64_t next_due(const struct committer *c)
{
    int64_t due = trust_due(&c->trust);

    if (due > drain_due(&c->drain))
        due = drain_due(&c->drain);
    if (due > c->minute_due)
        due = c->minute_due;
    return due;
}

/*
 * Whether the next batch goes at once: there is one, it need not wait for
 * company, and nothing else is due.
 */
static bool goes_on(struct committer *c)
{
    struct receiver *receiver = c->receiver;
    bool go = database_is_usable(&c->database) && c->commit_us < HOLD_FROM_US;

    pthread_mutex_lock(&receiver->lock);
    go = go && receiver->decided.first && !receiver->closing &&
         !receiver->away && clock_now() < next_due(c);
    pthread_mutex_unlock(&receiver->lock);
    return go;
}

/* Batch after batch: the database works on one while another is answered. */
static void store_decided(struct committer *c)
{
    while (fill_batch(c)) {
        store_batch(c);
        if (!goes_on(c))
            break;
    }
    answer_sorted(c);
}

/*
 * Where a commit is slow, the clients that were just answered are waited for,
 * as long as another commit would take at most: one for all is sooner than
 * two. The lone client of a slow disk is its own wave and never waits.
 */
static void hold(struct committer *c)
{
    struct receiver *receiver = c->receiver;
    int64_t longest = c->commit_us < HOLD_MAX_US ? c->commit_us : HOLD_MAX_US;
    int64_t until = clock_now() + longest;

    if (c->commit_us < HOLD_FROM_US)
        return;
    receiver->wanted = c->returning - c->returning / 8;
    while (!receiver->closing && !receiver->away &&
           receiver->decided.count < receiver->wanted && clock_now() < until)
        receiver_wait_for_work(receiver, until);
    receiver->wanted = 0;
}

/* Waits until there is work; false when the receiver closes. */
static bool wait_for_work(struct committer *c)
{
    struct receiver *receiver = c->receiver;

    pthread_mutex_lock(&receiver->lock);
    for (;;) {
        if (receiver->spooled && receiver->stays)
            drain_hurry(&c->drain);
        receiver->spooled = false;
        int64_t due = next_due(c);
        if (receiver->closing || receiver->away || receiver->decided.first ||
            due <= clock_now())
            break;
        receiver_wait_for_work(receiver, due);
    }
    if (receiver->decided.first)
        hold(c);
    bool go_on = !receiver->closing;
    pthread_mutex_unlock(&receiver->lock);
    return go_on;
}

/* Writes the minutes that are over, and who was refused; what is not written
 * is kept for another minute: notifications wait meanwhile. */
static void write_minutes(struct committer *c, bool end)
{
    int64_t deadline = clock_now() + c->receiver->settings->ack_us;

    c->minutes_due = false;
    if (!c->receiver->stays)
        return;
    if (statistics_are_kept())
        statistics_write(&c->database, end, deadline);
    if (database_is_usable(&c->database))
        refusals_write(&c->database, deadline);
}

/* Once a minute, at its end, and at the start: who looks at callhook.receivers
 * after a restart is told of it. */
static void count_minute(struct committer *c)
{
    int64_t wall = clock_wall();

    statistics_roll(wall, c->minute_due == 0);
    c->minutes_due = true;
    c->minute_due = clock_now() + MINUTE_US - wall % MINUTE_US;
}

/* A session that was lost while it idled says nothing about the database: a
 * new one is tried first. */
static void note_unread_secrets(struct committer *c)
{
    bool usable = database_is_usable(&c->database);

    if (usable || c->database.overdue)
        receiver_note_database(c->receiver, usable, true);
}

/* One round with a database that takes rows. */
static void work(struct committer *c)
{
    struct receiver *receiver = c->receiver;
    int64_t now = clock_now();

    pthread_mutex_lock(&receiver->lock);
    bool doubtful = receiver->doubtful.first != NULL;
    bool reading = now >= trust_due(&c->trust);
    pthread_mutex_unlock(&receiver->lock);
    if (reading && !trust_read(&c->trust, &c->database)) {
        note_unread_secrets(c);
        return;
    }
    if (doubtful)
        trust_decide(&c->trust);
    store_decided(c);
    if (database_is_usable(&c->database) && drain_due(&c->drain) <= now)
        drain_step(&c->drain, &c->database, receiver->settings,
                   &receiver->spool);
    if (c->minutes_due && database_is_usable(&c->database))
        write_minutes(c, false);
}

/*
 * Brings the database back. A trial is not the work: after a batch that was
 * late or failed, the database counts as away until a real one is through, the
 * first of those that went to the spool.
 */
static void return_to_database(struct committer *c)
{
    struct receiver *receiver = c->receiver;

    if (c->database.overdue)
        receiver_note_database(receiver, false, true);
    bool reached = reconnect_attempt(&c->reconnect, &c->database, &c->trust);
    pthread_mutex_lock(&receiver->lock);
    bool unproven = receiver->unproven && receiver->stays;
    pthread_mutex_unlock(&receiver->lock);
    if (reached && unproven)
        reached = drain_prove(&c->drain, &c->database, receiver->settings,
                              &receiver->spool);
    if (!reached) {
        receiver_note_database(receiver, false, true);
        reconnect_pause(&c->reconnect);
        return;
    }
    if (unproven)
        reconnect_prove(&c->reconnect);
    reconnect_succeed(&c->reconnect);
    receiver_note_database(receiver, true, false);
}

/* A CGI program may have nothing to store, nor to ask. */
static void wait_until_wanted(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    while (!receiver->wants_database && !receiver->closing)
        pthread_cond_wait(&receiver->work, &receiver->lock);
    pthread_mutex_unlock(&receiver->lock);
}

void *committer_run(void *context)
{
    struct receiver *receiver = context;
    struct committer c = {
        .receiver = receiver,
        .database = {.timeout_us = receiver->settings->ack_us},
        .drain = {.listing_due = receiver->stays ? 0 : INT64_MAX},
        .trust = {.receiver = receiver},
    };

    reconnect_init(&c.reconnect, receiver);
    wait_until_wanted(receiver);
    while (!receiver_is_closing(receiver)) {
        pthread_mutex_lock(&receiver->lock);
        bool away = receiver->away;
        pthread_mutex_unlock(&receiver->lock);
        if (clock_now() >= c.minute_due)
            count_minute(&c);
        if (!database_is_usable(&c.database) || away)
            return_to_database(&c);
        else if (wait_for_work(&c))
            work(&c);
    }
    statistics_roll(clock_wall(), true);
    if (database_is_usable(&c.database))
        write_minutes(&c, true);
    statistics_free();
    database_close(&c.database);
    reconnect_free(&c.reconnect);
    batch_free(&c.batch);
    drain_free(&c.drain);
    return NULL;
}
