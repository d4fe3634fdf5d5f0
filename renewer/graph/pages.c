/* An answer of many pages, read one after the other, within Graph's quota. */
#include "graph/pages.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/url.h"

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

bool pages_link_is_good(const char *link, const struct tenant *tenant,
                        struct fault *fault, const char *step)
{
    if (url_same_origin(link, tenant->graph_url))
        return true;
    snprintf(fault->code, sizeof(fault->code), "foreignLink");
    fault_say(fault, step, "a link leads to another host, not followed");
    return false;
}

/* Classes of errors: of data, and of what is too large or nested too deep. */
enum outcome pages_untaken(struct fault *fault, const char *step,
                           const char *sqlstate)
{
    bool unreadable =
        strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "54", 2) == 0;

    snprintf(fault->code, sizeof(fault->code), "%s",
             unreadable ? "unreadable" : "untaken");
    fault_say(fault, step, "%s",
              unreadable ? "the answer could not be understood"
                         : "the database did not take it");
    return unreadable ? REFUSED : LATER;
}

static enum outcome read_one(struct pages *pages, const char *url, char **next)
{
    struct transfer transfer = {.step = pages->step,
                                .method = "GET",
                                .url = url,
                                .prefer = PAGES_PREFER,
                                .limit = LIMIT};
    enum outcome outcome;

    if (!wait_for_room(pages))
        return LATER;
    outcome = graph_send(pages->graph, &transfer);
    for (int i = 1; i < transfer.attempts; i++)
        quota_take(pages->quota, clock_ms());
    if (outcome == DONE)
        outcome = pages->take(pages->context, &transfer, next);
    if (outcome == DONE && *next &&
        !pages_link_is_good(*next, pages->graph->tenant, &transfer.fault,
                            pages->step))
        outcome = REFUSED;
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
    pages->more = outcome == DONE && link;
    free(link);
    return outcome;
}
