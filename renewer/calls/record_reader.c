/* How the reading of a call record goes on, and how it ends. */
#include "calls/record_reader.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "calls/record_large.h"
#include "graph/pages.h"

#define STEP RECORD_READER_STEP

/* Of all pages of the records in a batch. */
#define BATCH_BYTES (1UL << 20)

/* So many failures without one success, and Graph is taken to be away. */
#define FAILURES_MOST 10

#define LOCKED_MS 60000

/* Before a large record is tried again: its pages are all there. */
#define LARGE_MS 600000

/* A record that has another version each time is left alone for a while. */
#define CHANGES_MOST 3
#define CHANGING_MS 600000

void record_reader_set_state(struct reader *reader, struct reading *reading,
                             int state)
{
    reader->count[reading->state]--;
    reading->state = state;
    reader->count[state]++;
    if (state == READY)
        transfer_free(&reading->transfer);
}

void record_reader_note(struct reader *reader, const struct fault *fault)
{
    if (!reader->fault->step)
        *reader->fault = *fault;
}

void record_reader_stop(struct reader *reader, const struct fault *fault)
{
    reader->over = true;
    record_reader_note(reader, fault);
}

static void drop(struct reader *reader, struct reading *reading)
{
    struct reading **at = &reader->readings;

    while (*at != reading)
        at = &(*at)->next;
    *at = reading->next;
    reader->count[reading->state]--;
    transfer_free(&reading->transfer);
    memory_wipe(reading->bearer);
    free(reading->link);
    free(reading->url);
    free(reading);
}

/*
 * The next run knows nothing of this one's requests: a call waits until Graph
 * is to be asked again, and where there were many for one record, until these
 * count no more.
 */
void record_reader_release(struct reader *reader, struct reading *reading,
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
void record_reader_fail(struct reader *reader, struct reading *reading)
{
    const struct fault *fault = &reading->transfer.fault;

    reader->failed++;
    record_reader_note(reader, fault);
    record_store_failed(&reader->store, reading, fault);
    if (++reader->failures >= FAILURES_MOST)
        record_reader_stop(reader, fault);
    drop(reader, reading);
}

void record_reader_absent(struct reader *reader, struct reading *reading)
{
    reader->failures = 0;
    reader->absent++;
    record_store_failed(&reader->store, reading, &reading->transfer.fault);
    drop(reader, reading);
}

/* Earlier pages are of no use: the call is claimed again without them. */
void record_reader_begin_anew(struct reader *reader, struct reading *reading)
{
    char ids[GUID_SIZE + 2];

    snprintf(ids, sizeof(ids), "{%s}", reading->call_id);
    record_store_want(&reader->store, ids);
    reader->drained = false;
    drop(reader, reading);
}

/* A link of Graph's, not the query of the record's own URL. */
static bool link_is_good(struct reader *reader, struct reading *reading)
{
    return !reading->link || *reading->link == '?' ||
           pages_link_is_good(reading->link, reader->graph->tenant,
                              &reading->transfer.fault, STEP);
}

/* One that the database does not take now, or not as fast as it must. */
static void take_large(struct reader *reader, struct reading *reading)
{
    if (!record_large_store(&reader->store, reading)) {
        record_reader_release(reader, reading, LOCKED_MS);
        return;
    }
    reader->results[reading->result]++;
    if (reading->result == READING_LARGE) {
        reader->failed++;
        pages_untaken(&reading->transfer.fault, STEP, reading->sqlstate);
        record_reader_note(reader, &reading->transfer.fault);
        record_reader_release(reader, reading, LARGE_MS);
    } else {
        drop(reader, reading);
    }
}

static void take_result(struct reader *reader, struct reading *reading)
{
    bool locked = strcmp(reading->sqlstate, RECORD_STORE_LOCKED) == 0;

    if (reading->result == READING_LARGE) {
        take_large(reader, reading);
        return;
    }
    reader->results[reading->result]++;
    if (reading->result == READING_UNTAKEN && locked) {
        reader->over = true;
        record_reader_release(reader, reading, LOCKED_MS);
    } else if (reading->result == READING_UNTAKEN) {
        pages_untaken(&reading->transfer.fault, STEP, reading->sqlstate);
        record_reader_fail(reader, reading);
    } else if (!link_is_good(reader, reading)) {
        record_reader_fail(reader, reading);
    } else {
        reader->failures = 0;
        if (reading->result == READING_CHANGED &&
            ++reading->changes == CHANGES_MOST)
            record_reader_release(reader, reading, CHANGING_MS);
        else if (reading->result == READING_MORE ||
                 reading->result == READING_CHANGED)
            record_reader_set_state(reader, reading, READY);
        else
            drop(reader, reading);
    }
}

void record_reader_store_batch(struct reader *reader)
{
    size_t count = reader->count[BATCHED];

    if (count)
        record_store_pages(&reader->store, reader->batch, count);
    /* Each is in the batch once, which the analyzer cannot know. */
    for (size_t i = 0; i < count; i++)
        take_result(reader, reader->batch[i]); /* NOLINT(*-unix.Malloc) */
    reader->batch_bytes = 0;
}

/* A statement has some seconds: pages of a large record are stored alone. */
void record_reader_store(struct reader *reader, struct reading *reading)
{
    if (reader->batch_bytes + reading->bytes > BATCH_BYTES)
        record_reader_store_batch(reader);
    reader->batch[reader->count[BATCHED]] = reading;
    record_reader_set_state(reader, reading, BATCHED);
    reader->batch_bytes += reading->bytes;
    if (reader->count[BATCHED] == RECORD_READER_BATCH ||
        reader->batch_bytes >= BATCH_BYTES)
        record_reader_store_batch(reader);
}

void record_reader_begin(struct reader *reader, struct reading *reading)
{
    reading->next = reader->readings;
    reader->readings = reading;
    reader->count[READY]++;
    quota_open(&reading->quota, QUOTA_RECORD, reader->graph->tenant->quota);
    reading->resumed = reading->link || !reading->page_no;
    if (reading->resumed)
        reading->bytes = BATCH_BYTES; /* or any number */
    if (!link_is_good(reader, reading))
        record_reader_begin_anew(reader, reading);
    else if (!reading->page_no)
        record_reader_store(reader, reading);
}
