/* What becomes of the answers to a tenant's requests for call records. */
#include "reader.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "lane.h"
#include "memory.h"

/* Records that are finished by one statement. */
#define BATCH_MOST 32
#define BATCH_BYTES (512UL << 10)

/* A record of more pages is finished alone: it takes long enough. */
#define PAGES_SMALL 3

/* So many failures without one success, and Graph is taken to be away. */
#define FAILURES_MOST 10

/* libcurl hands out an answer in pieces of at most this size. */
#define PIECE 16384

#define REFUSED_SECONDS 600
#define RETRY_AFTER_DEFAULT 20 /* seconds; Graph may leave its header out */

/* -- lists ------------------------------------------------------------- */

void reader_push(struct reading **list, struct reading *reading)
{
    reading->next = *list;
    *list = reading;
}

void reader_take_out(struct reading **list, struct reading *reading)
{
    while (*list != reading)
        list = &(*list)->next;
    *list = reading->next;
    reading->next = NULL;
}

struct reading *reader_pop(struct reading **list)
{
    struct reading *first = *list;

    if (first)
        reader_take_out(list, first);
    return first;
}

/* -- a reading ends ---------------------------------------------------- */

static void stop(struct reader *reader, const struct fault *fault)
{
    reader->over = true;
    if (fault && !reader->records->fault.step)
        reader->records->fault = *fault;
}

/* The database fails one thing and stays there, or it is gone. */
void reader_check_database(struct reader *reader)
{
    struct fault fault = {0};

    if (database_is_there(reader->database))
        return;
    fault_say(&fault, READER_STEP, "the database is away");
    stop(reader, &fault);
}

void reader_release(struct reader *reader, struct reading *reading,
                    long seconds)
{
    if (!recordstore_release(reader->database, reader->tenant_id, reading,
                             seconds))
        reader_check_database(reader);
    reading_free(reading);
}

/* Written down with the call; many in a row end the whole reading. */
static void fail(struct reader *reader, struct reading *reading,
                 const struct fault *fault)
{
    struct records *records = reader->records;

    records->failed++;
    if (!records->fault.step)
        records->fault = *fault;
    if (!recordstore_failed(reader->database, reader->tenant_id, reading,
                            fault))
        reader_check_database(reader);
    if (++reader->failures >= FAILURES_MOST)
        stop(reader, fault);
    reading_free(reading); /* the fault may be its own */
}

/* Finishes what is whole, in one statement. */
void reader_finish(struct reader *reader)
{
    struct finished *finished = &reader->records->finished;
    size_t changed = finished->changed;
    struct reading *reading;

    if (!reader->done)
        return;
    if (!recordstore_finish(reader->database, reader->tenant_id, reader->done,
                            finished))
        reader_check_database(reader);
    if (finished->changed != changed)
        reader->drained = false;
    while ((reading = reader_pop(&reader->done)))
        reading_free(reading);
    reader->done_count = 0;
    reader->done_bytes = 0;
}

static void add_done(struct reader *reader, struct reading *reading)
{
    bool alone = reading->pages > PAGES_SMALL;

    if (alone)
        reader_finish(reader);
    reader_push(&reader->done, reading);
    reader->done_count++;
    reader->done_bytes += reading->body_length;
    if (alone || reader->done_count >= BATCH_MOST ||
        reader->done_bytes >= BATCH_BYTES)
        reader_finish(reader);
}

/* -- an answer comes --------------------------------------------------- */

struct history *reader_history(struct reader *reader, const char *call_id)
{
    for (struct history *one = reader->histories; one; one = one->next)
        if (strcmp(one->call_id, call_id) == 0)
            return one;
    return NULL;
}

/* A record of several pages has a quota of its own. */
static void keep_history(struct reader *reader, struct reading *reading)
{
    struct history *history = reader_history(reader, reading->call_id);

    if (!history) {
        history = memory_new(1, sizeof(*history));
        memcpy(history->call_id, reading->call_id, GUID_SIZE);
        bucket_open(&history->bucket, QUOTA_RECORD, reader->graph_url);
        bucket_take(&history->bucket, clock_ms());
        history->next = reader->histories;
        reader->histories = history;
    }
    reading->quota = &history->bucket;
}

static bool is_one_page(const struct reading *reading)
{
    return reading_asks_for_both(reading) && !reading->links.sessions_next &&
           !reading->links.participants_next;
}

/* Keeps the body for the batch, or stores the page. */
static bool store(struct reader *reader, struct reading *reading)
{
    bool good = true;

    if (is_one_page(reading)) {
        reading->body = reading->transfer.answer;
        reading->body_length = reading->transfer.answer_length;
        reading->transfer.answer = NULL;
    } else {
        good = recordstore_page(reader->database, reader->tenant_id, reading);
    }
    transfer_free(&reading->transfer);
    return good;
}

