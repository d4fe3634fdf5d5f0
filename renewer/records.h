/* Reads the call records of a tenant that are due, many at a time. */
#ifndef RENEWER_RECORDS_H
#define RENEWER_RECORDS_H

#include "database.h"
#include "graph.h"
#include "outcome.h"
#include "recordstore.h"

/* Zero it and set the first two; the graph's deadline holds. */
struct records {
    struct graph *graph;
    struct database *database;

    struct finished finished; /* what became of those that were read */
    size_t absent;            /* not there yet, or no longer */
    size_t failed;            /* noted with the call, to be tried again */
    struct fault fault;       /* the first failure, or why it ended early */
};

/*
 * Reads until none is due or the time is over; what is not read by then is due
 * at the next run. DONE: whatever was asked for was read, or is not there.
 */
enum outcome records_read(struct records *records);

/* "12 stored, 3 unchanged, ..." for -v and the command fetch. */
void records_print(const struct records *records, char *line, size_t size);

#endif
