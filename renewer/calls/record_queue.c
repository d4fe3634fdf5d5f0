/* Reads the call records of a tenant that are due, many at a time. */
#include "calls/record_queue.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "calls/record_store.h"
#include "graph/lanes.h"
#include "graph/page.h"

#define STEP "read call record"

#define FLYING_MOST 32   /* requests at a time */
#define WAITING_MOST 256 /* calls that are claimed, and no request is sent */

/* Whole records wait for others, to be finished by one statement. */
#define BATCH_MS 100
#define BATCH_MOST 32
#define BATCH_BYTES (512UL << 10)

#define LEFT_TO_BEGIN 2000 /* milliseconds that a new reading needs */
#define LEFT_TO_END 500

/* So many failures without one success, and Graph is taken to be away. */
#define FAILURES_MOST 10

#define REFUSED_MS 600000
#define RETRY_AFTER_DEFAULT 20 /* seconds; Graph may leave its header out */

/* libcurl hands out an answer in pieces of at most this size. */
#define PIECE 16384

#define LANE_MS 20 /* another thread may give a place back */

struct reader {
    struct graph *graph;
    const char *graph_url;
    const char *ids;
    struct record_store store;
    struct quota quota;
    struct fault *fault; /* its step is NULL until there is one */

    struct finished finished;
    size_t absent; /* not there yet, or no longer */
    size_t failed;

    struct reading *readings; /* the calls that are claimed */
    size_t count[WHOLE + 1];  /* of these, by their state */
    size_t whole_bytes;       /* of records that are to be finished */

    unsigned failures; /* in a row */
    bool answered;     /* Graph has answered: many may go out now */
    bool apart;        /* Graph wants one relationship in a request */
    bool drained;      /* no call is due */
    bool over;
};

static void set_state(struct reader *reader, struct reading *reading, int state)
{
    reader->count[reading->state]--;
    reading->state = state;
    reader->count[state]++;
    if (state != FLYING)
        transfer_free(&reading->transfer);
}

/* -- a reading ends ----------------------------------------------------- */

static void note(struct reader *reader, const struct fault *fault)
{
    if (!reader->fault->step)
        *reader->fault = *fault;
}

static void stop(struct reader *reader, const struct fault *fault)
{
    reader->over = true;
    note(reader, fault);
}

static void drop(struct reader *reader, struct reading *reading)
{
    struct reading **at = &reader->readings;

    while (*at != reading)
        at = &(*at)->next;
    *at = reading->next;
    reader->count[reading->state]--;
    record_reader_free(reading);
}

/*
 * The next run knows nothing of this one's requests: a call waits until Graph
 * is to be asked again, and where there were many for one record, until these
 * count no more.
 */
static void release(struct reader *reader, struct reading *reading,
                    int64_t wait)
{
    int64_t now = clock_ms();
    int64_t closed = quota_wait(&reader->quota, now);
    int64_t rest = quota_rest(&reading->quota, now);

    if (wait < closed)
        wait = closed;
    if (wait < rest && reading->quota.count > 2)
        wait = rest;
    record_store_release(&reader->store, reading, (long)(wait + 999) / 1000);
    drop(reader, reading);
}

/* Written down with the call; many in a row end the whole reading. */
static void fail(struct reader *reader, struct reading *reading)
{
    const struct fault *fault = &reading->transfer.fault;

    reader->failed++;
    note(reader, fault);
    record_store_failed(&reader->store, reading, fault);
    if (++reader->failures >= FAILURES_MOST)
        stop(reader, fault);
    drop(reader, reading);
}

static void start_again(struct reader *reader, struct reading *reading)
{
    reading->pages[KIND_RECORD] = 0;
    set_state(reader, reading, READY);
}

/* Finishes what is whole, in one statement. */
static void finish(struct reader *reader)
{
    struct reading *after;

    if (!reader->count[WHOLE])
        return;
    record_store_finish(&reader->store, reader->readings, &reader->finished);
    reader->over |= reader->finished.locked > 0;
    for (struct reading *one = reader->readings; one; one = after) {
        after = one->next;
        if (one->changed)
            start_again(reader, one);
        else if (one->state == WHOLE)
            drop(reader, one);
    }
    reader->whole_bytes = 0;
}

/* A statement has some seconds: a large record is finished alone. */
static void add_whole(struct reader *reader, struct reading *reading)
{
    if (reader->whole_bytes + reading->bytes > BATCH_BYTES)
        finish(reader);
    set_state(reader, reading, WHOLE);
    reader->whole_bytes += reading->bytes;
    if (reader->count[WHOLE] >= BATCH_MOST ||
        reader->whole_bytes >= BATCH_BYTES)
        finish(reader);
}

/* Earlier pages are of no use: the call is claimed again without them. */
static void begin_anew(struct reader *reader, struct reading *reading)
{
    char ids[CALL_ID_SIZE + 2];

    snprintf(ids, sizeof(ids), "{%s}", reading->call_id);
    record_store_want(&reader->store, ids);
    reader->drained = false;
    drop(reader, reading);
}

