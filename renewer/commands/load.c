/* The command `load`: what the site knows and Graph does not, from a file. */
#include "commands/commands.h"

#include <errno.h>
#include <strings.h>
#include <sysexits.h>

#include "base/csv.h"
#include "base/database.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/utf8.h"

#define FILE_LIMIT ((size_t)64 << 20)
#define COLUMNS 5

/* Columns by their names in the header; '|' parts names for the same. */
static const struct kind {
    const char *name;
    const char *columns[COLUMNS]; /* none: there is no header */
    const char *told;             /* the same, for people */
} kinds[] = {
    {"building", {NULL}, NULL},
    {"person",
     {"person|id|principal_name|user_principal_name", "department",
      "cost_centre", "number", NULL},
     "id or principal_name, department, cost_centre, number"},
    {"rate",
     {"prefix", "per_minute", "per_call", "currency", "valid_from"},
     "prefix, per_minute, per_call, currency, valid_from"},
    {"queue", {"id", "name", NULL}, "id, name"},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct load {
    const struct kind *kind;
    const struct tenant *tenant;
    const char *path;
    int place[CSV_FIELDS]; /* of each column of the file, from 0; -1: none */
    struct json_writer rows;
    int64_t count; /* of these */
};

static bool tell(const struct load *load, long line, const char *fault)
{
    log_line("%s:%ld: %s", load->path, line, fault);
    return false;
}

/* Whether a name is one of those that are parted by '|'. */
static bool is_among(const char *name, const char *names)
{
    size_t length = strlen(name);

    for (const char *at = names; length; at++) {
        size_t width = strcspn(at, "|");

        if (width == length && strncasecmp(at, name, length) == 0)
            return true;
        at += width;
        if (!*at)
            break;
    }
    return false;
}

static int find_place(const struct kind *kind, const char *name)
{
    for (int i = 0; i < COLUMNS && kind->columns[i]; i++)
        if (is_among(name, kind->columns[i]))
            return i;
    return -1;
}

/* Its name is not repeated: without a header it is somebody's. */
static bool tell_unknown(const struct load *load, long line, size_t column)
{
    log_line("%s:%ld: column %zu of the header is unknown: there are %s",
             load->path, line, column, load->kind->told);
    return false;
}

/* The first column is the one that no file may lack. */
static bool read_header(struct load *load, const struct csv_row *row)
{
    bool found[COLUMNS] = {false};

    for (size_t i = 0; i < row->count; i++) {
        int place = find_place(load->kind, row->fields[i]);

        if (place < 0)
            return tell_unknown(load, row->line, i + 1);
        if (found[place])
            return tell(load, row->line, "a column stands twice in the header");
        found[place] = true;
        load->place[i] = place;
    }
    return found[0] || tell(load, row->line, "the header lacks a column");
}

static void write_row(struct load *load, const struct csv_row *row)
{
    const char *fields[CSV_FIELDS] = {NULL};
    size_t count = load->kind->columns[0] ? COLUMNS : row->count;

    for (size_t i = 0; i < row->count; i++)
        fields[load->kind->columns[0] ? (size_t)load->place[i] : i] =
            row->fields[i];
    json_writer_open_array(&load->rows, NULL);
    json_writer_number(&load->rows, NULL, row->line);
    for (size_t i = 0; i < count; i++)
        json_writer_text(&load->rows, NULL, fields[i] ? fields[i] : "");
    json_writer_close_array(&load->rows);
    load->count++;
}

static bool tell_syntax(const struct load *load, long line,
                        enum csv_result result)
{
    return tell(load, line,
                result == CSV_OPEN_QUOTE    ? "a quote is not closed"
                : result == CSV_AFTER_QUOTE ? "text follows a closing quote"
                                            : "there are too many columns");
}

static bool read_rows(struct load *load, char *text)
{
    bool header = load->kind->columns[0] != NULL;
    bool tabs = text[strcspn(text, "\t\n")] == '\t';
    size_t width = 0;
    enum csv_result result;
    struct csv_row row;
    struct csv csv;

    csv_begin(&csv, text, tabs ? '\t' : ',');
    while ((result = csv_next(&csv, &row)) == CSV_ROW) {
        if (header && !width) {
            if (!read_header(load, &row))
                return false;
            width = row.count;
        } else if (header && row.count != width) {
            return tell(load, row.line,
                        "it has not as many fields as the "
                        "header");
        } else {
            write_row(load, &row);
        }
        progress_at(csv.at - text);
    }
    if (result != CSV_END)
        return tell_syntax(load, row.line, result);
    return !header || width || tell(load, row.line, "there is no header");
}

static long line_of(const char *text, const char *at)
{
    long line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* All of a file, with a NUL behind it; NULL after logging why. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;

    if (file) {
        text = memory_new(FILE_LIMIT + 2, 1);
        *length = fread(text, 1, FILE_LIMIT + 1, file);
    }
    if (!file || ferror(file))
        log_line("%s: it cannot be read: %s", path, strerrordesc_np(errno));
    else if (*length > FILE_LIMIT)
        log_line("%s: it has over 64 MiB", path);
    if (!file || ferror(file) || *length > FILE_LIMIT) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

/* The same for UTF-8 without a NUL. */
static char *read_text(const struct load *load)
{
    size_t length = 0;
    char *text = read_file(load->path, &length);
    const char *at = text;

    if (!text || (utf8_is_sound(text, length) && strlen(text) == length))
        return text;
    /* The line to blame: each is looked at by itself. */
    while (*at && utf8_is_sound(at, strcspn(at, "\n")) && at[strcspn(at, "\n")])
        at += strcspn(at, "\n") + 1;
    tell(load, line_of(text, at), "it is no UTF-8");
    free(text);
    return NULL;
}

/*
 * True: stored. What SQL finds is told line by line. It is one statement, which
 * does not say how far it is.
 */
static bool store(struct load *load, struct database *database,
                  const char *rows)
{
    const char *const values[] = {load->tenant->tenant_id, load->kind->name,
                                  rows};
    PGresult *result;
    bool good;

    progress_begin(load->tenant->name, load->kind->name, load->count,
                   "rows stored");
    result = database_run(database,
                          "SELECT line, fault FROM "
                          "callhook_store.load_reference("
                          "$1::uuid, $2, $3::json -> 'rows') ORDER "
                          "BY line",
                          3, values);
    progress_end();
    good = result && PQntuples(result) == 0;
    for (int i = 0; result && i < PQntuples(result); i++)
        log_line("%s:%s: %s", load->path, PQgetvalue(result, i, 0),
                 PQgetvalue(result, i, 1));
    PQclear(result);
    return good;
}

static bool load_file(struct load *load, const struct settings *settings)
{
    char *text = read_text(load);
    bool good = text != NULL;
    char *rows;

    json_writer_begin(&load->rows);
    json_writer_open_array(&load->rows, "rows");
    progress_begin(load->tenant->name, load->kind->name,
                   good ? (int64_t)strlen(text) : 0, "bytes read");
    good = good && read_rows(load, text);
    progress_end();
    json_writer_close_array(&load->rows);
    rows = json_writer_end(&load->rows);
    if (good) {
        struct database *database = database_open_or_log(settings->database);

        good = database && store(load, database, rows);
        database_close(database);
    }
    free(rows);
    free(text);
    return good;
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

int load_command(const struct settings *settings, const struct words *words)
{
    struct load load = {0};

    if (words->count == 3)
        load = (struct load){.kind = find_kind(words->all[0]),
                             .path = words->all[2]};
    if (!load.kind) {
        log_line("load building|person|rate|queue TENANT FILE");
        return EX_USAGE;
    }
    load.tenant = settings_tenant_or_log(settings, words->all[1]);
    if (!load.tenant)
        return EX_USAGE;
    return load_file(&load, settings) ? EX_OK : 1;
}
