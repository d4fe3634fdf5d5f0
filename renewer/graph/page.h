/* A page of call records: whether it can be stored, and where it goes on. */
#ifndef RENEWER_PAGE_H
#define RENEWER_PAGE_H

#include <stdbool.h>

#include "http/http.h"

/* The header Prefer: Graph is not to hide what is newer than its schema. */
#define PAGE_PREFER "include-unknown-enum-members"

/* Of the page itself, and of a record's sessions and participants_v2. */
enum link { LINK_NEXT, LINK_SESSIONS, LINK_PARTICIPANTS, LINKS };

/* Zero it; page_free() it. */
struct page {
    char *links[LINKS]; /* to further pages; NULL: there is none */
    bool rows;          /* `value` is an array */
};

/*
 * Reads an answer of Graph's, in place: it may be many megabytes. False, and
 * the transfer's fault says why: it is no JSON object, holds a NUL, is no valid
 * UTF-8, is nested deeper than 64, lacks the rows that it `must_have`, or links
 * to another host than Graph's: the token must not go there.
 */
bool page_read(struct page *page, struct transfer *transfer, bool must_have);

void page_free(struct page *page);

#endif
