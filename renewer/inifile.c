/* An INI file, told line by line: libinih, and what it passes over. */
#include "inifile.h"

#include <ctype.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"
#include "memory.h"

/*
 * libinih cuts long lines and long section names, tells no line number, takes
 * an indented line for one more value and says nothing of a section without
 * keys. So it asks us for each line and is given a blank one instead of all
 * that it would get wrong.
 */
struct lines {
    const char *next;
    const char *end;
    const struct inifile_events *events;
    int number;   /* of the line given last */
    bool unsplit; /* it was given to libinih, which has not found a key yet */
};

static void tell(const struct lines *lines, const char *what)
{
    lines->events->fault(lines->events->context, lines->number, what);
}

/* Cuts the white space off both ends, in place. */
static char *trim(char *text)
{
    size_t n = strlen(text);

    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text + strspn(text, " \t");
}

/* "[title]", with nothing but a comment behind it. */
static void read_header(const struct lines *lines, const char *line,
                        size_t length)
{
    char *copy = memory_copy_bytes(line, length);
    char *end = strchr(copy, ']'), *title = NULL;

    if (!end) {
        tell(lines, "a section header without its ]");
    } else {
        size_t blank = strspn(end + 1, " \t");

        if (end[1] && (!blank || end[1 + blank] != ';')) {
            tell(lines, "text behind the ] of a section header");
        } else {
            *end = '\0';
            title = trim(copy + 1);
        }
    }
    lines->events->section(lines->events->context, lines->number, title);
    free(copy);
}

/* What is wrong with a line that is neither blank nor a comment, or NULL. */
static const char *line_fault(const char *line, size_t length, size_t room,
                              char *text, size_t text_size)
{
    if (length > room) {
        snprintf(text, text_size, "the line is longer than %zu bytes", room);
        return text;
    }
    if (isspace((unsigned char)*line))
        return "the line is indented; a value has one line only";
    return NULL;
}

/* What no line may hold, or NULL. */
static const char *bytes_fault(const char *line, size_t length)
{
    if (memchr(line, '\0', length))
        return "a NUL byte in the line";
    for (size_t i = 0; i < length; i++)
        if (iscntrl((unsigned char)line[i]) && line[i] != '\t')
            return "a control character in the line";
    return NULL;
}

/* Whether libinih shall split the line; tells its faults, or its header. */
static bool for_libinih(const struct lines *lines, const char *line,
                        size_t length, size_t room)
{
    const char *what = bytes_fault(line, length);
    size_t indent = 0;
    char text[80];

    while (indent < length && isspace((unsigned char)line[indent]))
        indent++;
    bool blank = indent == length || strchr(";#", line[indent]);
    bool header = !blank && line[indent] == '[';

    if (!what && !blank)
        what = line_fault(line, length, room, text, sizeof(text));
    if (what)
        tell(lines, what);
    if (header && what)
        lines->events->section(lines->events->context, lines->number, NULL);
    else if (header)
        read_header(lines, line, length);
    return !what && !blank && !header;
}

static void end_line(struct lines *lines)
{
    if (lines->unsplit)
        tell(lines, "the line is no section, no comment and no key = value");
    lines->unsplit = false;
}

/* Takes the next line, without its end and the white space before that. */
static const char *take_line(struct lines *lines, size_t *length)
{
    const char *line = lines->next;
    const char *end = memchr(line, '\n', (size_t)(lines->end - line));

    lines->next = end ? end + 1 : lines->end;
    if (!end)
        end = lines->end;
    lines->number++;
    if (lines->number == 1 && end - line >= 3 &&
        memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3; /* a byte order mark */
    while (end > line && strchr(" \t\r", end[-1]) && end[-1])
        end--;
    *length = (size_t)(end - line);
    return line;
}

/* libinih's reader: a line and a newline in at most `size` bytes with a NUL. */
static char *give_line(char *buffer, int size, void *stream)
{
    struct lines *lines = stream;
    size_t length, room = size > 2 ? (size_t)size - 2 : 0;

    end_line(lines);
    if (lines->next == lines->end)
        return NULL;
    const char *line = take_line(lines, &length);
    lines->unsplit = for_libinih(lines, line, length, room);
    if (!lines->unsplit)
        length = 0;
    memcpy(buffer, line, length);
    memcpy(buffer + length, "\n", 2);
    return buffer;
}

static int take_key(void *context, const char *section, const char *name,
                    const char *value)
{
    struct lines *lines = context;

    (void)section; /* told by read_header() */
    lines->unsplit = false;
    lines->events->key(lines->events->context, lines->number, name, value);
    return 1;
}

void inifile_read(const char *bytes, size_t length,
                  const struct inifile_events *events)
{
    struct lines lines = {
        .next = bytes,
        .end = bytes + length,
        .events = events,
    };

    if (ini_parse_stream(give_line, &lines, take_key, &lines) == -2)
        die(EX_OSERR, "out of memory");
}
