/* Writing HTML. */
#include "status/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"

static void put(struct html *html, const char *text)
{
    fputs_unlocked(text, html->stream);
}

static void end_tag_if_open(struct html *html)
{
    if (html->in_tag)
        put(html, ">");
    html->in_tag = false;
}

/* NULL: it stands for itself. Controls are no characters of HTML. */
static const char *get_escaped(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return c < ' ' || c == '\x7f' ? " " : NULL;
    }
}

/* The database hands out valid UTF-8. */
static void escape(struct html *html, const char *text)
{
    const char *plain = text;

    for (; *text; text++) {
        const char *escaped = get_escaped((unsigned char)*text);

        if (!escaped)
            continue;
        fwrite_unlocked(plain, 1, (size_t)(text - plain), html->stream);
        put(html, escaped);
        plain = text + 1;
    }
    put(html, plain);
}

static void escape_print(struct html *html, const char *format, va_list values)
{
    char *text = NULL;

    if (vasprintf(&text, format, values) < 0)
        die(EX_OSERR, "out of memory");
    escape(html, text);
    free(text);
}

void html_begin(struct html *html, FILE *stream)
{
    *html = (struct html){.stream = stream};
    fputs("<!DOCTYPE html>\n", stream);
}

void html_open(struct html *html, const char *tag, const char *class)
{
    end_tag_if_open(html);
    if (html->depth == HTML_DEPTH)
        die(EX_SOFTWARE, "html: %s is too deep", tag);
    html->open[html->depth++] = tag;
    put(html, "<");
    put(html, tag);
    html->in_tag = true;
    if (class)
        html_attribute(html, "class", class);
}

static void begin_attribute(struct html *html, const char *name)
{
    if (!html->in_tag)
        die(EX_SOFTWARE, "html: %s outside of a tag", name);
    put(html, " ");
    put(html, name);
    put(html, "=\"");
}

void html_attribute(struct html *html, const char *name, const char *value)
{
    begin_attribute(html, name);
    escape(html, value);
    put(html, "\"");
}

void html_attribute_print(struct html *html, const char *name,
                          const char *format, ...)
{
    va_list values;

    begin_attribute(html, name);
    va_start(values, format);
    escape_print(html, format, values);
    va_end(values);
    put(html, "\"");
}

/* Tenths are finer than any screen. A page has thousands of them: printf would
 * take most of its time for that. */
static void put_number(struct html *html, double value)
{
    long tenths = lround(value * 10), rest = labs(tenths);
    char text[32], *s = text + sizeof(text);

    *--s = '\0';
    if (rest % 10) {
        *--s = (char)('0' + rest % 10);
        *--s = '.';
    }
    rest /= 10;
    do
        *--s = (char)('0' + rest % 10);
    while (rest /= 10);
    if (tenths < 0)
        *--s = '-';
    put(html, s);
}

void html_number(struct html *html, const char *name, double value)
{
    begin_attribute(html, name);
    put_number(html, value);
    put(html, "\"");
}

void html_path_begin(struct html *html)
{
    begin_attribute(html, "d");
}

void html_path_to(struct html *html, char step, double x, double y)
{
    putc_unlocked(step, html->stream);
    if (step == 'Z')
        return;
    if (step != 'V')
        put_number(html, x);
    if (step == 'M' || step == 'L')
        put(html, " ");
    if (step != 'H')
        put_number(html, y);
}

void html_path_end(struct html *html)
{
    put(html, "\"");
}

void html_text(struct html *html, const char *text)
{
    end_tag_if_open(html);
    if (text)
        escape(html, text);
}

void html_print(struct html *html, const char *format, ...)
{
    va_list values;

    end_tag_if_open(html);
    va_start(values, format);
    escape_print(html, format, values);
    va_end(values);
}

void html_style(struct html *html, const char *const *sheet)
{
    html_open(html, "style", NULL);
    end_tag_if_open(html);
    for (; *sheet; sheet++)
        put(html, *sheet);
    html_close(html);
}

static bool is_one_of(const char *tag, const char *const *tags)
{
    for (; *tags; tags++)
        if (strcmp(tag, *tags) == 0)
            return true;
    return false;
}

void html_close(struct html *html)
{
    static const char *const empty[] = {"meta", "br", NULL};
    static const char *const leaves[] = {"rect", "path", "line", "circle",
                                         NULL};
    const char *tag = html->open[--html->depth];

    if (html->in_tag && is_one_of(tag, leaves)) {
        put(html, "/>");
        html->in_tag = false;
    } else {
        end_tag_if_open(html);
        if (!is_one_of(tag, empty)) {
            put(html, "</");
            put(html, tag);
            put(html, ">");
        }
    }
    if (html->depth < 5) /* lines, for who reads the source */
        put(html, "\n");
}

void html_leaf(struct html *html, const char *tag, const char *class,
               const char *text)
{
    html_open(html, tag, class);
    html_text(html, text);
    html_close(html);
}

void html_end(struct html *html)
{
    while (html->depth)
        html_close(html);
}
