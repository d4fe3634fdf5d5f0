/* The reading of one call record: which page comes next. */
#include "calls/record_reader.h"

#include "base/memory.h"
#include "base/url.h"
#include "graph/page.h"

#define SESSIONS "$expand=sessions($expand=segments)"
#define PARTICIPANTS "participants_v2"
#define VERSION "$select=id,version"

const char *record_reader_kind(const struct reading *reading)
{
    static const char *const names[KINDS] = {
        [KIND_RECORD] = "record",
        [KIND_SESSIONS] = "sessions",
        [KIND_PARTICIPANTS] = "participants_v2",
    };

    return names[reading->kind];
}

static void go_to(struct reading *reading, enum kind kind, char *url)
{
    free(reading->url);
    reading->url = url;
    reading->kind = kind;
    reading->pages[kind]++;
}

/* Asks for the record itself (again). */
static void ask(struct reading *reading, const char *graph_url,
                const char *query)
{
    go_to(reading, KIND_RECORD,
          memory_print("%s/v1.0/communications/callRecords/%s?%s", graph_url,
                       reading->call_id, query));
}

/* Goes to the next page of the kind, if there is one. */
static bool follow(struct reading *reading, enum kind kind)
{
    char *link = reading->links[kind];

    reading->links[kind] = NULL;
    if (link)
        go_to(reading, kind, link);
    return link != NULL;
}

void record_reader_start(struct reading *reading, const char *graph_url,
                         bool apart)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        reading->pages[kind] = 0;
    reading->apart = apart;
    reading->resumed = reading->changed = false;
    reading->bytes = 0;
    ask(reading, graph_url, apart ? SESSIONS : SESSIONS "," PARTICIPANTS);
}

bool record_reader_resume(struct reading *reading, const char *graph_url)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        if (reading->links[kind] &&
            !url_same_origin(reading->links[kind], graph_url))
            return false;
    reading->resumed = true;
    reading->kind = KIND_SESSIONS; /* the record is asked for at the end */
    return record_reader_advance(reading, graph_url);
}

bool record_reader_asks_for_both(const struct reading *reading)
{
    return !reading->apart && reading->kind == KIND_RECORD &&
           reading->pages[KIND_RECORD] == 1;
}

static void keep_link(struct reading *reading, enum kind kind, char **link)
{
    if (!*link)
        return;
    free(reading->links[kind]);
    reading->links[kind] = *link;
    *link = NULL;
}

bool record_reader_take(struct reading *reading)
{
    struct page page = {0};
    bool good =
        page_read(&page, &reading->transfer, reading->kind != KIND_RECORD);

    if (good && reading->kind == KIND_RECORD) {
        keep_link(reading, KIND_SESSIONS, &page.links[LINK_SESSIONS]);
        keep_link(reading, KIND_PARTICIPANTS, &page.links[LINK_PARTICIPANTS]);
    } else if (good) {
        keep_link(reading, reading->kind, &page.links[LINK_NEXT]);
    }
    page_free(&page);
    return good;
}

/*
 * Pages of sessions and participants do not say of which version they are: the
 * record says at the end whether it is still the same one.
 */
bool record_reader_advance(struct reading *reading, const char *graph_url)
{
    if (follow(reading, KIND_SESSIONS))
        return true;
    if (reading->apart && reading->pages[KIND_RECORD] == 1) {
        ask(reading, graph_url, VERSION "&$expand=" PARTICIPANTS);
        return true;
    }
    if (follow(reading, KIND_PARTICIPANTS))
        return true;
    if (reading->kind == KIND_RECORD)
        return false;
    ask(reading, graph_url, VERSION);
    return true;
}

void record_reader_free(struct reading *reading)
{
    transfer_free(&reading->transfer);
    for (enum kind kind = 0; kind < KINDS; kind++)
        free(reading->links[kind]);
    memory_wipe(reading->bearer);
    free(reading->url);
    free(reading->body);
    free(reading);
}
