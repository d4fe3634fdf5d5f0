/* Connecting again: when, to whom, and what shows that rows are taken. */
#include "receiver/reconnect.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/cancel.h"
#include "store/probe.h"

#define MS INT64_C(1000)

/* Pauses between attempts: a database that is back is noticed within 5 s. */
#define BACKOFF_MIN_US (50 * MS)
#define BACKOFF_MAX_US (2000 * MS)
/* How long an answer that is owed is waited for before the host is asked anew:
 * each connection that is given up may leave a process behind in the server,
 * which hangs too much to be cancelled. */
#define PATIENCE_MIN_US (3 * 1000 * MS)
#define PATIENCE_MAX_US (120 * 1000 * MS)
/* While answers are owed: how soon it is noticed that the receiver closes. */
#define STIR_US (200 * MS)

void reconnect_init(struct reconnect *reconnect, struct receiver *receiver)
{
    *reconnect = (struct reconnect){.receiver = receiver};
    hosts_read(&reconnect->hosts);
}

/* The connection that owes an answer is put by; its place is free. One whose
 * wait for a standby was ended has answered: its host may be asked at once. */
static void put_by(struct reconnect *reconnect, struct database *database)
{
    struct reconnect_host *host = &reconnect->states[reconnect->current];
    int64_t patience =
        host->patience_us ? 2 * host->patience_us : PATIENCE_MIN_US;

    if (database->unreplicated) {
        database_close(database);
        return;
    }
    if (host->owing)
        cancel_and_close(host->owing, false);
    host->owing = database->connection;
    host->patience_us = patience < PATIENCE_MAX_US ? patience : PATIENCE_MAX_US;
    host->owing_until = clock_now() + host->patience_us;
    database->connection = NULL;
    database->overdue = false;
}

/* Whether a host still owes an answer; one that has come is not read. */
static bool owes(struct reconnect_host *host)
{
    struct pollfd fd = {.events = POLLIN};

    if (!host->owing)
        return false;
    fd.fd = PQsocket(host->owing);
    if (clock_now() < host->owing_until && poll(&fd, 1, 0) == 0)
        return true;
    cancel_and_close(host->owing, false);
    host->owing = NULL;
    return false;
}

static bool takes_rows(struct database *database, struct trust *trust)
{
    if (!trust_read(trust, database)) {
        snprintf(database->why, sizeof(database->why),
                 "the secrets cannot be read: %s", database_fault(database));
        return false;
    }
    return probe_run(database, clock_now() + database->timeout_us);
}

/* One host; false: `told` gets why, behind what it says of others. */
static bool try_host(struct reconnect *reconnect, size_t index,
                     struct database *database, struct trust *trust, char *told,
                     size_t room)
{
    size_t length = strlen(told);

    reconnect->current = index;
    if ((database->connection ||
         database_connect(database, &reconnect->hosts.list[index])) &&
        takes_rows(database, trust))
        return true;
    snprintf(told + length, room - length, "%s%s", length ? "; " : "",
             database->why);
    if (database->overdue)
        put_by(reconnect, database);
    /* Another session may have other settings, or another server. */
    database_close(database);
    return false;
}

bool reconnect_attempt(struct reconnect *reconnect, struct database *database,
                       struct trust *trust)
{
    size_t count = reconnect->hosts.count;
    char told[1000] = "";
    bool reached = false;

    if (database->overdue)
        put_by(reconnect, database);
    else if (count > 1)
        database_close(database);
    for (size_t i = 0; i < count && !reached; i++) {
        size_t index = (reconnect->first + i) % count;
        if (owes(&reconnect->states[index]))
            continue;
        if (receiver_is_closing(reconnect->receiver))
            break;
        reached =
            try_host(reconnect, index, database, trust, told, sizeof(told));
    }
    if (*told)
        log_cause(LOG_CONNECTION, "%s", told);
    reconnect->first = count ? (reconnect->current + 1) % count : 0;
    return reached;
}

/* Until one of those that owe an answer stirs, or for a while. */
static bool wait_for_stir(struct reconnect *reconnect, int64_t wait_us)
{
    struct pollfd fds[HOSTS_MAX];
    nfds_t n = 0;

    for (size_t i = 0; i < reconnect->hosts.count; i++)
        if (reconnect->states[i].owing)
            fds[n++] = (struct pollfd){
                .fd = PQsocket(reconnect->states[i].owing), .events = POLLIN};
    return n > 0 && poll(fds, n, (int)(wait_us / MS) + 1) > 0;
}

static bool is_owing(const struct reconnect *reconnect)
{
    for (size_t i = 0; i < reconnect->hosts.count; i++)
        if (reconnect->states[i].owing)
            return true;
    return false;
}

void reconnect_pause(struct reconnect *reconnect)
{
    struct receiver *receiver = reconnect->receiver;
    int64_t backoff =
        reconnect->backoff_us ? 2 * reconnect->backoff_us : BACKOFF_MIN_US;

    reconnect->backoff_us = backoff < BACKOFF_MAX_US ? backoff : BACKOFF_MAX_US;
    int64_t until = clock_now() + reconnect->backoff_us;
    while (is_owing(reconnect) && clock_now() < until &&
           !receiver_is_closing(receiver))
        if (wait_for_stir(reconnect, STIR_US))
            return;
    pthread_mutex_lock(&receiver->lock);
    while (!receiver->closing && clock_now() < until)
        receiver_wait_for_work(receiver, until);
    pthread_mutex_unlock(&receiver->lock);
}

void reconnect_succeed(struct reconnect *reconnect)
{
    struct reconnect_host *host = &reconnect->states[reconnect->current];

    if (reconnect->backoff_us || host->patience_us)
        log_notice("the database takes rows again");
    reconnect->backoff_us = 0;
}

void reconnect_prove(struct reconnect *reconnect)
{
    reconnect->states[reconnect->current].patience_us = 0;
}

void reconnect_free(struct reconnect *reconnect)
{
    for (size_t i = 0; i < reconnect->hosts.count; i++)
        if (reconnect->states[i].owing)
            cancel_and_close(reconnect->states[i].owing, true);
    hosts_free(&reconnect->hosts);
}
