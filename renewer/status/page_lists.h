/* The lists of the page: what needs a hand, tenants, receivers, consumers. */
#ifndef RENEWER_PAGE_LISTS_H
#define RENEWER_PAGE_LISTS_H

#include "status/html.h"
#include "status/verdict.h"

/* "ok", "warn", "bad" or "dull": what the style sheet calls it. */
const char *page_class(enum verdict verdict);

/* Room for a time as the page says it: "Sun 29 Nov, 09:41 UTC". */
struct page_time {
    char text[40];
};

struct page_time page_time(int64_t seconds);

/* The newest of a tenant's subscriptions; 0: not known. */
int64_t page_last_notification(yajl_val tenant);

void page_print_needs(struct html *html, const struct state *state);
void page_print_tenants(struct html *html, const struct state *state);
void page_print_receivers(struct html *html, const struct state *state);
void page_print_consumers(struct html *html, const struct state *state);

#endif
