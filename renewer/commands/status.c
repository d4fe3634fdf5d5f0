/* The command `status`: how it stands with each tenant. */
#include "commands/status.h"

#include <ctype.h>
#include <inttypes.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/token.h"
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

static struct span token_ends(const struct status *status,
                              const struct tenant *tenant)
{
    int64_t until = token_kept_until(tenant, status->settings->state_dir);
    int64_t left = until - clock_wall();
    struct span span = {"none"};

    if (until && left < 3600)
        return duration_in(left);
    if (until)
        snprintf(span.text, sizeof(span.text), "in %" PRId64 " h", left / 3600);
    return span;
}

static void fill_in(struct line *line, const struct status_data *status_data,
                    int subscription)
{
    const PGresult *all = status_data->subscriptions;
    int64_t expires_at = result_number(all, subscription, "expires_at");
    int64_t renewed_at = result_number(all, subscription, "renewed_at");
    int64_t last_at = result_number(all, subscription, "last_notification_at");

    line->state = result_text(all, subscription, "state");
    if (expires_at)
        line->expires = duration_in(expires_at - status_data->now);
    if (renewed_at)
        line->renewed = duration_ago(status_data->now - renewed_at);
    if (last_at)
        line->last_item = duration_ago(status_data->now - last_at);
    else if (!status_data->last_known)
        line->last_item = (struct span){"not known"};
}

/* A line for each of its subscriptions, or one that says there is none. */
static void print_lines(const struct status *status,
                        const struct tenant *tenant, bool is_red)
{
    struct line line = {.state = status->status_findings ? "none" : "not known",
                        .expires = {"-"},
                        .renewed = {"-"},
                        .last_item = {"-"},
                        .token = token_ends(status, tenant)};
    int subscription = status_data_next(&status->status_data, tenant, -1);

    cut_name(line.name, tenant->name);
    do {
        struct line one = line;

        if (subscription >= 0) {
            fill_in(&one, &status->status_data, subscription);
            subscription =
                status_data_next(&status->status_data, tenant, subscription);
        }
        print_line(&one, is_red);
    } while (subscription >= 0);
}

static void print_health(const struct status_findings *status_findings,
                         bool colour)
{
    for (enum kind kind = NEED; kind <= NOTE; kind++)
        for (size_t i = 0; i < status_findings->count; i++)
            if (status_findings->all[i].kind == kind)
                print_sentence(kind == NEED ? "! " : "- ",
                               status_findings->all[i].text,
                               colour && kind == NEED);
}

static void print_table(const struct status *status, bool colour)
{
    static const struct line head = {"TENANT",      "STATE",
                                     {"EXPIRES"},   {"RENEWED"},
                                     {"LAST ITEM"}, {"TOKEN ENDS"}};

    print_line(&head, false);
    for (size_t i = 0; i < status->settings->tenant_count; i++) {
        const struct status_findings *status_findings =
            status->status_findings ? &status->status_findings[i] : NULL;

        print_lines(status, &status->settings->tenants[i],
                    colour && (!status_findings || status_findings->needs));
        if (status_findings)
            print_health(status_findings, colour);
    }
    if (*status->database_fault)
        print_sentence("! ", status->database_fault, colour);
    else if (status->in_need)
        printf("%zu of %zu tenants need a hand\n", status->in_need,
               status->settings->tenant_count);
}

/* -- the command ------------------------------------------------------- */

/* False: the fault is in status->database_fault. */
static bool read_overview(struct status *status)
{
    char why[DATABASE_WHY];
    struct database *database = database_open(status->settings->database, why);
    bool good = database && status_data_load(&status->status_data, database,
                                             status->settings, true);

    if (!database)
        snprintf(status->database_fault, sizeof(status->database_fault),
                 "the database cannot be used: %s", why);
    else if (!good)
        snprintf(status->database_fault, sizeof(status->database_fault),
                 "the database did not answer; callhook-renewer check looks "
                 "at its rights");
    database_close(database);
    return good;
}

static void judge(struct status *status)
{
    const struct settings *settings = status->settings;

    status->status_findings =
        memory_new(settings->tenant_count, sizeof(struct status_findings));
    for (size_t i = 0; i < settings->tenant_count; i++) {
        status_findings_find(&status->status_findings[i], &status->status_data,
                             settings, i);
        status->in_need += status->status_findings[i].needs > 0;
    }
}

/* https://no-color.org */
static bool wants_colour(void)
{
    const char *without = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (!without || !*without);
}

int status_command(const struct settings *settings, const struct words *words)
{
    struct status status = {.settings = settings};
    bool fine;

    if (words->count && strcmp(words->all[0], "--json") != 0) {
        log_line("status has one option, --json");
        return EX_USAGE;
    }
    if (read_overview(&status))
        judge(&status);
    if (words->count)
        status_json_print(&status);
    else
        print_table(&status, wants_colour());
    fine = status.status_findings && status.in_need == 0;
    for (size_t i = 0; status.status_findings && i < settings->tenant_count;
         i++)
        status_findings_free(&status.status_findings[i]);
    free(status.status_findings);
    status_data_free(&status.status_data);
    return fine ? EX_OK : 1;
}
