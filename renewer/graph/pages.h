/* An answer of many pages, read one after the other, within Graph's quota. */
#ifndef RENEWER_PAGES_H
#define RENEWER_PAGES_H

#include "base/fault.h"
#include "graph/graph.h"
#include "graph/quota.h"

/* The header Prefer: Graph is not to hide what is newer than its schema. */
#define PAGES_PREFER "include-unknown-enum-members"

/* Fill it in. */
struct pages {
    struct graph *graph;
    struct quota *quota;
    const char *step;
    size_t most; /* pages; 0: all there are */
    /*
     * Stores the answered page, and sets `*next` to what it links to, if to
     * anything. Unless it is DONE, the transfer has the fault.
     */
    enum outcome (*take)(void *context, struct transfer *page, char **next);
    void *context;

    size_t pages; /* that were taken */
    bool more;    /* there are more than `most` */
    bool late;    /* it ended because no time is left */
    struct fault fault;
};

/* Reads the page at `url` and those that it leads to. */
enum outcome pages_read(struct pages *pages, const char *url);

/*
 * Whether a link may be followed: the token must not go to another host than
 * Graph's. False: the fault says why not.
 */
bool pages_link_is_good(const char *link, const struct tenant *tenant,
                        struct fault *fault, const char *step);

/* That the database did not store a page, by its SQLSTATE. */
enum outcome pages_untaken(struct fault *fault, const char *step,
                           const char *sqlstate);

#endif
