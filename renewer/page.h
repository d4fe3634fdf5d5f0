/* A page of call records: whether it can be stored, and where it goes on. */
#ifndef RENEWER_PAGE_H
#define RENEWER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* NULL: there is no such link. Zero it; page_free() it. */
struct page {
    char *next;              /* @odata.nextLink */
    char *sessions_next;     /* sessions@odata.nextLink */
    char *participants_next; /* participants_v2@odata.nextLink */
    bool rows;               /* `value` is an array */
};

/*
 * Reads it, in place: a page may be many megabytes. False if it is no JSON
 * object, holds a NUL, is no valid UTF-8, is nested deeper than 64 or has a
 * link that is no text.
 */
bool page_read(struct page *page, const char *text, size_t length);

void page_free(struct page *page);

#endif
