/* Reads the call records of a tenant that are due, many at a time. */
#ifndef RENEWER_RECORDS_H
#define RENEWER_RECORDS_H

#include "database.h"
#include "graph.h"
#include "outcome.h"

/*
 * Reads until none is due or the graph's deadline; `ids`: of these calls alone,
 * an array literal, or NULL. What is not read by then is due at the next run,
 * which goes on where a record of many pages has stopped. DONE: whatever was
 * asked for was read, or is not there. Else the fault is the first failure, or
 * why it ended early.
 */
enum outcome records_read(struct graph *graph, struct database *database,
                          const char *ids, struct fault *fault);

#endif
