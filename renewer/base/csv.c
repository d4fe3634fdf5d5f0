/* Comma-separated values, RFC 4180, in memory; tabs may stand for commas. */
#include "base/csv.h"

#include <stdbool.h>
#include <string.h>

void csv_begin(struct csv *csv, char *text, char separator)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    *csv = (struct csv){text, separator, 1};
}

/* The end of a line, as both systems write it. */
static bool skip_line_end(struct csv *csv)
{
    if (csv->at[0] == '\r' && csv->at[1] == '\n')
        csv->at++;
    if (*csv->at != '\n')
        return false;
    csv->at++;
    csv->line++;
    return true;
}

/* The text of a quoted field is moved to its beginning, without the quotes
 * that stand for quotes. */
static enum csv_result read_quoted(struct csv *csv, char **end)
{
    char *to = ++csv->at;

    while (*csv->at) {
        if (*csv->at == '"' && *++csv->at != '"') {
            *end = to;
            return CSV_ROW;
        }
        csv->line += *csv->at == '\n';
        *to++ = *csv->at++;
    }
    return CSV_OPEN_QUOTE;
}

static enum csv_result read_field(struct csv *csv, char **field, char **end)
{
    enum csv_result result = CSV_ROW;

    *field = csv->at;
    if (*csv->at == '"') {
        *field = csv->at + 1;
        result = read_quoted(csv, end);
    } else {
        while (*csv->at && *csv->at != csv->separator && *csv->at != '\n' &&
               !(csv->at[0] == '\r' && csv->at[1] == '\n'))
            csv->at++;
        *end = csv->at;
    }
    return result;
}

enum csv_result csv_next(struct csv *csv, struct csv_row *row)
{
    bool more = true;

    while (skip_line_end(csv))
        ;
    *row = (struct csv_row){.line = csv->line};
    if (!*csv->at)
        return CSV_END;
    while (more) {
        char *end = NULL;
        enum csv_result result;

        if (row->count == CSV_FIELDS)
            return CSV_TOO_WIDE;
        result = read_field(csv, &row->fields[row->count++], &end);
        if (result != CSV_ROW)
            return result;
        more = *csv->at == csv->separator;
        if (more)
            csv->at++;
        else if (*csv->at && !skip_line_end(csv))
            return CSV_AFTER_QUOTE;
        *end = '\0'; /* it may be where the separator stood */
    }
    return CSV_ROW;
}
