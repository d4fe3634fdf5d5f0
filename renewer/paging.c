/* An answer of many pages, read one after the other, within Graph's quota. */
#include "paging.h"

#include <poll.h>

#include "clock.h"
#include "memory.h"
#include "page.h"

/* Bytes of a page. Some tenants read at a time, and memory is short. */
#define LIMIT (4UL << 20)

/* Sleeps until the quota has room; false: not before the deadline. */
static bool wait_for_room(struct paging *paging)
{
    int64_t now = clock_ms();
    int64_t wait = bucket_wait(paging->bucket, now);

    if (now + wait >= paging->graph->deadline) {
        fault_say(&paging->fault, paging->step, "no time is left");
        paging->late = true;
        return false;
    }
    if (wait > 0)
        poll(NULL, 0, (int)wait);
    bucket_take(paging->bucket, clock_ms());
    return true;
}

/* Takes the page; `*next` is then where it goes on, or NULL. */
static enum outcome take(struct paging *paging, struct transfer *transfer,
                         char **next)
{
    struct page page = {0};
    enum outcome outcome;

    if (!page_read(&page, transfer, true)) {
        outcome = REFUSED;
    } else if (paging->take(paging->context, transfer->answer)) {
        outcome = DONE;
        *next = page.links[LINK_NEXT];
        page.links[LINK_NEXT] = NULL;
    } else {
        outcome = LATER;
        fault_say(&transfer->fault, paging->step,
                  "the database did not take it");
    }
    page_free(&page);
    return outcome;
}

static enum outcome read_one(struct paging *paging, const char *url,
                             char **next)
{
    struct transfer transfer = {.step = paging->step,
                                .method = "GET",
                                .url = url,
                                .prefer = PAGE_PREFER,
                                .limit = LIMIT};
    enum outcome outcome;

    if (!wait_for_room(paging))
        return LATER;
    outcome = graph_send(paging->graph, &transfer);
    for (int i = 1; i < transfer.attempts; i++)
        bucket_take(paging->bucket, clock_ms());
    if (outcome == DONE)
        outcome = take(paging, &transfer, next);
    paging->fault = transfer.fault;
    transfer_free(&transfer);
    return outcome;
}

enum outcome paging_read(struct paging *paging, const char *url)
{
    char *link = memory_copy(url);
    enum outcome outcome = DONE;

    paging->pages = 0;
    while (link && outcome == DONE) {
        char *next = NULL;

        if (paging->most && paging->pages == paging->most)
            break;
        outcome = read_one(paging, link, &next);
        paging->pages += outcome == DONE;
        free(link);
        link = next;
    }
    paging->more = link != NULL;
    free(link);
    return outcome;
}
