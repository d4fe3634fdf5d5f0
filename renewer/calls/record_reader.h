/* The readings of a tenant's call records that are under way: how each goes on,
 * and how it ends. */
#ifndef RENEWER_RECORD_READER_H
#define RENEWER_RECORD_READER_H

#include "calls/record_store.h"
#include "graph/graph.h"

#define RECORD_READER_STEP "read call record"

/* Pages wait for others, to be stored by one statement. */
#define RECORD_READER_BATCH 128

struct reader {
    struct graph *graph;
    const char *ids;
    struct record_store store;
    struct quota quota;
    struct fault *fault; /* its step is NULL until there is one */

    size_t results[READING_UNTAKEN + 1]; /* what became of the pages */
    size_t absent;                       /* not there yet, or no longer */
    size_t failed;

    struct reading *readings;     /* the calls that are claimed */
    size_t count[READING_STATES]; /* of these, by their state */
    struct reading *batch[RECORD_READER_BATCH];
    size_t batch_bytes; /* of all pages of its records */

    unsigned failures; /* in a row */
    bool answered;     /* Graph has answered: many may go out now */
    bool apart;        /* Graph wants one relationship in a request */
    bool drained;      /* no call is due */
    bool over;
};

/* Adds a reading that was claimed, or claims it anew if its link is bad. */
void record_reader_begin(struct reader *reader, struct reading *reading);

void record_reader_set_state(struct reader *reader, struct reading *reading,
                             int state);

/* Adds a page that has come to the batch, or where all are there the record;
 * a batch that is full is stored. */
void record_reader_store(struct reader *reader, struct reading *reading);

/* Stores the batch: each of its readings goes on, or ends. */
void record_reader_store_batch(struct reader *reader);

/* The first fault of all is what the caller hears of. */
void record_reader_note(struct reader *reader, const struct fault *fault);

/* The same; and no further page is read. */
void record_reader_stop(struct reader *reader, const struct fault *fault);

/* Ends a reading whose record is not there; it is written down with the call.
 */
void record_reader_absent(struct reader *reader, struct reading *reading);

/* The same for any other failure. Many in a row end all. */
void record_reader_fail(struct reader *reader, struct reading *reading);

/* Gives the call back, to be read on after `wait` milliseconds or more. */
void record_reader_release(struct reader *reader, struct reading *reading,
                           int64_t wait);

/* Claims the call again without its earlier pages. */
void record_reader_begin_anew(struct reader *reader, struct reading *reading);

#endif
