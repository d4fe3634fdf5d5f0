/*
 * What the threads of a receiver share. An exchange is parked here by the
 * thread that read it; the committer stores it, or the deadline thread spools
 * it when its time is over; whichever of them took it out of the lists answers
 * it.
 */
#ifndef CALLHOOK_RECEIVER_H
#define CALLHOOK_RECEIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "notification/secrets.h"
#include "receiver/exchange.h"
#include "spool/spool.h"

struct receiver {
    const struct settings *settings;
    struct spool spool;

    pthread_mutex_t lock;          /* of all below, but the secrets */
    pthread_cond_t work;           /* for the committer */
    pthread_cond_t deadline;       /* for its thread */
    pthread_cond_t room;           /* answered one, or reached the database */
    struct exchange_list decided;  /* each item trusted or refused */
    struct exchange_list doubtful; /* waiting for a reading of the secrets */
    struct exchange_list taken;    /* in the batch that is being stored */
    size_t wanted;                 /* decided ones that end a hold; 0: none */
    bool taken_is_sent;            /* only then may it be claimed */
    size_t in_flight;              /* exchanges, from reading to answer */
    size_t bytes;                  /* reserved for items, or taken by them */
    bool connected;
    bool away;           /* the database takes nothing: to the spool at once */
    bool unproven;       /* a batch was late or failed, none is through since */
    bool wants_database; /* somebody has asked for it */
    bool stays;          /* this process serves more than one request */
    bool spooled;        /* there may be something to drain */
    bool closing;

    pthread_mutex_t secrets_lock;
    struct secrets secrets;
};

/*
 * Makes a receiver without threads (threads.h). The settings must outlive it.
 * One that stays empties the spool beside live traffic, writes its statistics,
 * and connects at once; else it connects when there is something to store, or
 * to know.
 */
void receiver_init(struct receiver *receiver, const struct settings *settings,
                   bool stays);

/* Waits until nothing is in flight, then tells the threads to end. */
void receiver_close(struct receiver *receiver);

void receiver_free(struct receiver *receiver);

/* Waits for room for one more exchange, and counts it as in flight. */
void receiver_admit(struct receiver *receiver);

/*
 * Waits until the items of a body may take memory, and reserves what they can
 * take at most; receiver_park or receiver_unreserve ends that.
 */
void receiver_reserve(struct receiver *receiver, struct exchange *exchange,
                      size_t body_length);
void receiver_unreserve(struct receiver *receiver, struct exchange *exchange);

/* Whether anything is in flight. */
bool receiver_is_busy(struct receiver *receiver);

/* Uncounts one that has been answered or given up. */
void receiver_dismiss(struct receiver *receiver);

/*
 * Judges an exchange that has been read and sees to its answer, now or when
 * its items are durable. The exchange is then no more the caller's.
 */
void receiver_park(struct receiver *receiver, struct exchange *exchange);

/* Waits until it is known whether the database is there, or for `wait_us`. */
void receiver_look(struct receiver *receiver, int64_t wait_us);

/* What /health says; NULL: nothing can be taken. Asks nobody. */
const char *receiver_health(struct receiver *receiver);

/* -- for the threads ------------------------------------------------------- */

/* Answers a whole list. */
void receiver_answer(struct receiver *receiver, struct exchange_list *list,
                     enum answer_kind kind);

bool receiver_is_closing(struct receiver *receiver);

/* The committer waits for something to do, or `until`; the lock is held. */
void receiver_wait_for_work(struct receiver *receiver, int64_t until);

/* Says whether there is a connection, and whether the database takes rows. */
void receiver_note_database(struct receiver *receiver, bool connected,
                            bool away);

#endif
