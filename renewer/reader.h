/* The reading of a tenant's call records, under way: what is where. */
#ifndef RENEWER_READER_H
#define RENEWER_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "bucket.h"
#include "records.h"

#define READER_STEP "read call record"

/* What one record's requests were, as long as they count. */
struct history {
    struct history *next;
    char call_id[GUID_SIZE];
    struct bucket bucket;
};

struct reader {
    struct records *records;
    struct graph *graph;
    struct database *database;
    const char *tenant_id;
    const char *graph_url;
    struct bucket bucket;
    struct history *histories;

    struct reading *ready;  /* to be sent, the first first */
    struct reading *flying; /* sent */
    struct reading *done;   /* whole, to be finished */
    size_t flying_count;
    size_t done_count;
    size_t done_bytes;

    unsigned failures; /* in a row */
    bool answered;     /* Graph has answered: many may go out now */
    bool apart;        /* Graph wants one relationship in a request */
    bool drained;      /* no call is due */
    bool over;
};

/* Lists of readings, linked by their `next`. */
void reader_push(struct reading **list, struct reading *reading);
void reader_take_out(struct reading **list, struct reading *reading);
struct reading *reader_pop(struct reading **list);

/* What a record's requests were; NULL: not more than one. */
struct history *reader_history(struct reader *reader, const char *call_id);

/* Gets the token that requests are to carry; `refused` is one that Graph does
 * not take, or NULL. False: there is none, and the reader is over. */
bool reader_authorise(struct reader *reader, const char *refused);

/* Takes an answer: the reading goes on, is whole, or ends. */
void reader_take(struct reader *reader, struct reading *reading);

/* Too many requests: none goes out for the seconds that are returned. */
long reader_pause(struct reader *reader, const struct fault *fault);

/* Finishes what is whole, in one statement. */
void reader_finish(struct reader *reader);

/* Gives a call back, to be read after so many seconds. */
void reader_release(struct reader *reader, struct reading *reading,
                    long seconds);

/* Ends the reading if the database is gone. */
void reader_check_database(struct reader *reader);

#endif
