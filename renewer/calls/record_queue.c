/* Reads the call records of a tenant that are due, many at a time. */
#include "calls/record_queue.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "calls/record_reader.h"
#include "graph/lanes.h"
#include "graph/pages.h"

#define STEP RECORD_READER_STEP

#define FLYING_MOST 32   /* requests at a time */
#define WAITING_MOST 256 /* calls that are claimed, and no request is sent */

#define BATCH_MS                                                               \
    100 /* that a page waits for others, to be stored with them                \
         */

#define LEFT_TO_BEGIN 2000 /* milliseconds that a new reading needs */
#define LEFT_TO_END 500

#define REFUSED_MS 600000
#define RETRY_AFTER_DEFAULT 20 /* seconds; Graph may leave its header out */

/* libcurl hands out an answer in pieces of at most this size. */
#define PIECE 16384

#define LANE_MS 20 /* another thread may give a place back */

/* -- an answer comes ---------------------------------------------------- */

static void take_page(struct reader *reader, struct reading *reading)
{
    const struct transfer *transfer = &reading->transfer;

    /* The server's log would quote what is no JSON: it is a payload. */
    reading->body = json_is_sound(transfer->answer, transfer->answer_length)
                        ? transfer->answer
                        : "";
    reading->bytes += transfer->answer_length;
    record_reader_store(reader, reading);
}

/* False: there is no token, and the reader is over. */
static bool authorise(struct reader *reader, const char *refused)
{
    struct fault fault = {0};

    if (graph_authorise(reader->graph, refused, &fault) == DONE)
        return true;
    record_reader_stop(reader, &fault);
    return false;
}

/* Graph does not take the token (401): once it may have run out. */
static void authorise_again(struct reader *reader, struct reading *reading)
{
    const char *token = reader->graph->token.text;
    bool same = token && strcmp(token, reading->bearer) == 0;

    if (reading->reauthorised)
        record_reader_stop(reader, &reading->transfer.fault);
    if (reader->over || !authorise(reader, same ? reading->bearer : NULL)) {
        record_reader_release(reader, reading, 0);
        return;
    }
    reading->reauthorised = true;
    record_reader_set_state(reader, reading, READY);
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
        record_reader_begin_anew(reader, reading);
    } else if (status / 100 == 2 && reading->lane + 1 < LANES &&
               transfer->answer_length + PIECE > transfer->limit) {
        reading->lane++;
        record_reader_set_state(reader, reading, READY);
    } else if (transfer->outcome == ABSENT) {
        record_reader_absent(reader, reading);
    } else if (status == 429) {
        pause_all(reader, &transfer->fault);
        record_reader_note(reader, &transfer->fault);
        record_reader_release(reader, reading, 0);
    } else if (status == 401) {
        authorise_again(reader, reading);
    } else if (status == 403 && !reader->answered &&
               graph_replace_token(reader->graph)) {
        record_reader_set_state(reader, reading, READY);
    } else if (status == 403 && !reader->answered) {
        record_reader_stop(reader, &transfer->fault);
        record_reader_release(reader, reading, REFUSED_MS);
    } else if (status == 400 && !reading->link && !reading->apart) {
        reader->apart = true;
        record_reader_set_state(reader, reading, READY);
    } else {
        record_reader_fail(reader, reading);
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

/*
 * Graph documents `$expand` with one relationship; both at once are half of the
 * requests where that is taken.
 */
static char *page_url(const struct reading *reading, const char *graph_url)
{
    const char *query = reading->link;

    if (query && *query != '?')
        return memory_copy(query);
    if (!query && reading->apart)
        query = "?$expand=sessions($expand=segments)";
    else if (!query)
        query = "?$expand=sessions($expand=segments),participants_v2";
    return memory_print("%s/v1.0/communications/callRecords/%s%s", graph_url,
                        reading->call_id, query);
}

static void send_out(struct reader *reader, struct reading *reading)
{
    int64_t now = clock_ms();

    if (!reading->link)
        reading->apart = reader->apart;
    free(reading->url);
    reading->url = page_url(reading, reader->graph->tenant->graph_url);
    quota_take(&reader->quota, now);
    quota_take(&reading->quota, now);
    memory_wipe(reading->bearer);
    reading->bearer = memory_copy(reader->graph->token.text);
    reading->transfer = (struct transfer){.tenant = reader->graph->tenant,
                                          .step = STEP,
                                          .method = "GET",
                                          .url = reading->url,
                                          .bearer = reading->bearer,
                                          .prefer = PAGES_PREFER,
                                          .limit = lanes_limit(reading->lane),
                                          .deadline = reader->graph->deadline,
                                          .context = reading};
    record_reader_set_state(reader, reading, FLYING);
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
            record_reader_begin(reader, claimed);
        }
    }
}

/* -- all together ------------------------------------------------------- */

static void wait_for_answers(struct reader *reader, int64_t pause)
{
    int64_t most = reader->count[BATCHED] ? BATCH_MS : 1000;
    struct transfer *transfer = NULL;

    if (pause > most)
        pause = most;
    if (reader->count[FLYING])
        transfer = http_next(reader->graph->http, clock_ms() + pause);
    else if (!reader->count[BATCHED])
        poll(NULL, 0, (int)pause);
    if (transfer)
        take(reader, transfer->context);
    else
        record_reader_store_batch(reader);
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
        record_reader_stop(reader, &away);
    return reader->over || time_left(reader) <= 0 || !reader->readings;
}

static size_t calls_done(const struct reader *reader)
{
    return reader->results[READING_STORED] + reader->results[READING_SAME] +
           reader->results[READING_BAD] + reader->results[READING_LOST] +
           reader->absent + reader->failed;
}

static void read_all(struct reader *reader)
{
    for (;;) {
        int64_t pause;

        progress_at((int64_t)calls_done(reader));
        claim(reader);
        if (is_over(reader) ||
            (reader->count[READY] && !authorise(reader, NULL)))
            break;
        heed_throttling(reader);
        pause = send_some(reader);
        if (!reader->count[FLYING] && !reader->count[BATCHED] &&
            pause > time_left(reader))
            break;
        wait_for_answers(reader, pause);
    }
}

/* What has not been read goes back. */
static void give_back(struct reader *reader)
{
    http_abandon(reader->graph->http);
    record_reader_store_batch(reader);
    while (reader->readings) {
        if (reader->readings->state == FLYING)
            lanes_give(reader->readings->lane);
        record_reader_release(reader, reader->readings, 0);
    }
}

enum outcome record_queue_read(struct graph *graph, struct database *database,
                               const char *ids, struct fault *fault)
{
    struct reader reader = {.graph = graph,
                            .ids = ids,
                            .store = {database, graph->tenant->tenant_id},
                            .fault = fault};
    const size_t *results = reader.results;

    *fault = (struct fault){0};
    quota_open(&reader.quota, QUOTA_RECORDS, graph->tenant->quota);
    read_all(&reader);
    give_back(&reader);
    log_detail("%s: call records: %zu stored, %zu unchanged, %zu not there, "
               "%zu changed while they were read, %zu failed",
               graph->tenant->name, results[READING_STORED],
               results[READING_SAME], reader.absent, results[READING_CHANGED],
               reader.failed + results[READING_BAD]);
    if (!fault->step && results[READING_BAD])
        fault_say(fault, STEP, "%zu records cannot be taken apart",
                  results[READING_BAD]);
    return fault->step ? LATER : DONE;
}
