/* The form for people. */
#include "status/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/memory.h"

/* -- the table: 80 columns, what is wrong below each line -------------- */

#define COLUMNS 80
#define NAME_COLUMNS 20

static const char red[] = "\033[31m";
static const char plain[] = "\033[0m";

struct line {
    char name[NAME_COLUMNS + 1];
    const char *state;
    struct span expires;
    struct span renewed;
    struct span last_item;
    struct span token;
};

static void print_line(FILE *stream, const struct line *line, bool is_red)
{
    fprintf(stream, "%s%-20s %-9s %-14s %-11s %-11s %s%s\n", is_red ? red : "",
            line->name, line->state, line->expires.text, line->renewed.text,
            line->last_item.text, line->token.text, is_red ? plain : "");
}

/* It may be a peer's text, which is to move no cursor. */
static char plain_of(char c)
{
    return isprint((unsigned char)c) ? c : '?';
}

/* Breaks the sentence at spaces, each line behind the same indent. */
static void print_sentence(FILE *stream, const char *mark, const char *sentence,
                           bool is_red)
{
    size_t indent = 2 + strlen(mark);
    size_t column = indent;

    fprintf(stream, "%s  %s", is_red ? red : "", mark);
    if (!sentence)
        sentence = "";
    for (const char *s = sentence + strspn(sentence, " "); *s;) {
        size_t length = strcspn(s, " ");

        if (column > indent && column + 1 + length > COLUMNS) {
            fprintf(stream, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', stream);
            column++;
        }
        for (size_t i = 0; i < length; i++)
            fputc(plain_of(s[i]), stream);
        column += length;
        s += length + strspn(s + length, " ");
    }
    fprintf(stream, "%s\n", is_red ? plain : "");
}

static void cut_name(char name[NAME_COLUMNS + 1], const char *from)
{
    size_t length = strlen(from);

    if (length > NAME_COLUMNS) {
        memcpy(name, from, NAME_COLUMNS - 2);
        memcpy(name + NAME_COLUMNS - 2, "..", 3);
    } else {
        memcpy(name, from, length + 1);
    }
    for (; *name; name++)
        *name = plain_of(*name);
}

/* As callhook_store.size_words(). */
static struct span size_of(int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    struct span span;
    int unit = 0;

    while (unit < 3 && bytes >= 10000) {
        bytes /= 1000;
        unit++;
    }
    snprintf(span.text, sizeof(span.text), "%" PRId64 " %s",
             bytes < 0 ? 0 : bytes, units[unit]);
    return span;
}

static struct span token_ends(yajl_val tenant)
{
    int64_t until = state_time(tenant, "token_expires_at");
    int64_t left = until - clock_wall();
    struct span span = {"none"};

    if (until && left < 3600)
        return duration_in(left);
    if (until)
        snprintf(span.text, sizeof(span.text), "in %" PRId64 " h", left / 3600);
    return span;
}

static void fill_in(struct line *line, const struct state *state,
                    yajl_val subscription)
{
    int64_t now = state_time(state->tree, "at");
    int64_t expires_at = state_time(subscription, "expires_at");
    int64_t renewed_at = state_time(subscription, "renewed_at");
    int64_t last_at = state_time(subscription, "last_notification_at");

    line->state = json_text(subscription, "state");
    if (expires_at)
        line->expires = duration_in(expires_at - now);
    if (renewed_at)
        line->renewed = duration_ago(now - renewed_at);
    if (last_at)
        line->last_item = duration_ago(now - last_at);
    else if (!state->last_known)
        line->last_item = (struct span){"not known"};
}

/* A line for each of its subscriptions, or one that says there is none. */
static void print_lines(FILE *stream, const struct state *state,
                        yajl_val tenant, bool is_red)
{
    struct line line = {.state = state->is_there ? "none" : "not known",
                        .expires = {"-"},
                        .renewed = {"-"},
                        .last_item = {"-"},
                        .token = token_ends(tenant)};
    yajl_val *all;
    size_t count = state_list(tenant, "subscriptions", &all);

    cut_name(line.name, json_text(tenant, "tenant"));
    if (count == 0)
        print_line(stream, &line, is_red);
    for (size_t i = 0; i < count; i++) {
        struct line one = line;

        fill_in(&one, state, all[i]);
        print_line(stream, &one, is_red);
    }
}

static void print_sentences(FILE *stream, yajl_val tenant, const char *name,
                            const char *mark, bool is_red)
{
    yajl_val *all;
    size_t count = state_list(tenant, name, &all);

    for (size_t i = 0; i < count; i++)
        print_sentence(stream, mark, YAJL_GET_STRING(all[i]), is_red);
}

/* Without the database only the state folder knows. */
static void print_last_failure(FILE *stream, yajl_val tenant, bool is_red)
{
    const char *last = json_text(tenant, "last_failure");
    char *sentence = memory_print("the last run failed: %s: callhook-renewer "
                                  "check looks for the cause",
                                  last ? last : "");

    if (last)
        print_sentence(stream, "! ", sentence, is_red);
    free(sentence);
}

static void print_receivers(FILE *stream, const struct state *state,
                            bool colour)
{
    int64_t now = state_time(state->tree, "at");
    yajl_val *all;
    size_t count = state_list(state->tree, "receivers", &all);

    if (count)
        fprintf(stream, "\n%-20s %-9s %-14s %-11s %s\n", "RECEIVER", "STATE",
                "LAST SEEN", "SPOOL", "OLDEST THERE");
    for (size_t i = 0; i < count; i++) {
        bool is_red = colour && json_text(all[i], "need");
        int64_t seen_at = state_time(all[i], "last_seen_at");
        int64_t oldest_at = state_time(all[i], "oldest_spooled_at");
        char name[NAME_COLUMNS + 1];

        cut_name(name, json_text(all[i], "host"));
        fprintf(stream, "%s%-20s %-9s %-14s %-11s %s%s\n", is_red ? red : "",
                name, json_text(all[i], "state"),
                duration_ago(now - seen_at).text,
                size_of(state_number(all[i], "spool_bytes")).text,
                oldest_at ? duration_ago(now - oldest_at).text : "-",
                is_red ? plain : "");
    }
}

static void print_consumers(FILE *stream, const struct state *state)
{
    yajl_val *all;
    size_t count = state_list(state->tree, "consumers", &all);

    for (size_t i = 0; i < count; i++)
        print_sentence(stream, "- ", json_text(all[i], "note"), false);
}

void text_print(FILE *stream, const struct state *state, bool colour)
{
    static const struct line head = {"TENANT",      "STATE",
                                     {"EXPIRES"},   {"RENEWED"},
                                     {"LAST ITEM"}, {"TOKEN ENDS"}};
    const char *fault = json_text(state->tree, "database_fault");
    yajl_val *tenants, *faults;
    size_t count = state_list(state->tree, "tenants", &tenants);
    size_t in_need = 0;

    print_line(stream, &head, false);
    for (size_t i = 0; i < count; i++) {
        bool ok = YAJL_IS_TRUE(json_member(tenants[i], "ok"));

        in_need += !ok;
        print_lines(stream, state, tenants[i], colour && !ok);
        print_sentences(stream, tenants[i], "needs", "! ", colour);
        if (!state->is_there)
            print_last_failure(stream, tenants[i], colour);
        print_sentences(stream, tenants[i], "notes", "- ", false);
    }
    print_receivers(stream, state, colour);
    print_sentences(stream, state->tree, "needs", "! ", colour);
    print_sentences(stream, state->tree, "notes", "- ", false);
    print_consumers(stream, state);
    if (state_list(state->tree, "faults", &faults)) {
        print_sentences(stream, state->tree, "faults", "! ", colour);
        print_sentence(stream, "  ",
                       "callhook-renewer check looks for the "
                       "cause",
                       false);
    }
    if (fault)
        print_sentence(stream, "! ", fault, colour);
    else if (in_need)
        fprintf(stream, "%zu of %zu tenants need a hand\n", in_need, count);
}
