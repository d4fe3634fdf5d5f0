/* The lines of an INI file: [title], key = value, and comments. */
#ifndef RENEWER_INI_H
#define RENEWER_INI_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line that is no comment, without its end. */
#define INI_LINE_MAX 4000

/* A text that is read; its lines are split in place. */
struct ini {
    char *next;
    char *end;
    int line; /* the number of the last one, from 1 */
};

/* A line that says something. */
struct ini_line {
    const char *fault; /* what is wrong with it as a line, or NULL */
    bool header;       /* [name]; else name = value. Also known of a fault */
    char *name;        /* these two: unless there is a fault */
    char *value;
};

/* Begins with `length` bytes and a NUL behind them. */
void ini_begin(struct ini *ini, char *bytes, size_t length);

/* The next line but blank ones and comments; false: there is none. */
bool ini_next(struct ini *ini, struct ini_line *line);

#endif