/* -- an answer comes ---------------------------------------------------- */

/* Keeps the only page of a record for the batch, or stores the page. */
static bool store(struct reader *reader, struct reading *reading)
{
    struct transfer *transfer = &reading->transfer;

    reading->bytes += transfer->answer_length;
    if (!record_reader_asks_for_both(reading) ||
        reading->links[KIND_SESSIONS] || reading->links[KIND_PARTICIPANTS] ||
        transfer->answer_length > BATCH_BYTES)
        return record_store_page(&reader->store, reading);
    reading->body = transfer->answer;
    transfer->answer = NULL;
    return true;
}

static void take_page(struct reader *reader, struct reading *reading)
{
    struct fault *fault = &reading->transfer.fault;

    if (!record_reader_take(reading)) {
        fail(reader, reading);
        return;
    }
    reader->failures = 0;
    if (!store(reader, reading)) {
        snprintf(fault->code, sizeof(fault->code), "untaken");
        fault_say(fault, STEP, "the database did not take it");
        fail(reader, reading);
        return;
    }
    if (record_reader_advance(reading, reader->graph_url))
        set_state(reader, reading, READY);
    else
        add_whole(reader, reading);
}

/* False: there is no token, and the reader is over. */
static bool authorise(struct reader *reader, const char *refused)
{
    struct fault fault = {0};

    if (graph_authorise(reader->graph, refused, &fault) == DONE)
        return true;
    stop(reader, &fault);
    return false;
}

/* Graph does not take the token (401): once it may have run out. */
static void authorise_again(struct reader *reader, struct reading *reading)
{
    const char *token = reader->graph->token.text;
    bool same = token && strcmp(token, reading->bearer) == 0;

    if (reading->reauthorised)
        stop(reader, &reading->transfer.fault);
    if (reader->over || !authorise(reader, same ? reading->bearer : NULL)) {
        release(reader, reading, 0);
        return;
    }
    reading->reauthorised = true;
    set_state(reader, reading, READY);
}

/* Too many requests: none goes out for a while. */
static void pause_all(struct reader *reader, const struct fault *fault)
{
    long seconds =
        fault->retry_after ? fault->retry_after : RETRY_AFTER_DEFAULT;

    quota_close(&reader->quota, clock_ms() + (int64_t)seconds * 1000);
}

/*
 * Where nothing else was taken, 403 is said to the tenant and not to the
 * record: none is marked as failed.
 */
static void take_failure(struct reader *reader, struct reading *reading)
{
    struct transfer *transfer = &reading->transfer;
    long status = transfer->status;

    if (reading->resumed && (status == 400 || status == 404 || status == 410)) {
        begin_anew(reader, reading);
    } else if (status / 100 == 2 && reading->lane + 1 < LANES &&
               transfer->answer_length + PIECE > transfer->limit) {
        reading->lane++;
        set_state(reader, reading, READY);
    } else if (transfer->outcome == ABSENT) {
        reader->failures = 0;
        reader->absent++;
        record_store_failed(&reader->store, reading, &transfer->fault);
        drop(reader, reading);
    } else if (status == 429) {
        pause_all(reader, &transfer->fault);
        note(reader, &transfer->fault);
        release(reader, reading, 0);
    } else if (status == 401) {
        authorise_again(reader, reading);
    } else if (status == 403 && !reader->answered) {
        stop(reader, &transfer->fault);
        release(reader, reading, REFUSED_MS);
    } else if (status == 400 && record_reader_asks_for_both(reading)) {
        reader->apart = true;
        start_again(reader, reading);
    } else {
        fail(reader, reading);
    }
}

static void take(struct reader *reader, struct reading *reading)
{
    enum outcome outcome = reading->transfer.outcome;
    size_t lane = reading->lane;

    for (int i = 1; i < reading->transfer.attempts; i++) {
        quota_take(&reader->quota, clock_ms());
        quota_take(&reading->quota, clock_ms());
    }
    if (outcome == DONE)
        take_page(reader, reading);
    else
        take_failure(reader, reading);
    lanes_give(lane);
    if (outcome == DONE || outcome == ABSENT)
        reader->answered = true;
}

/* -- requests go out ---------------------------------------------------- */

static void send_out(struct reader *reader, struct reading *reading)
{
    int64_t now = clock_ms();

    if (!reading->pages[KIND_RECORD])
        record_reader_start(reading, reader->graph_url, reader->apart);
    quota_take(&reader->quota, now);
    quota_take(&reading->quota, now);
    memory_wipe(reading->bearer);
    reading->bearer = memory_copy(reader->graph->token.text);
    reading->transfer = (struct transfer){.tenant = reader->graph->tenant,
                                          .step = STEP,
                                          .method = "GET",
                                          .url = reading->url,
                                          .bearer = reading->bearer,
                                          .prefer = PAGE_PREFER,
                                          .limit = lanes_limit(reading->lane),
                                          .deadline = reader->graph->deadline,
                                          .context = reading};
    set_state(reader, reading, FLYING);
    http_start(reader->graph->http, &reading->transfer);
}

