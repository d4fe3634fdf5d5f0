/* The reading of one call record: which page comes next. */
#include "reading.h"

#include "memory.h"

#define SESSIONS "$expand=sessions($expand=segments)"
#define PARTICIPANTS "participants_v2"
#define VERSION "$select=id,version"

static char *record_url(const struct reading *reading, const char *graph_url,
                        const char *query)
{
    return memory_print("%s/v1.0/communications/callRecords/%s?%s", graph_url,
                        reading->call_id, query);
}

const char *reading_kind(enum kind kind)
{
    static const char *const names[KINDS] = {
        [KIND_RECORD] = "record",
        [KIND_SESSIONS] = "sessions",
        [KIND_PARTICIPANTS] = "participants_v2",
    };

    return names[kind];
}

/* Asks for the record itself (again). */
static void ask(struct reading *reading, const char *graph_url,
                const char *query)
{
    reading->url = record_url(reading, graph_url, query);
    reading->kind = KIND_RECORD;
    reading->page_no = ++reading->records;
}

void reading_start(struct reading *reading, const char *graph_url, bool apart)
{
    free(reading->url);
    reading->apart = apart;
    reading->records = 0;
    ask(reading, graph_url, apart ? SESSIONS : SESSIONS "," PARTICIPANTS);
}

bool reading_asks_for_both(const struct reading *reading)
{
    return !reading->apart && reading->kind == KIND_RECORD &&
           reading->page_no == 1;
}

/* A link that is there replaces the one that was followed. */
static bool keep_link(char **kept, char **link, const char *graph_url)
{
    if (*link && !http_same_origin(*link, graph_url))
        return false;
    free(*kept);
    *kept = *link;
    *link = NULL;
    return true;
}

bool reading_take(struct reading *reading, const char *graph_url, bool *strayed)
{
    struct transfer *transfer = &reading->transfer;
    struct page page = {0};
    struct page *links = &reading->links;
    bool sound = page_read(&page, transfer->answer, transfer->answer_length) &&
                 (page.rows || reading->kind == KIND_RECORD);
    bool kept = sound;

    if (sound && reading->kind == KIND_SESSIONS)
        kept = keep_link(&links->sessions_next, &page.next, graph_url);
    else if (sound && reading->kind == KIND_PARTICIPANTS)
        kept = keep_link(&links->participants_next, &page.next, graph_url);
    else if (sound && reading->page_no == 1)
        kept = keep_link(&links->sessions_next, &page.sessions_next, graph_url);
    if (kept && reading->kind == KIND_RECORD && page.participants_next)
        kept = keep_link(&links->participants_next, &page.participants_next,
                         graph_url);
    *strayed = sound && !kept;
    reading->pages += kept;
    page_free(&page);
    return kept;
}

/* The page that a link leads to: the first of its kind, or the next one. */
static void follow(struct reading *reading, enum kind kind, char **link)
{
    reading->page_no = reading->kind == kind ? reading->page_no + 1 : 1;
    reading->kind = kind;
    reading->url = *link;
    *link = NULL;
}

/*
 * Pages of sessions and participants do not say of which version they are: the
 * record says at the end whether it is still the same one.
 */
bool reading_advance(struct reading *reading, const char *graph_url)
{
    struct page *links = &reading->links;

    free(reading->url);
    reading->url = NULL;
    if (links->sessions_next)
        follow(reading, KIND_SESSIONS, &links->sessions_next);
    else if (reading->apart && reading->records == 1)
        ask(reading, graph_url, VERSION "&$expand=" PARTICIPANTS);
    else if (links->participants_next)
        follow(reading, KIND_PARTICIPANTS, &links->participants_next);
    else if (reading->kind != KIND_RECORD)
        ask(reading, graph_url, VERSION);
    return reading->url != NULL;
}

void reading_free(struct reading *reading)
{
    transfer_free(&reading->transfer);
    page_free(&reading->links);
    memory_wipe(reading->bearer);
    free(reading->url);
    free(reading->body);
    free(reading);
}
