/* The command `status`: how it stands with each tenant. */
#include "commands/status_data.h"

#include <ctype.h>
#include <inttypes.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/database.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/memory.h"
#include "commands/commands.h"

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

static void print_line(const struct line *line, bool is_red)
{
    printf("%s%-20s %-9s %-14s %-11s %-11s %s%s\n", is_red ? red : "",
           line->name, line->state, line->expires.text, line->renewed.text,
           line->last_item.text, line->token.text, is_red ? plain : "");
}

/* Breaks the sentence at spaces, each line behind the same indent. */
static void print_sentence(const char *mark, const char *sentence, bool is_red)
{
    size_t indent = 2 + strlen(mark);
    size_t column = indent;

    printf("%s  %s", is_red ? red : "", mark);
    if (!sentence)
        sentence = "";
    for (const char *s = sentence + strspn(sentence, " "); *s;) {
        size_t length = strcspn(s, " ");

        if (column > indent && column + 1 + length > COLUMNS) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        for (size_t i = 0; i < length; i++) /* it may be a peer's text */
            putchar(isprint((unsigned char)s[i]) ? s[i] : '?');
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

static struct span token_ends(yajl_val tenant)
{
    int64_t until = status_data_time(tenant, "token_expires_at");
    int64_t left = until - clock_wall();
    struct span span = {"none"};

    if (until && left < 3600)
        return duration_in(left);
    if (until)
        snprintf(span.text, sizeof(span.text), "in %" PRId64 " h", left / 3600);
    return span;
}

static void fill_in(struct line *line, const struct status_data *data,
                    yajl_val subscription)
{
    int64_t now = status_data_time(data->tree, "at");
    int64_t expires_at = status_data_time(subscription, "expires_at");
    int64_t renewed_at = status_data_time(subscription, "renewed_at");
    int64_t last_at = status_data_time(subscription, "last_notification_at");

    line->state = json_text(subscription, "state");
    if (expires_at)
        line->expires = duration_in(expires_at - now);
    if (renewed_at)
        line->renewed = duration_ago(now - renewed_at);
    if (last_at)
        line->last_item = duration_ago(now - last_at);
    else if (!data->last_known)
        line->last_item = (struct span){"not known"};
}

/* A line for each of its subscriptions, or one that says there is none. */
static void print_lines(const struct status_data *data, yajl_val tenant,
                        bool is_red)
{
    struct line line = {.state = data->is_there ? "none" : "not known",
                        .expires = {"-"},
                        .renewed = {"-"},
                        .last_item = {"-"},
                        .token = token_ends(tenant)};
    yajl_val *all;
    size_t count = status_data_list(tenant, "subscriptions", &all);

    cut_name(line.name, json_text(tenant, "tenant"));
    if (count == 0)
        print_line(&line, is_red);
    for (size_t i = 0; i < count; i++) {
        struct line one = line;

        fill_in(&one, data, all[i]);
        print_line(&one, is_red);
    }
}

static void print_sentences(yajl_val tenant, const char *name, const char *mark,
                            bool is_red)
{
    yajl_val *all;
    size_t count = status_data_list(tenant, name, &all);

    for (size_t i = 0; i < count; i++)
        print_sentence(mark, YAJL_GET_STRING(all[i]), is_red);
}

static void print_consumers(const struct status_data *data)
{
    yajl_val *all;
    size_t count = status_data_list(data->tree, "consumers", &all);

    for (size_t i = 0; i < count; i++)
        print_sentence("- ", json_text(all[i], "note"), false);
}

static void print_table(const struct status_data *data, bool colour)
{
    static const struct line head = {"TENANT",      "STATE",
                                     {"EXPIRES"},   {"RENEWED"},
                                     {"LAST ITEM"}, {"TOKEN ENDS"}};
    const char *fault = json_text(data->tree, "database_fault");
    yajl_val *tenants;
    size_t count = status_data_list(data->tree, "tenants", &tenants);
    size_t in_need = 0;

    print_line(&head, false);
    for (size_t i = 0; i < count; i++) {
        bool ok = YAJL_IS_TRUE(json_member(tenants[i], "ok"));

        in_need += !ok;
        print_lines(data, tenants[i], colour && !ok);
        print_sentences(tenants[i], "needs", "! ", colour);
        print_sentences(tenants[i], "notes", "- ", false);
    }
    print_consumers(data);
    print_sentences(data->tree, "faults", "! ", colour);
    if (fault)
        print_sentence("! ", fault, colour);
    else if (in_need)
        printf("%zu of %zu tenants need a hand\n", in_need, count);
}

/* -- the command ------------------------------------------------------- */

static void load(struct status_data *data, const struct settings *settings)
{
    char why[DATABASE_WHY];
    struct database *database = database_open(settings->database, why);
    char *fault = database
                      ? memory_copy("the database did not answer; "
                                    "callhook-renewer "
                                    "check looks at its rights")
                      : memory_print("the database cannot be used: %s", why);

    status_data_load(data, settings, database, fault, true);
    free(fault);
    database_close(database);
}

/* https://no-color.org */
static bool wants_colour(void)
{
    const char *without = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (!without || !*without);
}

int status_command(const struct settings *settings, const struct words *words)
{
    struct status_data data;
    bool fine;

    if (words->count && strcmp(words->all[0], "--json") != 0) {
        log_line("status has one option, --json");
        return EX_USAGE;
    }
    load(&data, settings);
    if (words->count)
        puts(data.text);
    else
        print_table(&data, wants_colour());
    fine = YAJL_IS_TRUE(json_member(data.tree, "ok"));
    status_data_free(&data);
    return fine ? EX_OK : 1;
}