/* Sends what may go out; returns milliseconds until more might. */
static int64_t send_some(struct reader *reader)
{
    size_t most = reader->answered ? FLYING_MOST : 1;
    int64_t pause = INT64_MAX;

    for (struct reading *one = reader->readings; one; one = one->next) {
        int64_t now = clock_ms();
        int64_t wait = quota_wait(&reader->quota, now);

        if (one->state != READY)
            continue;
        if (wait || reader->count[FLYING] >= most)
            return wait && wait < pause ? wait : pause;
        wait = quota_wait(&one->quota, now);
        if (!wait && !lanes_take(one->lane))
            wait = LANE_MS;
        if (!wait)
            send_out(reader, one);
        else if (wait < pause)
            pause = wait;
    }
    return pause;
}

/* A request that waits for another attempt has told why already. */
static void heed_throttling(struct reader *reader)
{
    for (struct reading *one = reader->readings; one; one = one->next)
        if (one->state == FLYING && one->transfer.status == 429)
            pause_all(reader, &one->transfer.fault);
}

/* -- calls are claimed -------------------------------------------------- */

/* Those that wait for their own record's quota do not hold up others. */
static bool has_next(const struct reader *reader)
{
    for (struct reading *one = reader->readings; one; one = one->next)
        if (one->state == READY && !quota_wait(&one->quota, clock_ms()))
            return true;
    return false;
}

static void begin(struct reader *reader, struct reading *reading)
{
    reading->next = reader->readings;
    reader->readings = reading;
    reader->count[READY]++;
    quota_open(&reading->quota, QUOTA_RECORD, reader->graph->tenant->quota);
    if (!reading->pages[KIND_RECORD])
        return;
    if (record_reader_resume(reading, reader->graph_url))
        reading->bytes = BATCH_BYTES; /* or any number */
    else
        begin_anew(reader, reading);
}

static void claim(struct reader *reader)
{
    struct reading *claimed, *after;

    if (clock_ms() > reader->graph->deadline - LEFT_TO_BEGIN)
        reader->drained = true;
    while (!reader->drained && !has_next(reader) &&
           reader->count[READY] < WAITING_MOST) {
        record_store_claim(&reader->store, reader->ids, &claimed);
        reader->drained = !claimed;
        for (; claimed; claimed = after) {
            after = claimed->next;
            begin(reader, claimed);
        }
    }
}

/* -- all together ------------------------------------------------------- */

static void wait_for_answers(struct reader *reader, int64_t pause)
{
    int64_t most = reader->count[WHOLE] ? BATCH_MS : 1000;
    struct transfer *transfer = NULL;

    if (pause > most)
        pause = most;
    if (reader->count[FLYING])
        transfer = http_next(reader->graph->http, clock_ms() + pause);
    else if (!reader->count[WHOLE])
        poll(NULL, 0, (int)pause);
    if (transfer)
        take(reader, transfer->context);
    else
        finish(reader);
}

static int64_t time_left(const struct reader *reader)
{
    return reader->graph->deadline - LEFT_TO_END - clock_ms();
}

static bool is_over(struct reader *reader)
{
    static const struct fault away = {.step = STEP,
                                      .text = "the database is away"};

    if (!database_is_there(reader->store.database))
        stop(reader, &away);
    return reader->over || time_left(reader) <= 0 || !reader->readings;
}

static void read_all(struct reader *reader)
{
    for (;;) {
        int64_t pause;

        claim(reader);
        if (is_over(reader) ||
            (reader->count[READY] && !authorise(reader, NULL)))
            break;
        heed_throttling(reader);
        pause = send_some(reader);
        if (!reader->count[FLYING] && !reader->count[WHOLE] &&
            pause > time_left(reader))
            break;
        wait_for_answers(reader, pause);
    }
}

/* What has not been read goes back. */
static void give_back(struct reader *reader)
{
    http_abandon(reader->graph->http);
    finish(reader);
    while (reader->readings) {
        if (reader->readings->state == FLYING)
            lanes_give(reader->readings->lane);
        release(reader, reader->readings, 0);
    }
}

enum outcome record_queue_read(struct graph *graph, struct database *database,
                               const char *ids, struct fault *fault)
{
    struct reader reader = {.graph = graph,
                            .graph_url = graph->tenant->graph_url,
                            .ids = ids,
                            .store = {database, graph->tenant->tenant_id},
                            .fault = fault};
    const struct finished *finished = &reader.finished;

    *fault = (struct fault){0};
    quota_open(&reader.quota, QUOTA_RECORDS, graph->tenant->quota);
    read_all(&reader);
    give_back(&reader);
    log_detail("%s: call records: %zu stored, %zu unchanged, %zu not there, "
               "%zu changed while they were read, %zu failed",
               graph->tenant->name, finished->stored, finished->same,
               reader.absent, finished->changed,
               reader.failed + finished->refused);
    if (!fault->step && finished->refused)
        fault_say(fault, STEP, "%zu records cannot be taken apart",
                  finished->refused);
    return fault->step ? LATER : DONE;
}
