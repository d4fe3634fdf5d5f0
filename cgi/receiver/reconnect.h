/* Connecting again: when, to whom, and what shows that rows are taken. */
#ifndef CALLHOOK_RECONNECT_H
#define CALLHOOK_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver/receiver.h"
#include "receiver/trust.h"
#include "store/database.h"
#include "store/hosts.h"

/*
 * A host that has left a statement without an answer is not asked again while
 * it owes that: a server that hangs is back when it answers, and another
 * connection would hang beside this one. The other hosts are tried meanwhile.
 */
struct reconnect_host {
    PGconn *owing;       /* NULL: it owes nothing */
    int64_t owing_until; /* then it is given up */
    int64_t patience_us; /* the last wait; 0: none since rows were taken */
};

struct reconnect {
    struct receiver *receiver;
    struct hosts hosts;
    struct reconnect_host states[HOSTS_MAX];
    size_t current;     /* the host of the connection */
    size_t first;       /* to be tried */
    int64_t backoff_us; /* the last pause; 0: none since rows were taken */
};

void reconnect_init(struct reconnect *reconnect, struct receiver *receiver);

/*
 * Tries each host once, the present one last, until one takes rows: connects,
 * reads the secrets, tries to store. False: none does, and why is told.
 */
bool reconnect_attempt(struct reconnect *reconnect, struct database *database,
                       struct trust *trust);

/* Waits before the next attempt, or until a host that owes an answer stirs. */
void reconnect_pause(struct reconnect *reconnect);

/* The database takes rows: says so if it did not before. */
void reconnect_succeed(struct reconnect *reconnect);

/* A real batch is through: the next answer owed is waited for briefly. */
void reconnect_prove(struct reconnect *reconnect);

void reconnect_free(struct reconnect *reconnect);

#endif
