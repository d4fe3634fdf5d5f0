/* Reads the call records of a tenant that are due, many at a time. */
#ifndef RENEWER_RECORD_QUEUE_H
#define RENEWER_RECORD_QUEUE_H

#include "base/database.h"
#include "base/fault.h"
#include "graph/graph.h"

/*
 * Reads until none is due or the graph's deadline; `ids`: of these calls alone,
 * an array pg_list, or NULL. What is not read by then is due at the next run,
 * which goes on where a record of many pages has stopped. DONE: whatever was
 * asked for was read, or is not there. Else the fault is the first failure, or
 * why it ended early.
 */
enum outcome record_queue_read(struct graph *graph, struct database *database,
                               const char *ids, struct fault *fault);

#endif
