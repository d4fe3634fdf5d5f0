/* An answer of many pages, read one after the other, within Graph's quota. */
#include "graph/pages.h"

#include <poll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "graph/page.h"

/* Bytes of a page. Some tenants read at a time, and memory is short. */
#define LIMIT (4UL << 20)

/* Sleeps until the quota has room; false: not before the deadline. */
static bool wait_for_room(struct pages *pages)
{
    int64_t now = clock_ms();
    int64_t wait = quota_wait(pages->quota, now);

    if (now + wait >= pages->graph->deadline) {
        fault_say(&pages->fault, pages->step, "no time is left");
        pages->late = true;
        return false;
    }
    if (wait > 0)
        poll(NULL, 0, (int)wait);
    quota_take(pages->quota, clock_ms());
    return true;
}

/* Takes the page; `*next` is then where it goes on, or NULL. */
static enum outcome take(struct pages *pages, struct transfer *transfer,
                         char **next)
{
    struct page page = {0};
    enum outcome outcome;

    if (!page_read(&page, transfer, true)) {
        outcome = REFUSED;
    } else if (pages->take(pages->context, transfer->answer)) {
        outcome = DONE;
        *next = page.links[LINK_NEXT];
        page.links[LINK_NEXT] = NULL;
    } else {
        outcome = LATER;
        fault_say(&transfer->fault, pages->step,
                  "the database did not take it");
    }
    page_free(&page);
    return outcome;
}

static enum outcome read_one(struct pages *pages, const char *url, char **next)
{
    struct transfer transfer = {.step = pages->step,
                                .method = "GET",
                                .url = url,
                                .prefer = PAGE_PREFER,
                                .limit = LIMIT};
    enum outcome outcome;

    if (!wait_for_room(pages))
        return LATER;
    outcome = graph_send(pages->graph, &transfer);
    for (int i = 1; i < transfer.attempts; i++)
        quota_take(pages->quota, clock_ms());
    if (outcome == DONE)
        outcome = take(pages, &transfer, next);
    pages->fault = transfer.fault;
    transfer_free(&transfer);
    return outcome;
}

enum outcome pages_read(struct pages *pages, const char *url)
{
    char *link = memory_copy(url);
    enum outcome outcome = DONE;

    pages->pages = 0;
    while (link && outcome == DONE) {
        char *next = NULL;

        if (pages->most && pages->pages == pages->most)
            break;
        outcome = read_one(pages, link, &next);
        pages->pages += outcome == DONE;
        free(link);
        link = next;
    }
    pages->more = link != NULL;
    free(link);
    return outcome;
}