static void take_page(struct reader *reader, struct reading *reading)
{
    struct fault fault = reading->transfer.fault;
    bool strayed;

    if (!reading_take(reading, reader->graph_url, &strayed)) {
        snprintf(fault.code, sizeof(fault.code), "%s",
                 strayed ? "foreignLink" : "unreadable");
        fault_say(&fault, READER_STEP, "%s",
                  strayed ? "a link leads to another host, not followed"
                          : "the answer could not be understood");
        fail(reader, reading, &fault);
        return;
    }
    reader->failures = 0;
    if (!store(reader, reading)) {
        snprintf(fault.code, sizeof(fault.code), "untaken");
        fault_say(&fault, READER_STEP, "the database did not take it");
        fail(reader, reading, &fault);
    } else if (reading_advance(reading, reader->graph_url)) {
        keep_history(reader, reading);
        reader_push(&reader->ready, reading);
    } else {
        add_done(reader, reading);
    }
}

/* Gets the token that requests are to carry; false: there is none. */
bool reader_authorise(struct reader *reader, const char *refused)
{
    struct graph *graph = reader->graph;
    struct token token = {0};
    struct fault fault = {0};

    if (!refused && graph->token.text &&
        graph->token.expires_at >= clock_wall() + 60)
        return true;
    if (token_get(&token, graph->tenant, graph->state_dir, graph->http,
                  graph->deadline, refused, &fault) != DONE) {
        stop(reader, &fault);
        return false;
    }
    token_free(&graph->token);
    graph->token = token;
    return true;
}

/* Graph does not take the token (401): once it may have run out. */
static void authorise_again(struct reader *reader, struct reading *reading)
{
    const char *token = reader->graph->token.text;
    bool same = token && strcmp(token, reading->bearer) == 0;

    if (reading->reauthorised)
        stop(reader, &reading->transfer.fault);
    transfer_free(&reading->transfer);
    if (reader->over ||
        !reader_authorise(reader, same ? reading->bearer : NULL)) {
        reader_release(reader, reading, 0);
        return;
    }
    reading->reauthorised = true;
    reader_push(&reader->ready, reading);
}

/* Too many requests: none goes out for a while. */
long reader_pause(struct reader *reader, const struct fault *fault)
{
    long seconds =
        fault->retry_after ? fault->retry_after : RETRY_AFTER_DEFAULT;

    bucket_close(&reader->bucket, clock_ms() + (int64_t)seconds * 1000);
    return seconds;
}

/*
 * What Graph says no to. Where nothing else was taken, the tenant is at fault
 * and not the record: none is marked as failed.
 */
static void take_refusal(struct reader *reader, struct reading *reading)
{
    struct transfer *transfer = &reading->transfer;

    if (transfer->status == 401) {
        authorise_again(reader, reading);
    } else if (transfer->status == 403 && !reader->answered) {
        stop(reader, &transfer->fault);
        reader_release(reader, reading, REFUSED_SECONDS);
    } else if (transfer->status == 400 && reading_asks_for_both(reading)) {
        reader->apart = true;
        transfer_free(transfer);
        reading_start(reading, reader->graph_url, true);
        reader_push(&reader->ready, reading);
    } else {
        fail(reader, reading, &transfer->fault);
    }
}

static void take_failure(struct reader *reader, struct reading *reading)
{
    struct transfer *transfer = &reading->transfer;
    struct fault fault = transfer->fault;

    if (transfer->status / 100 == 2 && reading->lane + 1 < LANES &&
        transfer->answer_length + PIECE > transfer->limit) {
        transfer_free(transfer);
        reading->lane++;
        reader_push(&reader->ready, reading);
    } else if (transfer->outcome == ABSENT) {
        reader->failures = 0;
        reader->records->absent++;
        recordstore_failed(reader->database, reader->tenant_id, reading,
                           &fault);
        reading_free(reading);
        reader_check_database(reader);
    } else if (transfer->status == 429) {
        long seconds = reader_pause(reader, &fault);

        if (!reader->records->fault.step)
            reader->records->fault = fault;
        reader_release(reader, reading, seconds);
    } else if (transfer->outcome == REFUSED) {
        take_refusal(reader, reading);
    } else {
        fail(reader, reading, &fault);
    }
}

void reader_take(struct reader *reader, struct reading *reading)
{
    const struct transfer *transfer = &reading->transfer;
    enum outcome outcome;

    reader_take_out(&reader->flying, reading);
    reader->flying_count--;
    lane_give(reading->lane);
    for (int i = 1; i < transfer->attempts; i++) {
        bucket_take(&reader->bucket, clock_ms());
        if (reading->quota)
            bucket_take(reading->quota, clock_ms());
    }
    outcome = transfer->outcome;
    if (outcome == DONE)
        take_page(reader, reading);
    else
        take_failure(reader, reading);
    if (outcome == DONE || outcome == ABSENT)
        reader->answered = true;
}
