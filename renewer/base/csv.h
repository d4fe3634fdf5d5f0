/* Comma-separated values, RFC 4180, in memory; tabs may stand for commas. */
#ifndef RENEWER_CSV_H
#define RENEWER_CSV_H

#include <stddef.h>

#define CSV_FIELDS 32

struct csv {
    char *at; /* what is left of the text, which the caller keeps */
    char separator;
    long line; /* that `at` is in */
};

struct csv_row {
    long line; /* where it begins */
    size_t count;
    char *fields[CSV_FIELDS]; /* within the text */
};

enum csv_result {
    CSV_ROW,
    CSV_END,
    CSV_OPEN_QUOTE,  /* a quoted field has no end */
    CSV_AFTER_QUOTE, /* something stands between a quote and the separator */
    CSV_TOO_WIDE,    /* over CSV_FIELDS fields */
};

/*
 * Begins with a text that has a NUL at its end and none before; it is changed
 * as it is read. A byte order mark is skipped.
 */
void csv_begin(struct csv *csv, char *text, char separator);

/* The next row; empty lines are none. With a fault row->line is set. */
enum csv_result csv_next(struct csv *csv, struct csv_row *row);

#endif
