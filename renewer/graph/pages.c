/* An answer of many pages, read one after the other, within Graph's quota. */
#include "graph/pages.h"

#include <poll.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/url.h"

/* Bytes of a page. Some tenants read at a time, and memory is short. */
#define LIMIT (4UL << 20)

/* More than a span has of anything. */
#define PAGES_MOST 5000

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

/* What is wrong with a link, or NULL; a code for the call's row, too. */
static const char *link_fault(const char *link, const struct tenant *tenant,
                              const char **code)
{
    *code = "badLink";
    for (const char *c = link; *c; c++)
        if (*c <= ' ' || *c > '~')
            return *c == ' ' ? "a link has a space in it, not followed"
                             : "a link has a byte beyond printable ASCII in "
                               "it, not followed";
    *code = "relativeLink";
    if (!strstr(link, "://"))
        return "a link is relative, not followed";
    *code = "foreignLink";
    return url_same_origin(link, tenant->graph_url) ? NULL
                                                    : "a link leads to another "
                                                      "host, not followed";
}

bool pages_link_is_good(const char *link, const struct tenant *tenant,
                        struct fault *fault, const char *step)
{
    const char *code, *wrong = link_fault(link, tenant, &code);

    if (wrong) {
        snprintf(fault->code, sizeof(fault->code), "%s", code);
        fault_say(fault, step, "%s", wrong);
    }
    return !wrong;
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

/*
 * Whether the links lead in a circle, of whatever length: one of them is
 * remembered, and after 1, 2, 4, 8 ... pages a later one in its place (Brent's
 * algorithm).
 */
static bool is_circle(const struct pages *pages, char **mark, const char *next)
{
    if (strcmp(next, *mark) == 0)
        return true;
    if ((pages->pages & (pages->pages - 1)) == 0) {
        free(*mark);
        *mark = memory_copy(next);
    }
    return false;
}

enum outcome pages_read(struct pages *pages, const char *url)
{
    char *link = memory_copy(url);
    char *mark = memory_copy(url);
    enum outcome outcome = DONE;

    pages->pages = 0;
    while (link && outcome == DONE) {
        char *next = NULL;

        if (pages->most && pages->pages == pages->most)
            break;
        outcome = read_one(pages, link, &next);
        pages->pages += outcome == DONE;
        if (outcome == DONE && next &&
            (is_circle(pages, &mark, next) || pages->pages == PAGES_MOST)) {
            fault_say(&pages->fault, pages->step,
                      "the pages have no end: a link came before");
            outcome = REFUSED;
        }
        free(link);
        link = next;
    }
    pages->more = outcome == DONE && link;
    free(link);
    free(mark);
    return outcome;
}
