/* The lists of the page. */
#include "status/page_lists.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/memory.h"

/* Of each list; of a thousand tenants those in need come first. */
#define ROWS 60

const char *page_class(enum verdict verdict)
{
    static const char *const classes[] = {"ok", "warn", "bad", "dull"};

    return classes[verdict];
}

struct page_time page_time(int64_t seconds)
{
    struct page_time at = {"never"};
    time_t when = (time_t)seconds;
    struct tm parts;

    if (seconds && gmtime_r(&when, &parts))
        strftime(at.text, sizeof(at.text), "%a %e %b, %H:%M UTC", &parts);
    return at;
}

/* -- what needs a hand ------------------------------------------------- */

/*
 * What a peer said may name whom or what it likes: it is left to `status`.
 * Returns where it begins in the sentence, or the sentence's end.
 */
static size_t find_quote(const char *text, const char *quote)
{
    const char *found = quote && *quote ? strstr(text, quote) : NULL;

    return found ? (size_t)(found - text) : strlen(text);
}

/* A name from outside keeps its direction of writing to itself. */
static void print_need(struct html *html, const char *class, const char *of,
                       const char *text)
{
    html_open(html, "li", class);
    if (of) {
        html_open(html, "b", NULL);
        html_leaf(html, "bdi", NULL, of);
        html_close(html);
    }
    html_leaf(html, "bdi", NULL, text);
    html_close(html);
}

static void print_all(struct html *html, yajl_val object, const char *name,
                      const char *class)
{
    yajl_val *all;
    size_t count = state_list(object, name, &all);

    for (size_t i = 0; i < count; i++)
        print_need(html, class, NULL, YAJL_GET_STRING(all[i]));
}

static void print_of_tenant(struct html *html, yajl_val tenant,
                            const char *class)
{
    static const char *const quotes[] = {"failure", "failure_of_calls"};
    yajl_val *all;
    size_t count = state_list(tenant, "needs", &all);
    const char *own = verdict_need(tenant);

    if (own && strcmp(class, page_class(VERDICT_CRITICAL)) == 0)
        print_need(html, class, json_text(tenant, "tenant"), own);
    for (size_t i = 0; i < count; i++) {
        const char *text = YAJL_GET_STRING(all[i]);
        char *shown = memory_copy(text);

        for (int n = 0; n < 2; n++) {
            const char *quote = json_text(tenant, quotes[n]);
            size_t at = find_quote(shown, quote);
            char *without;

            if (!shown[at])
                continue;
            without = memory_print("%.*scallhook-renewer status says at what%s",
                                   (int)at, shown, shown + at + strlen(quote));
            free(shown);
            shown = without;
        }
        print_need(html, class, json_text(tenant, "tenant"), shown);
        free(shown);
    }
}

/* Those of that verdict; returns how many there is no room for. */
static size_t print_of_tenants(struct html *html, const struct state *state,
                               enum verdict verdict, int *room)
{
    yajl_val *all;
    size_t count = state_list(state->tree, "tenants", &all);
    size_t left = 0;

    for (size_t i = 0; i < count; i++) {
        if (verdict_of_tenant(state, all[i]) != verdict)
            continue;
        if (*room > 0)
            print_of_tenant(html, all[i], page_class(verdict));
        left += *room <= 0;
        (*room)--;
    }
    return left;
}

