/* An answer of many pages, read one after the other, within Graph's quota. */
#ifndef RENEWER_PAGES_H
#define RENEWER_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "graph/graph.h"
#include "graph/quota.h"

/* Fill it in. */
struct pages {
    struct graph *graph;
    struct quota *quota;
    const char *step;
    size_t most; /* pages; 0: all there are */
    /* Takes a page, text with a NUL behind it; false: the database did not. */
    bool (*take)(void *context, const char *page);
    void *context;

    size_t pages; /* that were taken */
    bool more;    /* there are more than `most` */
    bool late;    /* it ended because no time is left */
    struct fault fault;
};

/* Reads the page at `url` and those that it leads to. */
enum outcome pages_read(struct pages *pages, const char *url);

#endif
