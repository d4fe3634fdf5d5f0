/*
 * Reads a list or a log of a tenant's by spans of time, as the database plans
 * them (list_plan() and next_window() in SQL): a span that takes too long is
 * given up and cut, and each run gets on.
 */
#ifndef RENEWER_WINDOWS_H
#define RENEWER_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/database.h"
#include "base/fault.h"
#include "graph/graph.h"
#include "graph/quota.h"

struct windows_list {
    const char *name; /* the database's */
    const char *step;
    const char *path;  /* behind Graph's URL: in front of the span's begin, */
    const char *until; /* in front of its end, */
    const char *rest;  /* and behind it */
    enum quota_kind quota;
    int64_t page_ms; /* that a page takes: the quota makes it so */
};

/* Zero it and set the first three; the graph's deadline holds. */
struct windows {
    const struct windows_list *list;
    struct graph *graph;
    struct database *database;
    int64_t since; /* instead of the plan, all from then on; 0: the plan */
    int64_t until; /* and to then; 0: now (it moves, see windows.c) */

    int64_t listed;  /* rows at Graph, in spans that were read to the end */
    int64_t missing; /* calls of which nothing was known */
    int64_t newer;   /* calls known in an older version */
    bool unfinished; /* no time was left; the next run goes on */
    struct fault fault;

    struct quota quota;
    int64_t started; /* by the database's clock */
    int64_t seconds; /* of all spans that were read to the end */
    int64_t cut;     /* the most that the next one may have; 0: it is open */
    int failures;    /* spans that Graph failed to list */
    bool narrow;     /* one of them is near: the next ones do not grow */
};

/* Reads all spans that are due, the newest first. */
enum outcome windows_read(struct windows *windows);

#endif