void page_print_needs(struct html *html, const struct state *state)
{
    const char *fault = json_text(state->tree, "database_fault");
    const char *condition = json_text(state->tree, "database");
    int room = ROWS;
    size_t left;
    bool ok = verdict_of(state) == VERDICT_OK;
    yajl_val *all;

    if (ok && !state_list(state->tree, "notes", &all))
        return;
    html_leaf(html, "h2", NULL, ok ? "Good to know" : "What needs a hand");
    html_open(html, "ul", "needs");
    if (fault) /* libpq's words name hosts and addresses */
        print_need(html, page_class(VERDICT_CRITICAL), NULL,
                   condition && strcmp(condition, "away") == 0
                       ? "the database cannot be used: callhook-renewer status "
                         "says why"
                       : fault);
    left = print_of_tenants(html, state, VERDICT_CRITICAL, &room);
    print_all(html, state->tree, "needs", page_class(VERDICT_WARNING));
    if (state_list(state->tree, "faults", &all))
        print_need(html, page_class(VERDICT_WARNING), NULL,
                   "runs have failed: callhook-renewer status says at what, "
                   "callhook-renewer check looks for the cause");
    left += print_of_tenants(html, state, VERDICT_WARNING, &room);
    print_all(html, state->tree, "notes", "note");
    if (left) {
        html_open(html, "li", "note");
        html_print(html, "and %zu more tenants: callhook-renewer status", left);
        html_close(html);
    }
    html_close(html);
}

/* -- tables ------------------------------------------------------------ */

static void open_table(struct html *html, const char *title,
                       const char *const *columns)
{
    html_leaf(html, "h2", NULL, title);
    html_open(html, "div", "list");
    html_open(html, "table", NULL);
    html_attribute(html, "aria-label", title);
    html_open(html, "thead", NULL);
    html_open(html, "tr", NULL);
    for (; *columns; columns++) {
        html_open(html, "th", NULL);
        html_attribute(html, "scope", "col");
        html_text(html, *columns);
        html_close(html);
    }
    html_close(html);
    html_close(html);
    html_open(html, "tbody", NULL);
}

static void close_table(struct html *html, size_t count)
{
    html_close(html);
    html_close(html);
    html_close(html);
    if (count > ROWS) {
        html_open(html, "p", "about");
        html_print(html, "and %zu more: callhook-renewer status", count - ROWS);
        html_close(html);
    }
}

/* The first cell of a row, which is left open. */
static void open_row(struct html *html, enum verdict verdict, const char *name)
{
    html_open(html, "tr", NULL);
    html_open(html, "th", NULL);
    html_attribute(html, "scope", "row");
    html_open(html, "span", "dot");
    html_close(html);
    html_leaf(html, "bdi", NULL, name);
    html_text(html, verdict == VERDICT_OK ? "" : " (");
    html_text(html, verdict == VERDICT_OK ? "" : verdict_word(verdict));
    html_text(html, verdict == VERDICT_OK ? "" : ")");
    html_close(html);
}

static void print_cell(struct html *html, const char *label, const char *text)
{
    html_open(html, "td", NULL);
    html_attribute(html, "data-label", label);
    html_text(html, text);
    html_close(html);
}

static void print_number(struct html *html, const char *label, int64_t number)
{
    html_open(html, "td", NULL);
    html_attribute(html, "data-label", label);
    html_print(html, "%" PRId64, number);
    html_close(html);
}

int64_t page_last_notification(yajl_val tenant)
{
    int64_t last = state_time(json_member(tenant, "silence"), "last_"
                                                              "notification_"
                                                              "at");
    yajl_val *all;
    size_t count = state_list(tenant, "subscriptions", &all);

    for (size_t i = 0; i < count; i++) {
        int64_t at = state_time(all[i], "last_notification_at");

        last = at > last ? at : last;
    }
    return last;
}

static void print_tenant(struct html *html, const struct state *state,
                         yajl_val tenant)
{
    int64_t now = state_time(state->tree, "at");
    int64_t ends_at = verdict_ends_at(tenant);
    int64_t last = page_last_notification(tenant);
    int64_t token = state_time(tenant, "token_expires_at");

    open_row(html, verdict_of_tenant(state, tenant),
             json_text(tenant, "tenant"));
    print_cell(html, "subscription",
               !state->is_there ? "not known"
               : ends_at        ? page_time(ends_at).text
                                : "none");
    print_cell(html, "ends",
               ends_at ? duration_in(ends_at - now).text : "\xe2\x80\x93");
    print_cell(html, "last notification",
               last ? duration_ago(now - last).text : "not known");
    print_cell(html, "token ends",
               token ? duration_in(token - now).text : "none kept");
    print_number(html, "records waiting",
                 state_number(tenant, "records_waiting"));
    print_number(html, "calls missing", state_number(tenant, "calls_missing"));
    html_close(html);
}

