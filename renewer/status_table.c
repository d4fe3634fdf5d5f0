/* The table that `status` prints: 80 columns, the faults below each line. */
#include <ctype.h>
#include <inttypes.h>

#include "clock.h"
#include "span.h"
#include "status.h"
#include "token.h"

#define COLUMNS 80
#define NAME_COLUMNS 20

static const char red[] = "\033[31m";
static const char plain[] = "\033[0m";

struct line {
    char name[NAME_COLUMNS + 1];
    const char *state;
    char expires[SPAN_SIZE];
    char renewed[SPAN_SIZE];
    char last_item[SPAN_SIZE];
    char token[SPAN_SIZE];
    bool in_need;
};

static void print_line(const struct line *line, bool colour)
{
    bool is_red = colour && line->in_need;

    printf("%s%-20s %-9s %-14s %-11s %-11s %s%s\n", is_red ? red : "",
           line->name, line->state, line->expires, line->renewed,
           line->last_item, line->token, is_red ? plain : "");
}

/* Text of the database's: no control characters on the terminal. */
static void print_word(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        putchar(isprint((unsigned char)word[i]) ? word[i] : '?');
}

/* Breaks the sentence at spaces, each line behind the same indent. */
static void print_sentence(const char *mark, const char *sentence, bool is_red)
{
    size_t indent = 2 + strlen(mark);
    size_t column = indent;

    printf("%s  %s", is_red ? red : "", mark);
    for (const char *s = sentence + strspn(sentence, " "); *s;) {
        size_t length = strcspn(s, " ");

        if (column > indent && column + 1 + length > COLUMNS) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        print_word(s, length);
        column += length;
        s += length + strspn(s + length, " ");
    }
    printf("%s\n", is_red ? plain : "");
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
}

static void write_token(char text[SPAN_SIZE], const struct status *status,
                        const struct tenant *tenant)
{
    int64_t until = token_kept_until(tenant, status->settings->state_dir);
    int64_t left = until - clock_wall();

    if (until == 0)
        snprintf(text, SPAN_SIZE, "none");
    else if (left >= 3600)
        snprintf(text, SPAN_SIZE, "in %" PRId64 " h", left / 3600);
    else
        span_in(text, left);
}

static void fill_in(struct line *line, const struct status *status,
                    const struct kept *kept)
{
    int64_t now = status->overview.now;

    line->state = health_state(&status->overview, kept);
    if (kept->expires_at)
        span_in(line->expires, kept->expires_at - now);
    if (kept->renewed_at)
        span_ago(line->renewed, now - kept->renewed_at);
    if (kept->last_item_at)
        span_ago(line->last_item, now - kept->last_item_at);
    else if (!status->last_known)
        snprintf(line->last_item, SPAN_SIZE, "not known");
}

/* A line for each of its subscriptions, or one that says there is none. */
static void print_lines(const struct status *status,
                        const struct tenant *tenant, bool in_need, bool colour)
{
    const struct kept *kept = NULL;
    struct line line = {.state = status->health ? "none" : "not known",
                        .expires = "-",
                        .renewed = "-",
                        .last_item = "-",
                        .in_need = in_need};

    cut_name(line.name, tenant->name);
    write_token(line.token, status, tenant);
    do {
        struct line one = line;

        kept = overview_next(&status->overview, tenant, kept);
        if (kept)
            fill_in(&one, status, kept);
        print_line(&one, colour);
    } while (kept && overview_next(&status->overview, tenant, kept));
}

static void print_health(const struct health *health, bool colour)
{
    for (size_t i = 0; i < health->needs.count; i++)
        print_sentence("! ", health->needs.all[i], colour);
    for (size_t i = 0; i < health->notes.count; i++)
        print_sentence("- ", health->notes.all[i], false);
}

void status_print_table(const struct status *status, bool colour)
{
    static const struct line head = {"TENANT",  "STATE",     "EXPIRES",
                                     "RENEWED", "LAST ITEM", "TOKEN ENDS",
                                     false};

    print_line(&head, false);
    for (size_t i = 0; i < status->settings->tenant_count; i++) {
        const struct health *health =
            status->health ? &status->health[i] : NULL;

        print_lines(status, &status->settings->tenants[i],
                    !health || health->needs.count, colour);
        if (health)
            print_health(health, colour);
    }
    if (*status->database_fault)
        print_sentence("! ", status->database_fault, colour);
    else if (status->in_need)
        printf("%zu of %zu tenants need a hand\n", status->in_need,
               status->settings->tenant_count);
}
