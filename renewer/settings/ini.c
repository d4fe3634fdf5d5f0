/* The lines of an INI file. */
#include "settings/ini.h"

#include <ctype.h>
#include <string.h>

#define BLANK " \t"

#define TEXT_OF(number) #number
#define NUMBER(macro) TEXT_OF(macro)

static char *skip_blank(char *text)
{
    return text + strspn(text, BLANK);
}

/* Ends the text before `end` and the blank before that; returns its end. */
static char *cut(const char *text, char *end)
{
    while (end > text && end[-1] && strchr(BLANK "\r", end[-1]))
        end--;
    *end = '\0';
    return end;
}

/* A comment behind a value or a header begins with a blank and a ";". */
static void cut_comment(char *text)
{
    for (char *s = text; (s = strchr(s, ';')); s++)
        if (s > text && strchr(BLANK, s[-1])) {
            cut(text, s);
            return;
        }
}

/* What is wrong with a line as such, or NULL. */
static const char *find_fault(const char *text, size_t length, bool idle)
{
    if (memchr(text, '\0', length))
        return "a NUL byte in the line";
    for (size_t i = 0; i < length; i++)
        if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
            return "a control character in the line";
    if (idle)
        return NULL;
    if (length > INI_LINE_MAX)
        return "the line is longer than " NUMBER(INI_LINE_MAX) " bytes";
    if (strchr(BLANK, *text))
        return "the line is indented: it must begin in the first column, and a "
               "value has one line only";
    return NULL;
}

static const char *split_header(struct ini_line *line, char *text)
{
    char *end = strchr(text, ']');

    if (!end)
        return "a section header without its ]";
    line->name = skip_blank(text + 1);
    cut_comment(end + 1);
    if (end[1])
        return "text behind the ] of a section header";
    cut(line->name, end);
    return NULL;
}

static const char *split_key(struct ini_line *line, char *text)
{
    char *equal;

    cut_comment(text);
    equal = strchr(text, '=');
    if (!equal)
        return "the line is no section, no comment and no key = value";
    line->name = text;
    line->value = skip_blank(equal + 1);
    cut(text, equal);
    return NULL;
}

void ini_begin(struct ini *ini, char *bytes, size_t length)
{
    size_t mark = strncmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    *ini = (struct ini){bytes + mark, bytes + length, 0};
}

bool ini_next(struct ini *ini, struct ini_line *line)
{
    while (ini->next < ini->end) {
        char *text = ini->next;
        char *end = memchr(text, '\n', (size_t)(ini->end - text));

        if (!end)
            end = ini->end;
        ini->next = end + 1;
        ini->line++;
        end = cut(text, end);
        char first = *skip_blank(text);
        bool idle = strchr(";#", first); /* or blank */
        *line = (struct ini_line){.header = first == '['};
        line->fault = find_fault(text, (size_t)(end - text), idle);
        if (line->fault)
            return true;
        if (!idle) {
            line->fault =
                line->header ? split_header(line, text) : split_key(line, text);
            return true;
        }
    }
    return false;
}
