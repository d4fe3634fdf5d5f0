/* Reads the call records of a tenant that are due, many at a time. */
#include "records.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "lane.h"
#include "memory.h"
#include "reader.h"

/* Requests at a time. */
#define FLYING_MOST 32

/* Whole records wait for others so long, to share a statement. */
#define BATCH_MS 100

#define LEFT_TO_BEGIN 2000 /* milliseconds that a new reading needs */
#define LANE_MS 20         /* another thread may give a place back */

/* -- requests go out --------------------------------------------------- */

static void send_out(struct reader *reader, struct reading *reading)
{
    struct transfer *transfer = &reading->transfer;
    int64_t now = clock_ms();

    bucket_take(&reader->bucket, now);
    if (reading->quota)
        bucket_take(reading->quota, now);
    memory_wipe(reading->bearer);
    reading->bearer = memory_copy(reader->graph->token.text);
    *transfer = (struct transfer){.tenant = reader->graph->tenant,
                                  .step = READER_STEP,
                                  .method = "GET",
                                  .url = reading->url,
                                  .bearer = reading->bearer,
                                  .prefer = "include-unknown-enum-members",
                                  .limit = lane_limit(reading->lane),
                                  .deadline = reader->graph->deadline,
                                  .context = reading};
    reader_take_out(&reader->ready, reading);
    reader_push(&reader->flying, reading);
    reader->flying_count++;
    http_start(reader->graph->http, transfer);
}

/* Sends what may go out; returns milliseconds until more might. */
static int64_t send_some(struct reader *reader)
{
    size_t most = reader->answered ? FLYING_MOST : 1;
    int64_t pause = 1000;
    struct reading *after;

    for (struct reading *one = reader->ready; one; one = after) {
        int64_t wait = bucket_wait(&reader->bucket, clock_ms());

        after = one->next;
        if (reader->flying_count >= most)
            break;
        if (wait)
            return wait < pause ? wait : pause;
        if (one->quota)
            wait = bucket_wait(one->quota, clock_ms());
        if (!wait && !lane_take(one->lane))
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
    for (struct reading *one = reader->flying; one; one = one->next)
        if (one->transfer.status == 429)
            reader_pause(reader, &one->transfer.fault);
}

/* -- calls are claimed ------------------------------------------------- */

static void add_claimed(struct reader *reader, struct reading *claimed)
{
    struct reading **end = &reader->ready;

    while (*end)
        end = &(*end)->next;
    *end = claimed;
    for (struct reading *one = claimed; one; one = one->next) {
        struct history *history = reader_history(reader, one->call_id);

        one->quota = history ? &history->bucket : NULL;
        reading_start(one, reader->graph_url, reader->apart);
    }
}

static void claim(struct reader *reader)
{
    struct reading *claimed;

    if (reader->drained || reader->ready)
        return;
    if (clock_ms() > reader->graph->deadline - LEFT_TO_BEGIN) {
        reader->drained = true;
        return;
    }
    if (!recordstore_claim(reader->database, reader->tenant_id, FLYING_MOST,
                           &claimed))
        reader_check_database(reader);
    reader->drained = !claimed;
    add_claimed(reader, claimed);
}

/* -- all together ------------------------------------------------------ */

static void wait_for_answers(struct reader *reader, int64_t pause)
{
    int64_t now = clock_ms();
    int64_t until = now + (reader->done && pause > BATCH_MS ? BATCH_MS : pause);
    struct transfer *transfer;

    if (!reader->flying) {
        reader_finish(reader);
        if (reader->ready && pause > 0)
            nanosleep(&(struct timespec){.tv_sec = pause / 1000,
                                         .tv_nsec = pause % 1000 * 1000000},
                      NULL);
        return;
    }
    transfer = http_next(reader->graph->http, until);
    if (transfer)
        reader_take(reader, transfer->context);
    else
        reader_finish(reader);
}

/* What has not been read goes back. */
static void give_back(struct reader *reader)
{
    struct reading *reading;

    http_abandon(reader->graph->http);
    reader_finish(reader);
    while ((reading = reader_pop(&reader->flying))) {
        lane_give(reading->lane);
        reader_push(&reader->ready, reading);
    }
    while ((reading = reader_pop(&reader->ready)))
        reader_release(reader, reading, 0);
    while (reader->histories) {
        struct history *history = reader->histories;

        reader->histories = history->next;
        free(history);
    }
}

static void read_all(struct reader *reader)
{
    while (!reader->over) {
        claim(reader);
        if (!reader->ready && !reader->flying && !reader->done)
            break;
        if (clock_ms() >= reader->graph->deadline - 500)
            break;
        if (reader->ready && !reader_authorise(reader, NULL))
            break;
        heed_throttling(reader);
        wait_for_answers(reader, send_some(reader));
    }
}

void records_print(const struct records *records, char *line, size_t size)
{
    const struct finished *finished = &records->finished;

    snprintf(line, size,
             "%zu stored, %zu unchanged, %zu not there, %zu changed while they "
             "were read, %zu failed",
             finished->stored, finished->same, records->absent,
             finished->changed,
             records->failed + finished->refused + finished->untaken);
}

enum outcome records_read(struct records *records)
{
    struct graph *graph = records->graph;
    struct finished *finished = &records->finished;
    struct reader reader = {.records = records,
                            .graph = graph,
                            .database = records->database,
                            .tenant_id = graph->tenant->tenant_id,
                            .graph_url = graph->tenant->graph_url};

    bucket_open(&reader.bucket, QUOTA_RECORDS, reader.graph_url);
    read_all(&reader);
    give_back(&reader);
    if (!records->fault.step && finished->refused + finished->untaken)
        fault_say(&records->fault, READER_STEP,
                  "%zu records cannot be taken apart",
                  finished->refused + finished->untaken);
    return records->fault.step ? LATER : DONE;
}