void page_print_tenants(struct html *html, const struct state *state)
{
    static const char *const columns[] = {"Tenant",        "Subscription until",
                                          "Ends",          "Last notification",
                                          "Token ends",    "Records waiting",
                                          "Calls missing", NULL};
    yajl_val *all;
    size_t count = state_list(state->tree, "tenants", &all);
    size_t shown = 0;

    open_table(html, "Tenants", columns);
    for (int verdict = VERDICT_UNKNOWN; verdict >= VERDICT_OK; verdict--)
        for (size_t i = 0; i < count && shown < ROWS; i++)
            if ((int)verdict_of_tenant(state, all[i]) == verdict) {
                print_tenant(html, state, all[i]);
                shown++;
            }
    close_table(html, count);
}

void page_print_receivers(struct html *html, const struct state *state)
{
    static const char *const columns[] = {
        "Receiver",     "State",         "Last seen",      "Bytes in its spool",
        "Stored today", "Refused today", "Over 3 s today", NULL};
    int64_t now = state_time(state->tree, "at");
    yajl_val *all;
    size_t count = state_list(state->tree, "receivers", &all);

    if (!count)
        return;
    open_table(html, "Receivers", columns);
    for (size_t i = 0; i < count && i < ROWS; i++) {
        int64_t seen_at = state_time(all[i], "last_seen_at");

        open_row(html, verdict_of_receiver(all[i]), json_text(all[i], "host"));
        print_cell(html, "state", json_text(all[i], "state"));
        print_cell(html, "last seen", duration_ago(now - seen_at).text);
        print_number(html, "bytes in its spool",
                     state_number(all[i], "spool_bytes"));
        print_number(html, "stored today",
                     state_number(all[i], "stored_today"));
        print_number(html, "refused today",
                     state_number(all[i], "refused_today"));
        print_number(html, "over 3 s today",
                     state_number(all[i], "over_3s_today"));
        html_close(html);
    }
    close_table(html, count);
}

/* Of a dropped one there is nothing to count. */
static void print_consumer(struct html *html, yajl_val consumer, int64_t now)
{
    static const char dash[] = "\xe2\x80\x93";
    int64_t oldest_at = state_time(consumer, "oldest_at");
    int64_t settled_at = state_time(consumer, "last_settled_at");
    bool dropped = YAJL_IS_TRUE(json_member(consumer, "dropped"));
    bool or_more = YAJL_IS_TRUE(json_member(consumer, "backlog_or_more"));

    open_row(html, VERDICT_OK, json_text(consumer, "consumer"));
    if (dropped) {
        print_cell(html, "backlog", "dropped");
    } else {
        html_open(html, "td", NULL);
        html_attribute(html, "data-label", "backlog");
        html_print(html, "%" PRId64 "%s", state_number(consumer, "backlog"),
                   or_more ? " or more" : "");
        html_close(html);
    }
    print_cell(html, "oldest",
               oldest_at ? duration_ago(now - oldest_at).text : dash);
    print_cell(html, "last settled",
               settled_at ? duration_ago(now - settled_at).text
               : dropped  ? dash
                          : "never");
    if (dropped)
        print_cell(html, "set aside", dash);
    else
        print_number(html, "set aside", state_number(consumer, "failures"));
    html_close(html);
}

void page_print_consumers(struct html *html, const struct state *state)
{
    static const char *const columns[] = {"Consumer",     "Backlog",   "Oldest",
                                          "Last settled", "Set aside", NULL};
    int64_t now = state_time(state->tree, "at");
    yajl_val *all;
    size_t count = state_list(state->tree, "consumers", &all);

    if (!count)
        return;
    open_table(html, "Consumers", columns);
    for (size_t i = 0; i < count && i < ROWS; i++)
        print_consumer(html, all[i], now);
    close_table(html, count);
}
